#include "dtls/dtls_session.h"

#include <openssl/srtp.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cstring>
#include <iterator>
#include <stdexcept>
#include <utility>

#include "base/check.h"
#include "dtls/openssl_handles.h"

namespace hg {
namespace {

// RFC 8827 s6.5 asks for ECDHE with P-256 and AES-128-GCM; the rest is for
// peers with an RSA certificate, without AES hardware, or of before 2016 (CBC).
constexpr char kCiphers[] =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
    "ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:"
    "ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES256-SHA";
// Our preference; as a server OpenSSL takes the first that the peer has, too.
constexpr char kSrtpProfiles[] =
    "SRTP_AEAD_AES_128_GCM:SRTP_AEAD_AES_256_GCM:SRTP_AES128_CM_SHA1_80";

// RFC 6347 s4.2.4.1 starts at 1 s and allows less where round trips are known
// to be short; ICE has just measured one. OpenSSL gives up at the twelfth
// timeout, here after 29 s.
constexpr unsigned kFirstTimeoutUs = 200'000;
constexpr unsigned kLastTimeoutUs = 3'200'000;

// Record header 13, explicit IV 16, SHA-1 20, CBC padding 16; the others less.
constexpr std::size_t kMaxRecordOverhead = 65;
constexpr int kMinMtu = 256;
// RFC 6347 s4.1: the largest plain record.
constexpr std::size_t kMaxRecord = 16384;

// RFC 5764 s4.2.
constexpr std::string_view kExporterLabel = "EXTRACTOR-dtls_srtp";

struct ProfileFacts {
  std::size_t key;
  std::size_t salt;
};

std::optional<ProfileFacts> FactsOf(unsigned long profile) {
  switch (profile) {
    case static_cast<unsigned long>(SrtpProfile::kAes128CmSha1_80):
      return ProfileFacts{16, 14};
    case static_cast<unsigned long>(SrtpProfile::kAeadAes128Gcm):
      return ProfileFacts{16, 12};
    case static_cast<unsigned long>(SrtpProfile::kAeadAes256Gcm):
      return ProfileFacts{32, 12};
    default:
      return std::nullopt;
  }
}

struct DigestFacts {
  std::string_view name;
  const EVP_MD* (*digest)();
  std::size_t size;
};
constexpr DigestFacts kDigests[] = {{"sha-256", EVP_sha256, 32},
                                    {"sha-384", EVP_sha384, 48},
                                    {"sha-512", EVP_sha512, 64}};

const DigestFacts* FindDigest(std::string_view algorithm) {
  for (const DigestFacts& facts : kDigests)
    if (facts.name == algorithm) return &facts;
  return nullptr;
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool Matches(X509* certificate, const Fingerprint& fingerprint) {
  const DigestFacts* facts = FindDigest(fingerprint.algorithm);
  if (!facts || fingerprint.digest.size() != facts->size) return false;
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned int size = 0;
  return X509_digest(certificate, facts->digest(), digest.data(), &size) == 1 &&
         size == facts->size &&
         std::memcmp(digest.data(), fingerprint.digest.data(), size) == 0;
}

unsigned NextTimeoutUs(SSL*, unsigned last_us) {
  if (last_us == 0) return kFirstTimeoutUs;
  return std::min(last_us * 2, kLastTimeoutUs);
}

// What the reason codes of the oldest queued error mean to a person.
std::string FailureText() {
  const unsigned long error = ERR_peek_error();
  if (ERR_GET_LIB(error) == ERR_LIB_SSL) {
    switch (ERR_GET_REASON(error)) {
      case SSL_R_UNSUPPORTED_PROTOCOL:
      case SSL_R_VERSION_TOO_LOW:
      case SSL_R_WRONG_SSL_VERSION:
      case SSL_R_WRONG_VERSION_NUMBER:
      case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
        return "the peer only speaks an old DTLS version, and DTLS 1.2 is "
               "needed: update the browser or client";
      case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
        return "the peer showed no certificate";
      case SSL_R_NO_SHARED_CIPHER:
      case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
        return "the peer has no cipher suite in common with us";
      case SSL_R_READ_TIMEOUT_EXPIRED:
        return "the DTLS handshake timed out";
      default:
        break;
    }
  }
  const std::string reason = OldestOpensslReason();
  return "DTLS error: " + (reason.empty() ? "unknown" : reason);
}

[[noreturn]] void FailContext(const char* step) {
  throw std::runtime_error(std::string("DTLS: ") + step + " (" +
                           OldestOpensslReason() + ")");
}

}  // namespace

std::string_view SrtpProfileName(SrtpProfile profile) {
  switch (profile) {
    case SrtpProfile::kAes128CmSha1_80:
      return "AES_CM_128_HMAC_SHA1_80";
    case SrtpProfile::kAeadAes128Gcm:
      return "AEAD_AES_128_GCM";
    case SrtpProfile::kAeadAes256Gcm:
      return "AEAD_AES_256_GCM";
  }
  return "unknown";
}

std::optional<Fingerprint> Fingerprint::Parse(std::string_view algorithm,
                                              std::string_view hex_pairs) {
  Fingerprint result;
  for (const char c : algorithm)
    result.algorithm += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  const DigestFacts* facts = FindDigest(result.algorithm);
  if (!facts || hex_pairs.size() != facts->size * 3 - 1) return std::nullopt;
  for (std::size_t i = 0; i < hex_pairs.size(); i += 3) {
    const int high = HexDigit(hex_pairs[i]);
    const int low = HexDigit(hex_pairs[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    if (i + 2 < hex_pairs.size() && hex_pairs[i + 2] != ':')
      return std::nullopt;
    result.digest.push_back(static_cast<std::uint8_t>(high << 4 | low));
  }
  return result;
}

struct DtlsContext::Impl {
  std::shared_ptr<const Certificate> certificate;
  int mtu;
  BioMethodPtr bio_method;
  SslCtxPtr ssl_ctx;
};

struct DtlsSession::Impl {
  Impl(const DtlsContext& context, DtlsRole session_role,
       std::vector<Fingerprint> remote_fingerprints,
       DtlsSession::Observer& session_observer, bool srtp_needed)
      : mtu(context.impl().mtu),
        role(session_role),
        needs_srtp(srtp_needed),
        fingerprints(std::move(remote_fingerprints)),
        observer(session_observer) {}

  static int BioRead(BIO* bio, char* out, int size);
  static int BioWrite(BIO* bio, const char* data, int size);
  static long BioControl(BIO* bio, int command, long number, void* pointer);
  static int VerifyPeer(X509_STORE_CTX* store, void*);

  void Pump();
  void OnHandshakeDone();
  void ReadApplicationData();
  void OnSslResult(int result);
  void Finish(DtlsState final_state, const std::string& why);

  const int mtu;
  const DtlsRole role;
  const bool needs_srtp;
  const std::vector<Fingerprint> fingerprints;
  DtlsSession::Observer& observer;
  SslPtr ssl;
  DtlsState state = DtlsState::kNew;
  std::uint32_t retransmissions = 0;
  bool wrong_fingerprint = false;
  int depth = 0;   // of our methods on the stack, through the observer
  Bytes incoming;  // the datagram that OpenSSL may read
};

namespace {

// Brackets every method that calls OpenSSL. A connected session has nothing to
// say for most of its life: its record buffers (18 KB of 58) are lent to it for
// the call. The SSL object of one that ended is freed when the last call
// leaves.
class Entered {
 public:
  template <typename Impl>
  explicit Entered(Impl& impl)
      : depth_(impl.depth), state_(impl.state), ssl_(impl.ssl) {
    if (++depth_ == 1 && state_ == DtlsState::kConnected)
      SSL_alloc_buffers(ssl_.get());
  }
  ~Entered() {
    if (--depth_ > 0) return;
    if (state_ == DtlsState::kConnected)
      SSL_free_buffers(ssl_.get());
    else if (state_ == DtlsState::kClosed || state_ == DtlsState::kFailed)
      ssl_.reset();
  }
  Entered(const Entered&) = delete;
  Entered& operator=(const Entered&) = delete;

 private:
  ErrorQueueScope errors_;
  int& depth_;
  const DtlsState& state_;
  SslPtr& ssl_;
};

}  // namespace

DtlsContext::DtlsContext(std::shared_ptr<const Certificate> certificate,
                         int mtu)
    : impl_(std::make_unique<Impl>()) {
  HG_CHECK(mtu >= kMinMtu);
  const ErrorQueueScope errors;
  impl_->certificate = std::move(certificate);
  impl_->mtu = mtu;

  BIO_METHOD* method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "headgate DTLS");
  if (!method) FailContext("out of memory");
  impl_->bio_method.reset(method);
  BIO_meth_set_read(method, DtlsSession::Impl::BioRead);
  BIO_meth_set_write(method, DtlsSession::Impl::BioWrite);
  BIO_meth_set_ctrl(method, DtlsSession::Impl::BioControl);

  SSL_CTX* ctx = SSL_CTX_new(DTLS_method());
  if (!ctx) FailContext("no SSL context");
  impl_->ssl_ctx.reset(ctx);
  // Level 1 keeps peers with RSA-1024 certificates: identity comes from the
  // fingerprint, not from the key's size.
  SSL_CTX_set_security_level(ctx, 1);
  int groups[] = {NID_X25519, NID_X9_62_prime256v1, NID_secp384r1};
  if (!SSL_CTX_set_min_proto_version(ctx, DTLS1_2_VERSION) ||
      !SSL_CTX_set_cipher_list(ctx, kCiphers) ||
      !SSL_CTX_set1_groups(ctx, groups, std::size(groups)))
    FailContext("this OpenSSL lacks a needed cipher, group or version");
  if (SSL_CTX_set_tlsext_use_srtp(ctx, kSrtpProfiles) != 0)
    FailContext("this OpenSSL lacks an SRTP profile");
  SSL_CTX_set_options(ctx, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_TICKET |
                               SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);  // DTLS: see Entered
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
  // Also the size of the write buffer.
  const long fragment = std::clamp<long>(mtu, 512, kMaxRecord);
  if (!SSL_CTX_set_max_send_fragment(ctx, fragment))
    FailContext("the MTU was refused");
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                     nullptr);
  SSL_CTX_set_cert_verify_callback(ctx, DtlsSession::Impl::VerifyPeer, nullptr);

  const Certificate::Impl& own = impl_->certificate->impl();
  if (!SSL_CTX_use_certificate(ctx, own.leaf.get()) ||
      !SSL_CTX_use_PrivateKey(ctx, own.key.get()))
    FailContext("the certificate cannot be used");
  for (const X509Ptr& issuer : own.issuers)
    if (!SSL_CTX_add1_chain_cert(ctx, issuer.get()))
      FailContext("the certificate chain cannot be used");
}

DtlsContext::~DtlsContext() = default;

// One write of OpenSSL's is one datagram: its handshake buffer is flushed when
// the next message would pass the MTU.
int DtlsSession::Impl::BioWrite(BIO* bio, const char* data, int size) {
  BIO_clear_retry_flags(bio);
  if (size < 0) return -1;
  auto* self = static_cast<Impl*>(BIO_get_data(bio));
  self->observer.OnDtlsSend(Bytes(reinterpret_cast<const std::uint8_t*>(data),
                                  static_cast<std::size_t>(size)));
  return size;
}

int DtlsSession::Impl::BioRead(BIO* bio, char* out, int size) {
  BIO_clear_retry_flags(bio);
  auto* self = static_cast<Impl*>(BIO_get_data(bio));
  if (self->incoming.empty() || size <= 0) {
    BIO_set_retry_read(bio);
    return -1;
  }
  // Like a socket: what does not fit is gone.
  const std::size_t taken =
      std::min(self->incoming.size(), static_cast<std::size_t>(size));
  std::memcpy(out, self->incoming.data(), taken);
  self->incoming = {};
  return static_cast<int>(taken);
}

long DtlsSession::Impl::BioControl(BIO* bio, int command, long, void*) {
  auto* self = static_cast<Impl*>(BIO_get_data(bio));
  switch (command) {
    case BIO_CTRL_FLUSH:
    case BIO_CTRL_DUP:
    case BIO_CTRL_DGRAM_SET_NEXT_TIMEOUT:
      return 1;
    case BIO_CTRL_PENDING:
      return static_cast<long>(self->incoming.size());
    case BIO_CTRL_DGRAM_QUERY_MTU:
    case BIO_CTRL_DGRAM_GET_MTU:
    case BIO_CTRL_DGRAM_GET_FALLBACK_MTU:
      return self->mtu;
    default:
      return 0;  // WPENDING, timers, MTU overhead: nothing of ours
  }
}

// Runs before the peer proves that it has the key and before keys exist, so a
// wrong certificate ends the handshake with an alert that the peer sees.
int DtlsSession::Impl::VerifyPeer(X509_STORE_CTX* store, void*) {
  auto* ssl = static_cast<SSL*>(
      X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* self = static_cast<Impl*>(SSL_get_app_data(ssl));
  X509* leaf = X509_STORE_CTX_get0_cert(store);
  const bool matches =
      leaf && std::any_of(self->fingerprints.begin(), self->fingerprints.end(),
                          [leaf](const Fingerprint& fingerprint) {
                            return Matches(leaf, fingerprint);
                          });
  if (!matches) {
    self->wrong_fingerprint = true;
    X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
  }
  return matches ? 1 : 0;
}

void DtlsSession::Impl::Pump() {
  if (state == DtlsState::kConnecting) {
    const int result = SSL_do_handshake(ssl.get());
    if (result == 1)
      OnHandshakeDone();
    else
      OnSslResult(result);
  }
  if (state == DtlsState::kConnected) ReadApplicationData();
}

void DtlsSession::Impl::OnHandshakeDone() {
  SrtpKeys keys{};
  if (const SRTP_PROTECTION_PROFILE* profile =
          SSL_get_selected_srtp_profile(ssl.get())) {
    const auto facts = FactsOf(profile->id);
    if (!facts) return Finish(DtlsState::kFailed, "unknown SRTP profile");
    keys.profile = static_cast<SrtpProfile>(profile->id);
    // client key ‖ server key ‖ client salt ‖ server salt
    std::array<unsigned char, 2 * (32 + 14)> material;
    const std::size_t size = 2 * (facts->key + facts->salt);
    if (SSL_export_keying_material(ssl.get(), material.data(), size,
                                   kExporterLabel.data(), kExporterLabel.size(),
                                   nullptr, 0, 0) != 1)
      return Finish(DtlsState::kFailed, FailureText());
    const auto take = [&](std::size_t side) {
      const unsigned char* key = material.data() + side * facts->key;
      const unsigned char* salt =
          material.data() + 2 * facts->key + side * facts->salt;
      std::vector<std::uint8_t> result(key, key + facts->key);
      result.insert(result.end(), salt, salt + facts->salt);
      return result;
    };
    keys.local = take(role == DtlsRole::kClient ? 0 : 1);
    keys.remote = take(role == DtlsRole::kClient ? 1 : 0);
    OPENSSL_cleanse(material.data(), material.size());
  } else if (needs_srtp) {
    SSL_shutdown(ssl.get());
    return Finish(DtlsState::kFailed,
                  "the peer has no SRTP profile in common with us");
  }
  state = DtlsState::kConnected;
  observer.OnDtlsConnected(keys);
  OPENSSL_cleanse(keys.local.data(), keys.local.size());
  OPENSSL_cleanse(keys.remote.data(), keys.remote.size());
}

void DtlsSession::Impl::ReadApplicationData() {
  std::array<std::uint8_t, kMaxRecord> record;
  while (state == DtlsState::kConnected) {
    const int size =
        SSL_read(ssl.get(), record.data(), static_cast<int>(record.size()));
    if (size <= 0) return OnSslResult(size);
    observer.OnDtlsApplicationData(
        Bytes(record.data(), static_cast<std::size_t>(size)));
  }
}

void DtlsSession::Impl::OnSslResult(int result) {
  switch (SSL_get_error(ssl.get(), result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      return;
    case SSL_ERROR_ZERO_RETURN:
      // RFC 5246 s7.2.1: answered with a close_notify of our own.
      if (state == DtlsState::kConnected) SSL_shutdown(ssl.get());
      return Finish(DtlsState::kClosed, "DTLS alert");
    default:
      return Finish(DtlsState::kFailed,
                    wrong_fingerprint
                        ? "the peer's certificate matches none of the "
                          "signalled fingerprints"
                        : FailureText());
  }
}

void DtlsSession::Impl::Finish(DtlsState final_state, const std::string& why) {
  state = final_state;
  observer.OnDtlsClosed(final_state, why);
}

DtlsSession::DtlsSession(const DtlsContext& context, DtlsRole role,
                         std::vector<Fingerprint> remote_fingerprints,
                         Observer& observer, bool needs_srtp)
    : impl_(std::make_unique<Impl>(context, role,
                                   std::move(remote_fingerprints), observer,
                                   needs_srtp)) {
  const ErrorQueueScope errors;
  impl_->ssl.reset(SSL_new(context.impl().ssl_ctx.get()));
  BIO* bio = BIO_new(context.impl().bio_method.get());
  if (!impl_->ssl || !bio) {
    BIO_free(bio);
    throw std::runtime_error("out of memory for a DTLS session");
  }
  BIO_set_data(bio, impl_.get());
  BIO_set_init(bio, 1);
  SSL* ssl = impl_->ssl.get();
  SSL_set_bio(ssl, bio, bio);
  SSL_set_app_data(ssl, impl_.get());
  SSL_set_mtu(ssl, context.impl().mtu);
  DTLS_set_timer_cb(ssl, NextTimeoutUs);
  if (role == DtlsRole::kClient)
    SSL_set_connect_state(ssl);
  else
    SSL_set_accept_state(ssl);
}

DtlsSession::~DtlsSession() {
  const ErrorQueueScope errors;
  impl_.reset();
}

void DtlsSession::Start() {
  if (impl_->state != DtlsState::kNew) return;
  const Entered entered(*impl_);
  impl_->state = DtlsState::kConnecting;
  impl_->Pump();
}

void DtlsSession::OnDatagram(Bytes datagram) {
  if (!impl_->ssl || impl_->depth > 0) return;
  if (impl_->state == DtlsState::kNew) {
    if (impl_->role == DtlsRole::kClient) return;
    impl_->state = DtlsState::kConnecting;
  }
  const Entered entered(*impl_);
  impl_->incoming = datagram;
  impl_->Pump();
  impl_->incoming = {};
}

bool DtlsSession::SendApplicationData(Bytes data) {
  if (impl_->state != DtlsState::kConnected || data.empty() ||
      data.size() > max_application_data())
    return false;
  const Entered entered(*impl_);
  return SSL_write(impl_->ssl.get(), data.data(),
                   static_cast<int>(data.size())) > 0;
}

std::size_t DtlsSession::max_application_data() const {
  return std::min(static_cast<std::size_t>(impl_->mtu), kMaxRecord) -
         kMaxRecordOverhead;
}

void DtlsSession::Close() {
  if (!impl_->ssl || impl_->state == DtlsState::kClosed ||
      impl_->state == DtlsState::kFailed)
    return;
  const Entered entered(*impl_);
  if (impl_->state == DtlsState::kConnected) SSL_shutdown(impl_->ssl.get());
  impl_->state = DtlsState::kClosed;
}

std::optional<Timestamp> DtlsSession::NextTimeout(Timestamp now) const {
  timeval left{};
  // Connected, it answers what the other side sends again, by no timer.
  if (state() == DtlsState::kConnected || !impl_->ssl ||
      !DTLSv1_get_timeout(impl_->ssl.get(), &left))
    return std::nullopt;
  const Duration exact = std::chrono::seconds(left.tv_sec) +
                         std::chrono::microseconds(left.tv_usec);
  return now + std::chrono::ceil<std::chrono::milliseconds>(exact);
}

void DtlsSession::HandleTimeout() {
  if (!impl_->ssl || impl_->depth > 0) return;
  const Entered entered(*impl_);
  const long result = DTLSv1_handle_timeout(impl_->ssl.get());
  if (result > 0) ++impl_->retransmissions;
  if (result < 0) impl_->Finish(DtlsState::kFailed, FailureText());
}

DtlsState DtlsSession::state() const { return impl_->state; }
std::uint32_t DtlsSession::retransmissions() const {
  return impl_->retransmissions;
}

}  // namespace hg
