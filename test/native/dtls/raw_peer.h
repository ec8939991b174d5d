// A DTLS end made with OpenSSL alone, so that it can be what ours never is:
// old, without certificate, without SRTP, with a long ClientHello.
#pragma once

#include <openssl/ssl.h>

#include <string>
#include <vector>

#include "dtls_link.h"

namespace hg::test {

struct Pem {
  std::string certificate;
  std::string key;
};
enum class KeyType { kEcdsa, kRsa };
// `password` empty: the key is not encrypted.
Pem MakePem(KeyType type, const std::string& password = "");

struct RawConfig {
  DtlsRole role = DtlsRole::kClient;
  const Pem* pem = nullptr;  // null: shows no certificate
  int max_version = 0;       // DTLS1_VERSION and so on; 0: the newest
  const char* srtp = "SRTP_AEAD_AES_128_GCM";  // null: none
  std::size_t padding = 0;                     // bytes of an unknown extension
  long mtu = 1200;
};

class RawPeer final : public End {
 public:
  explicit RawPeer(const RawConfig& config);
  ~RawPeer() override;

  void Start() override { Pump(); }
  void Take(Bytes datagram) override;
  bool done() const override { return connected || failed; }

  Datagram Export(std::size_t size) const;
  Fingerprint fingerprint() const;
  void Write(const std::string& text);
  void Renegotiate();

  bool connected = false;
  bool failed = false;
  std::string received;

 private:
  void Pump();

  std::string padding_;
  int near_ = -1;
  int far_ = -1;
  SSL_CTX* ctx_ = nullptr;
  SSL* ssl_ = nullptr;
};

}  // namespace hg::test
