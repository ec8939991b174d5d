# Stands in for CMake's own FindOpenSSL while libsrtp is built: headers, no
# library. The code runs inside node, which exports its own OpenSSL; CMake's
# module cannot read the version out of Node's headers.
# HG_OPENSSL_INCLUDE: the folder that holds openssl/ssl.h.
set(OPENSSL_FOUND TRUE)
set(OpenSSL_FOUND TRUE)
set(OPENSSL_INCLUDE_DIR ${HG_OPENSSL_INCLUDE})
set(OPENSSL_CRYPTO_LIBRARY "")
set(OPENSSL_LIBRARIES "")
if(NOT TARGET OpenSSL::Crypto)
  add_library(OpenSSL::Crypto INTERFACE IMPORTED)
  target_include_directories(OpenSSL::Crypto INTERFACE ${HG_OPENSSL_INCLUDE})
endif()
