// The certificate a gateway shows to its peers: a self-signed ECDSA P-256 one
// made at start (RFC 8827 s6.5), or one read from PEM.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace hg {

class Certificate {
 public:
  // Throws std::runtime_error with a text that says which step failed.
  static std::shared_ptr<const Certificate> Generate();
  // `chain_pem`: leaf first, as in Let's Encrypt's fullchain.pem.
  static std::shared_ptr<const Certificate> FromPem(std::string_view chain_pem,
                                                    std::string_view key_pem,
                                                    std::string_view password);
  ~Certificate();
  Certificate(const Certificate&) = delete;
  Certificate& operator=(const Certificate&) = delete;

  // Upper-case hex pairs with colons. algorithm: sha-256, sha-384 or sha-512.
  std::string FingerprintText(std::string_view algorithm) const;

  struct Impl;
  const Impl& impl() const { return *impl_; }

 private:
  explicit Certificate(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace hg
