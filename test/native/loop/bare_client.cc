#include "native/loop/bare_client.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <poll.h>

#include <utility>

namespace hg::test {
namespace {

// A self-signed certificate in `ctx`; returns its fingerprint.
std::string MakeIdentity(SSL_CTX* ctx) {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
  X509_set_pubkey(certificate, key);
  X509_sign(certificate, key, EVP_sha256());
  SSL_CTX_use_certificate(ctx, certificate);
  SSL_CTX_use_PrivateKey(ctx, key);
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  X509_digest(certificate, EVP_sha256(), digest, &size);
  X509_free(certificate);
  EVP_PKEY_free(key);
  std::string text;
  for (unsigned i = 0; i < size; ++i) {
    constexpr char kHex[] = "0123456789ABCDEF";
    if (i > 0) text += ':';
    text += {kHex[digest[i] >> 4], kHex[digest[i] & 15]};
  }
  return text;
}

}  // namespace

BareClient::BareClient(Engine& engine, bool handshake)
    : engine_(engine),
      handshake_(handshake),
      peer_(engine.CreatePeer(true)),
      ctx_(SSL_CTX_new(DTLS_client_method())) {
  fingerprint_ = MakeIdentity(ctx_.get());
  ssl_.reset(SSL_new(ctx_.get()));
  in_ = BIO_new(BIO_s_mem());
  out_ = BIO_new(BIO_s_mem());
  BIO_set_mem_eof_return(in_, -1);
  BIO_set_mem_eof_return(out_, -1);
  SSL_set_bio(ssl_.get(), in_, out_);
  SSL_set_connect_state(ssl_.get());
  SSL_set_options(ssl_.get(), SSL_OP_NO_QUERY_MTU);
  SSL_set_mtu(ssl_.get(), 1200);
  IceTransport::Observer& observer = *this;
  ice_ = MakeNiceIceTransport(
      {.controlling = false, .local_addresses = {"127.0.0.1"}}, observer);
  ice_->Gather();
}

BareClient::~BareClient() = default;

void BareClient::OnEvent(const Event& event) {
  if (event.object != peer_.id || event.type != EventType::kPeerGathered)
    return;
  gathered_ = event;
}

void BareClient::OnIceGathered(const std::vector<std::string>& candidates) {
  candidates_ = candidates;
}

void BareClient::OnIceState(IceState state) {
  ice_connected_ = state == IceState::kConnected;
}

void BareClient::OnIceDatagram(Bytes datagram) {
  BIO_write(in_, datagram.data(), static_cast<int>(datagram.size()));
  Pump();
}

void BareClient::ReadMedia() {
  for (const IceFd& fd : ice_->fds()) {
    if (fd.kind != FdKind::kMedia) continue;
    const std::size_t count = reader_.Read(fd.fd);
    for (std::size_t i = 0; i < count; ++i) OnIceDatagram(reader_.message(i));
  }
}

void BareClient::Introduce() {
  if (introduced_ || candidates_.empty() || gathered_.list.empty()) return;
  introduced_ = true;
  PeerRemote remote;
  remote.ice = {ice_->local_ufrag(), ice_->local_pwd()};
  remote.fingerprints.push_back(*Fingerprint::Parse("sha-256", fingerprint_));
  engine_.SetRemote(peer_, std::move(remote));
  engine_.AddCandidate(peer_, candidates_[0]);
  engine_.EndOfCandidates(peer_);
  ice_->SetRemote({gathered_.text, gathered_.more});
  ice_->AddRemoteCandidate(gathered_.list[0]);
  ice_->SetRemoteGatheringDone();
}

// A handshake message may be of several writes of OpenSSL's; to a memory BIO
// they join, and records say where they end.
void BareClient::Pump() {
  if (!handshake_) return;
  SSL_do_handshake(ssl_.get());
  std::vector<std::uint8_t> flight(65536);
  const int size =
      BIO_read(out_, flight.data(), static_cast<int>(flight.size()));
  for (int at = 0; at + 13 <= size;) {
    const int record = 13 + LoadU16(flight.data() + at + 11);
    ice_->Send(Bytes(flight).subspan(static_cast<std::size_t>(at),
                                     static_cast<std::size_t>(record)));
    at += record;
  }
}

void BareClient::Run(Duration duration) {
  const Timestamp end = MonotonicNow() + duration;
  while (MonotonicNow() < end) {
    Introduce();
    ReadMedia();
    ice_->Iterate();
    if (ice_connected_ && handshake_ && !dtls_connected()) Pump();
    std::vector<pollfd> fds;
    for (const IceFd& fd : ice_->fds()) fds.push_back({fd.fd, POLLIN, 0});
    poll(fds.data(), fds.size(), 1);
  }
}

}  // namespace hg::test
