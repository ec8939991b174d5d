#include "dtls/certificate.h"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <climits>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "dtls/openssl_handles.h"

namespace hg {
namespace {

constexpr long kSecondsPerDay = 24 * 60 * 60;

[[noreturn]] void Fail(std::string what) {
  const std::string reason = OldestOpensslReason();
  if (!reason.empty()) what += " (" + reason + ")";
  throw std::runtime_error(what);
}

void SetRandomSerial(X509* x509) {
  // RFC 5280 s4.1.2.2: positive, at most 20 bytes.
  std::array<unsigned char, 16> bytes;
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1)
    Fail("no random serial number for the certificate");
  bytes[0] &= 0x7f;
  bytes[0] |= 0x40;
  BIGNUM* number =
      BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr);
  const bool ok = number && BN_to_ASN1_INTEGER(
                                number, X509_get_serialNumber(x509)) != nullptr;
  BN_free(number);
  if (!ok) Fail("the certificate's serial number could not be set");
}

BioPtr MemoryBio(std::string_view text) {
  if (text.size() > INT_MAX) Fail("the PEM text is too long");
  BioPtr bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  if (!bio) Fail("out of memory");
  return bio;
}

struct Password {
  std::string_view text;
  bool asked = false;
};

int GivePassword(char* buffer, int size, int, void* user) {
  auto* password = static_cast<Password*>(user);
  password->asked = true;
  if (password->text.empty() ||
      password->text.size() > static_cast<std::size_t>(size))
    return -1;
  std::memcpy(buffer, password->text.data(), password->text.size());
  return static_cast<int>(password->text.size());
}

std::vector<X509Ptr> ReadChain(std::string_view pem) {
  const BioPtr bio = MemoryBio(pem);
  Password none;
  std::vector<X509Ptr> chain;
  while (X509* x509 =
             PEM_read_bio_X509(bio.get(), nullptr, GivePassword, &none))
    chain.emplace_back(x509);
  // The end of the text is an error of its own, "no start line".
  const bool at_end =
      ERR_GET_LIB(ERR_peek_last_error()) == ERR_LIB_PEM &&
      ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  if (chain.empty() && at_end)
    throw std::runtime_error(
        "the certificate chain holds no PEM certificate "
        "(-----BEGIN CERTIFICATE-----)");
  if (!at_end)
    Fail("certificate " + std::to_string(chain.size() + 1) +
         " of the chain cannot be read");
  ERR_clear_error();
  return chain;
}

PkeyPtr ReadKey(std::string_view pem, std::string_view password_text) {
  const BioPtr bio = MemoryBio(pem);
  Password password{password_text};
  PkeyPtr key(
      PEM_read_bio_PrivateKey(bio.get(), nullptr, GivePassword, &password));
  if (key) return key;
  if (password.asked && password_text.empty())
    throw std::runtime_error(
        "the private key is encrypted, and no password was given");
  if (password.asked)
    Fail("the private key cannot be decrypted: wrong password?");
  Fail("the private key holds no PEM key (-----BEGIN PRIVATE KEY-----)");
}

const EVP_MD* DigestOf(std::string_view algorithm) {
  if (algorithm == "sha-256") return EVP_sha256();
  if (algorithm == "sha-384") return EVP_sha384();
  if (algorithm == "sha-512") return EVP_sha512();
  return nullptr;
}

}  // namespace

std::shared_ptr<const Certificate> Certificate::Generate() {
  const ErrorQueueScope errors;
  auto impl = std::make_unique<Impl>();
  impl->key.reset(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
  if (!impl->key) Fail("no ECDSA P-256 key could be generated");
  impl->leaf.reset(X509_new());
  X509* x509 = impl->leaf.get();
  if (!x509) Fail("out of memory");
  SetRandomSerial(x509);
  // Nobody checks the dates of a self-signed certificate whose fingerprint was
  // signalled, but some stacks refuse one from the future: clocks differ.
  X509_NAME* name = X509_get_subject_name(x509);
  if (!X509_set_version(x509, X509_VERSION_3) ||
      !X509_gmtime_adj(X509_getm_notBefore(x509), -kSecondsPerDay) ||
      !X509_gmtime_adj(X509_getm_notAfter(x509), 365 * kSecondsPerDay) ||
      !X509_NAME_add_entry_by_txt(
          name, "CN", MBSTRING_ASC,
          reinterpret_cast<const unsigned char*>("WebRTC"), -1, -1, 0) ||
      !X509_set_issuer_name(x509, name) ||
      !X509_set_pubkey(x509, impl->key.get()) ||
      X509_sign(x509, impl->key.get(), EVP_sha256()) == 0)
    Fail("the certificate could not be signed");
  return std::shared_ptr<const Certificate>(new Certificate(std::move(impl)));
}

std::shared_ptr<const Certificate> Certificate::FromPem(
    std::string_view chain_pem, std::string_view key_pem,
    std::string_view password) {
  const ErrorQueueScope errors;
  auto impl = std::make_unique<Impl>();
  impl->issuers = ReadChain(chain_pem);
  impl->leaf = std::move(impl->issuers.front());
  impl->issuers.erase(impl->issuers.begin());
  impl->key = ReadKey(key_pem, password);
  const int type = EVP_PKEY_get_base_id(impl->key.get());
  if (type != EVP_PKEY_EC && type != EVP_PKEY_RSA)
    throw std::runtime_error(
        "the private key is neither RSA nor ECDSA: browsers know no other");
  if (X509_check_private_key(impl->leaf.get(), impl->key.get()) != 1)
    throw std::runtime_error(
        "the private key does not belong to the first certificate of the "
        "chain");
  return std::shared_ptr<const Certificate>(new Certificate(std::move(impl)));
}

Certificate::Certificate(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Certificate::~Certificate() = default;

std::string Certificate::FingerprintText(std::string_view algorithm) const {
  const ErrorQueueScope errors;
  const EVP_MD* digest = DigestOf(algorithm);
  if (!digest)
    throw std::runtime_error("unknown fingerprint algorithm " +
                             std::string(algorithm));
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes;
  unsigned int size = 0;
  if (X509_digest(impl_->leaf.get(), digest, bytes.data(), &size) != 1)
    Fail("the certificate's fingerprint could not be computed");
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string text;
  text.reserve(size * 3);
  for (unsigned int i = 0; i < size; ++i) {
    if (i > 0) text += ':';
    text += kHex[bytes[i] >> 4];
    text += kHex[bytes[i] & 0x0f];
  }
  return text;
}

}  // namespace hg
