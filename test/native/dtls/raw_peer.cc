#include "raw_peer.h"

#include <doctest/doctest.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/srtp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

namespace hg::test {
namespace {

constexpr unsigned kPaddingExtension = 0x4a4a;

std::string Drain(BIO* bio) {
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio, &text);
  std::string result(text, static_cast<std::size_t>(size));
  BIO_free(bio);
  return result;
}

X509* ReadX509(const std::string& pem) {
  BIO* bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  X509* x509 = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
  BIO_free(bio);
  return x509;
}

int AddPadding(SSL*, unsigned, const unsigned char** out, std::size_t* size,
               int*, void* argument) {
  const auto* padding = static_cast<const std::string*>(argument);
  *out = reinterpret_cast<const unsigned char*>(padding->data());
  *size = padding->size();
  return 1;
}

}  // namespace

Pem MakePem(KeyType type, const std::string& password) {
  EVP_PKEY* key =
      type == KeyType::kEcdsa ? EVP_EC_gen("P-256") : EVP_RSA_gen(2048);
  X509* x509 = X509_new();
  X509_set_version(x509, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
  X509_gmtime_adj(X509_getm_notBefore(x509), -60);
  X509_gmtime_adj(X509_getm_notAfter(x509), 3600);
  X509_set_pubkey(x509, key);
  X509_sign(x509, key, EVP_sha256());

  BIO* certificate = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(certificate, x509);
  BIO* key_bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PKCS8PrivateKey(
      key_bio, key, password.empty() ? nullptr : EVP_aes_128_cbc(),
      password.empty() ? nullptr : password.data(),
      static_cast<int>(password.size()), nullptr, nullptr);
  X509_free(x509);
  EVP_PKEY_free(key);
  return {Drain(certificate), Drain(key_bio)};
}

RawPeer::RawPeer(const RawConfig& config) : padding_(config.padding, 'x') {
  std::array<int, 2> fds;
  REQUIRE(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, fds.data()) == 0);
  near_ = fds[0];
  far_ = fds[1];
  ctx_ = SSL_CTX_new(DTLS_method());
  SSL_CTX_set_security_level(ctx_, 0);
  SSL_CTX_set_cipher_list(ctx_, "ALL:@SECLEVEL=0");
  SSL_CTX_set_min_proto_version(ctx_, DTLS1_VERSION);
  if (config.max_version)
    SSL_CTX_set_max_proto_version(ctx_, config.max_version);
  SSL_CTX_set_options(ctx_, SSL_OP_NO_QUERY_MTU);
  if (config.srtp) SSL_CTX_set_tlsext_use_srtp(ctx_, config.srtp);
  SSL_CTX_set_verify(ctx_, SSL_VERIFY_PEER,
                     [](int, X509_STORE_CTX*) { return 1; });
  if (config.pem) {
    X509* x509 = ReadX509(config.pem->certificate);
    BIO* bio = BIO_new_mem_buf(config.pem->key.data(),
                               static_cast<int>(config.pem->key.size()));
    EVP_PKEY* key = PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
    SSL_CTX_use_certificate(ctx_, x509);
    SSL_CTX_use_PrivateKey(ctx_, key);
    EVP_PKEY_free(key);
    BIO_free(bio);
    X509_free(x509);
  }
  if (config.padding)
    SSL_CTX_add_client_custom_ext(ctx_, kPaddingExtension, AddPadding, nullptr,
                                  &padding_, nullptr, nullptr);
  ssl_ = SSL_new(ctx_);
  BIO* bio = BIO_new_socket(near_, BIO_NOCLOSE);
  SSL_set_bio(ssl_, bio, bio);
  SSL_set_mtu(ssl_, config.mtu);
  if (config.role == DtlsRole::kClient)
    SSL_set_connect_state(ssl_);
  else
    SSL_set_accept_state(ssl_);
  ERR_clear_error();
}

RawPeer::~RawPeer() {
  SSL_free(ssl_);
  SSL_CTX_free(ctx_);
  close(near_);
  close(far_);
}

void RawPeer::Take(Bytes datagram) {
  REQUIRE(::send(far_, datagram.data(), datagram.size(), 0) ==
          static_cast<ssize_t>(datagram.size()));
  Pump();
}

void RawPeer::Pump() {
  ERR_clear_error();
  if (!connected && !failed) {
    const int result = SSL_do_handshake(ssl_);
    if (result == 1) connected = true;
    const int error = SSL_get_error(ssl_, result);
    if (result <= 0 && error != SSL_ERROR_WANT_READ) failed = true;
  }
  std::array<char, 4096> buffer;
  if (connected) {
    int size;
    while ((size = SSL_read(ssl_, buffer.data(), buffer.size())) > 0)
      received.append(buffer.data(), static_cast<std::size_t>(size));
    if (SSL_get_error(ssl_, size) != SSL_ERROR_WANT_READ) failed = true;
  }
  ERR_clear_error();
  ssize_t size;
  while ((size = recv(far_, buffer.data(), buffer.size(), 0)) > 0)
    sent.emplace_back(buffer.begin(), buffer.begin() + size);
}

void RawPeer::Write(const std::string& text) {
  SSL_write(ssl_, text.data(), static_cast<int>(text.size()));
  Pump();
}

void RawPeer::Renegotiate() {
  SSL_renegotiate(ssl_);
  SSL_do_handshake(ssl_);
  Pump();
}

Datagram RawPeer::Export(std::size_t size) const {
  Datagram material(size);
  const std::string label = "EXTRACTOR-dtls_srtp";
  REQUIRE(SSL_export_keying_material(ssl_, material.data(), size, label.data(),
                                     label.size(), nullptr, 0, 0) == 1);
  return material;
}

Fingerprint RawPeer::fingerprint() const {
  Fingerprint result{"sha-256", Datagram(32)};
  if (X509* x509 = SSL_get_certificate(ssl_))
    X509_digest(x509, EVP_sha256(), result.digest.data(), nullptr);
  return result;
}

}  // namespace hg::test
