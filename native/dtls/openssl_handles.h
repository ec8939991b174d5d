// Owning handles and error texts for OpenSSL; used by this layer only.
#pragma once

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "dtls/certificate.h"

namespace hg {

template <auto kFree>
struct OpensslDeleter {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using BioPtr = std::unique_ptr<BIO, OpensslDeleter<BIO_free>>;
using BioMethodPtr = std::unique_ptr<BIO_METHOD, OpensslDeleter<BIO_meth_free>>;
using PkeyPtr = std::unique_ptr<EVP_PKEY, OpensslDeleter<EVP_PKEY_free>>;
using SslPtr = std::unique_ptr<SSL, OpensslDeleter<SSL_free>>;
using SslCtxPtr = std::unique_ptr<SSL_CTX, OpensslDeleter<SSL_CTX_free>>;
using X509Ptr = std::unique_ptr<X509, OpensslDeleter<X509_free>>;

// OpenSSL's error queue belongs to the thread, and Node uses it on its own.
// We neither read what others left there nor leave anything.
class ErrorQueueScope {
 public:
  ErrorQueueScope() { ERR_clear_error(); }
  ~ErrorQueueScope() { ERR_clear_error(); }
  ErrorQueueScope(const ErrorQueueScope&) = delete;
  ErrorQueueScope& operator=(const ErrorQueueScope&) = delete;
};

// "bad decrypt", the reason of the oldest error in the queue, or "".
inline std::string OldestOpensslReason() {
  const char* reason = ERR_reason_error_string(ERR_peek_error());
  return reason ? reason : "";
}

struct Certificate::Impl {
  X509Ptr leaf;
  std::vector<X509Ptr> issuers;  // sent behind the leaf
  PkeyPtr key;
};

}  // namespace hg
