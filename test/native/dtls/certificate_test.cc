#include "dtls/certificate.h"

#include <doctest/doctest.h>
#include <openssl/err.h>

#include <algorithm>
#include <stdexcept>

#include "dtls/dtls_session.h"
#include "raw_peer.h"

using namespace hg;
using namespace hg::test;

namespace {

std::string WhyNot(const std::string& chain, const std::string& key,
                   const std::string& password) {
  try {
    Certificate::FromPem(chain, key, password);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "";
}

bool Says(const std::string& text, const std::string& words) {
  INFO(text);
  return text.find(words) != std::string::npos;
}

}  // namespace

TEST_CASE("a generated certificate is new each time and has fingerprints") {
  const auto one = Certificate::Generate();
  const auto other = Certificate::Generate();

  const std::string text = one->FingerprintText("sha-256");

  CHECK(std::none_of(text.begin(), text.end(),
                     [](char c) { return c >= 'a' && c <= 'z'; }));
  CHECK(text != other->FingerprintText("sha-256"));
  CHECK(one->FingerprintText("sha-384").size() == 48 * 3 - 1);
  CHECK(one->FingerprintText("sha-512").size() == 64 * 3 - 1);
  CHECK_THROWS_AS(one->FingerprintText("sha-1"), std::runtime_error);
  CHECK(Fingerprint::Parse("sha-256", text));
}

TEST_CASE("PEM with and without password is read") {
  for (const KeyType type : {KeyType::kEcdsa, KeyType::kRsa}) {
    const Pem plain = MakePem(type);
    const Pem encrypted = MakePem(type, "secret");

    CHECK(WhyNot(plain.certificate, plain.key, "") == "");
    CHECK(WhyNot(plain.certificate, plain.key, "not needed") == "");
    CHECK(WhyNot(encrypted.certificate, encrypted.key, "secret") == "");
    CHECK(WhyNot("text before\n" + plain.certificate + plain.certificate,
                 plain.key, "") == "");
  }
  CHECK(ERR_peek_error() == 0);
}

TEST_CASE("PEM that cannot be used is refused with the reason") {
  const Pem pem = MakePem(KeyType::kEcdsa);
  const Pem other = MakePem(KeyType::kEcdsa);
  const Pem encrypted = MakePem(KeyType::kRsa, "secret");
  std::string damaged = pem.certificate;
  damaged[100] = damaged[100] == 'A' ? 'B' : 'A';
  damaged.replace(120, 30, 30, '!');

  CHECK(Says(WhyNot("", pem.key, ""), "chain holds no PEM certificate"));
  CHECK(Says(WhyNot("hello", pem.key, ""), "chain holds no PEM certificate"));
  CHECK(Says(WhyNot(pem.key, pem.key, ""), "chain holds no PEM certificate"));
  CHECK(Says(WhyNot(damaged, pem.key, ""), "certificate 1 of the chain"));
  CHECK(Says(WhyNot(pem.certificate + damaged, pem.key, ""),
             "certificate 2 of the chain"));
  CHECK(Says(WhyNot(pem.certificate, "", ""), "no PEM key"));
  CHECK(Says(WhyNot(pem.certificate, pem.certificate, ""), "no PEM key"));
  CHECK(Says(WhyNot(pem.certificate, other.key, ""), "does not belong"));
  CHECK(Says(WhyNot(encrypted.certificate, encrypted.key, ""),
             "no password was given"));
  CHECK(Says(WhyNot(encrypted.certificate, encrypted.key, "wrong"),
             "wrong password"));
  CHECK(ERR_peek_error() == 0);
}
