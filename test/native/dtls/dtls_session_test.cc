#include "dtls/dtls_session.h"

#include <doctest/doctest.h>
#include <openssl/err.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>

#include "dtls_link.h"
#include "raw_peer.h"

using namespace hg;
using namespace hg::test;

namespace {

constexpr int kMtu = 1200;

std::vector<Fingerprint> FingerprintsOf(const Certificate& certificate,
                                        const std::string& algorithm) {
  return {
      *Fingerprint::Parse(algorithm, certificate.FingerprintText(algorithm))};
}

// Two of our ends with certificates of their own.
struct Ends {
  explicit Ends(int mtu = kMtu)
      : client_context(client_certificate, mtu),
        server_context(server_certificate, mtu) {}

  std::shared_ptr<const Certificate> client_certificate =
      Certificate::Generate();
  std::shared_ptr<const Certificate> server_certificate =
      Certificate::Generate();
  DtlsContext client_context;
  DtlsContext server_context;
  OurEnd client{client_context, DtlsRole::kClient,
                FingerprintsOf(*server_certificate, "sha-256")};
  OurEnd server{server_context, DtlsRole::kServer,
                FingerprintsOf(*client_certificate, "sha-256")};
};

Datagram Of(const std::string& text) { return {text.begin(), text.end()}; }

}  // namespace

TEST_CASE("two ends connect, prefer AES-128-GCM and agree on the keys") {
  Ends ends;

  Run(ends.client, ends.server);

  REQUIRE(ends.client.keys);
  REQUIRE(ends.server.keys);
  CHECK(ends.client.session.state() == DtlsState::kConnected);
  CHECK(ends.server.session.state() == DtlsState::kConnected);
  CHECK(ends.client.keys->profile == SrtpProfile::kAeadAes128Gcm);
  CHECK(ends.client.keys->local.size() == 28);
  CHECK(ends.client.keys->local == ends.server.keys->remote);
  CHECK(ends.client.keys->remote == ends.server.keys->local);
  CHECK(ends.client.keys->local != ends.client.keys->remote);
  CHECK(ends.client.session.retransmissions() == 0);
  CHECK(!ends.client.session.NextTimeout(VirtualNow()));
  CHECK(!ends.server.session.NextTimeout(VirtualNow()));
}

TEST_CASE("every profile is exported as RFC 5764 lays the key material out") {
  struct Case {
    const char* name;
    SrtpProfile profile;
    std::size_t key, salt;
  };
  constexpr Case kCases[] = {
      {"SRTP_AES128_CM_SHA1_80", SrtpProfile::kAes128CmSha1_80, 16, 14},
      {"SRTP_AEAD_AES_128_GCM", SrtpProfile::kAeadAes128Gcm, 16, 12},
      {"SRTP_AEAD_AES_256_GCM", SrtpProfile::kAeadAes256Gcm, 32, 12}};
  const Pem pem = MakePem(KeyType::kEcdsa);
  const auto certificate = Certificate::Generate();
  const DtlsContext context(certificate, kMtu);
  for (const Case& c : kCases) {
    for (const DtlsRole role : {DtlsRole::kClient, DtlsRole::kServer}) {
      CAPTURE(c.name);
      const bool client = role == DtlsRole::kClient;
      CAPTURE(client);
      RawPeer peer({.role = client ? DtlsRole::kServer : DtlsRole::kClient,
                    .pem = &pem,
                    .srtp = c.name});
      OurEnd ours(context, role, {peer.fingerprint()});

      Run(ours, peer);

      REQUIRE(ours.keys);
      CHECK(ours.keys->profile == c.profile);
      const Datagram material = peer.Export(2 * (c.key + c.salt));
      const auto cut = [&](std::size_t side) {
        Datagram result;
        const auto at = [&](std::size_t from, std::size_t size) {
          result.insert(result.end(),
                        material.begin() + static_cast<long>(from),
                        material.begin() + static_cast<long>(from + size));
        };
        at(side * c.key, c.key);
        at(2 * c.key + side * c.salt, c.salt);
        return result;
      };
      CHECK(ours.keys->local == cut(client ? 0 : 1));
      CHECK(ours.keys->remote == cut(client ? 1 : 0));
    }
  }
}

TEST_CASE("the loss of any one datagram delays the handshake, no more") {
  for (const int mtu : {300, kMtu}) {
    CAPTURE(mtu);
    std::size_t count = 0;
    {
      Ends ends(mtu);
      count = Run(ends.client, ends.server);
      REQUIRE(ends.server.keys);
    }
    for (std::size_t lost = 0; lost < count; ++lost) {
      CAPTURE(lost);
      Ends ends(mtu);

      Run(ends.client, ends.server,
          [lost](std::size_t n, const Datagram& datagram) {
            return n == lost ? Datagrams{} : Datagrams{datagram};
          });

      REQUIRE(ends.client.keys);
      REQUIRE(ends.server.keys);
      CHECK(ends.client.keys->local == ends.server.keys->remote);
      CHECK(ends.client.session.retransmissions() +
                ends.server.session.retransmissions() >
            0);
    }
  }
}

TEST_CASE("the handshake bears every second datagram being lost") {
  Ends ends(300);

  Run(ends.client, ends.server, [](std::size_t n, const Datagram& datagram) {
    return n % 2 == 0 ? Datagrams{} : Datagrams{datagram};
  });

  CHECK(ends.client.keys);
  CHECK(ends.server.keys);
}

TEST_CASE("flights that arrive backwards, and twice, do no harm") {
  Ends ends(300);
  const auto carry = [](OurEnd& from, OurEnd& to) {
    Datagrams flight(from.sent.rbegin(), from.sent.rend());
    from.sent.clear();
    for (const Datagram& datagram : flight) {
      to.Take(datagram);
      to.Take(datagram);
    }
  };
  ends.client.Start();

  for (int i = 0; i < 20 && !(ends.client.keys && ends.server.keys); ++i) {
    carry(ends.client, ends.server);
    carry(ends.server, ends.client);
    // What overtook is dropped by its receiver, and sent again.
    Advance(4s);
    ends.client.session.HandleTimeout();
    ends.server.session.HandleTimeout();
  }

  CHECK(ends.client.keys);
  CHECK(ends.server.keys);
}

TEST_CASE("no datagram is longer than the MTU") {
  const Pem rsa = MakePem(KeyType::kRsa);
  for (const int mtu : {256, 300, 512, 1200}) {
    CAPTURE(mtu);
    // A chain of four RSA certificates.
    const std::string chain =
        rsa.certificate + rsa.certificate + rsa.certificate + rsa.certificate;
    const auto certificate = Certificate::FromPem(chain, rsa.key, "");
    const DtlsContext context(certificate, mtu);
    OurEnd client(context, DtlsRole::kClient,
                  FingerprintsOf(*certificate, "sha-256"));
    OurEnd server(context, DtlsRole::kServer,
                  FingerprintsOf(*certificate, "sha-256"));
    std::size_t longest = 0;

    Run(client, server, [&longest](std::size_t, const Datagram& datagram) {
      longest = std::max(longest, datagram.size());
      return Datagrams{datagram};
    });

    REQUIRE(client.keys);
    REQUIRE(server.keys);
    const std::size_t most = client.session.max_application_data();
    CHECK(client.session.SendApplicationData(Datagram(most, 1)));
    CHECK(client.sent.back().size() <= static_cast<std::size_t>(mtu));
    CHECK(longest <= static_cast<std::size_t>(mtu));
  }
}

TEST_CASE("a ClientHello in several fragments is understood") {
  const Pem pem = MakePem(KeyType::kEcdsa);
  const auto certificate = Certificate::Generate();
  const DtlsContext context(certificate, kMtu);
  RawPeer peer({.pem = &pem, .padding = 1700, .mtu = 300});
  OurEnd server(context, DtlsRole::kServer, {peer.fingerprint()});
  std::size_t fragments = 0;

  Run(peer, server, [&](std::size_t, const Datagram& datagram) {
    if (server.sent.empty() && !server.keys && datagram[0] == 22) ++fragments;
    return Datagrams{datagram};
  });

  CHECK(fragments > 6);
  CHECK(server.keys);
}

TEST_CASE("garbage before every datagram of the handshake is passed over") {
  std::mt19937 random(1);
  Ends ends(400);

  Run(ends.client, ends.server,
      [&random](std::size_t, const Datagram& datagram) {
        Datagrams arriving;
        const auto byte = [&random] {
          return static_cast<std::uint8_t>(random());
        };
        for (const std::size_t size : {1u, 12u, 13u, 14u, 40u, 600u, 2000u}) {
          Datagram noise(size);
          std::generate(noise.begin(), noise.end(), byte);
          noise[0] = static_cast<std::uint8_t>(20 + noise[0] % 44);
          arriving.push_back(noise);
          // A record header that promises more than there is.
          if (size >= 13) {
            noise[0] = 22;
            noise[1] = 0xfe;
            noise[2] = 0xfd;
            StoreU16(noise.data() + 11, 60000);
            arriving.push_back(noise);
            StoreU16(noise.data() + 11, 16384);
            arriving.push_back(noise);
          }
        }
        arriving.emplace_back();
        arriving.push_back(datagram);
        return arriving;
      });

  CHECK(ends.client.keys);
  CHECK(ends.server.keys);
}

TEST_CASE("a datagram cut off anywhere does not end the handshake") {
  std::size_t count = 0;
  {
    Ends ends;
    count = Run(ends.client, ends.server);
  }
  for (std::size_t target = 0; target < count; ++target) {
    CAPTURE(target);
    Ends ends;

    Run(ends.client, ends.server,
        [target](std::size_t n, const Datagram& datagram) {
          Datagrams arriving;
          if (n == target)
            for (std::size_t size = 0; size < datagram.size(); size += 7)
              arriving.emplace_back(datagram.begin(),
                                    datagram.begin() + static_cast<long>(size));
          arriving.push_back(datagram);
          return arriving;
        });

    CHECK(ends.client.keys);
    CHECK(ends.server.keys);
  }
}

// The first flights are not protected, so a changed one may end the handshake;
// it must not end the process, and not hand out keys that differ.
TEST_CASE("changed bytes connect both ends with the same keys, or neither") {
  std::mt19937 random(7);
  for (int round = 0; round < 300; ++round) {
    CAPTURE(round);
    Ends ends(round % 2 ? 300 : kMtu);

    Run(ends.client, ends.server,
        [&random](std::size_t, const Datagram& datagram) {
          Datagram changed = datagram;
          if (random() % 4 == 0)
            changed[random() % changed.size()] ^=
                static_cast<std::uint8_t>(1u << random() % 8);
          return Datagrams{changed};
        });

    if (ends.client.keys && ends.server.keys)
      CHECK(ends.client.keys->local == ends.server.keys->remote);
    CHECK(ends.client.calls_after_close == 0);
    CHECK(ends.server.calls_after_close == 0);
    CHECK(ERR_peek_error() == 0);
  }
}

TEST_CASE("a certificate with another fingerprint is refused, without keys") {
  Ends ends;
  const auto other = Certificate::Generate();
  for (const bool client_is_wrong : {true, false}) {
    CAPTURE(client_is_wrong);
    OurEnd client(
        ends.client_context, DtlsRole::kClient,
        FingerprintsOf(client_is_wrong ? *ends.server_certificate : *other,
                       "sha-256"));
    OurEnd server(
        ends.server_context, DtlsRole::kServer,
        FingerprintsOf(client_is_wrong ? *other : *ends.client_certificate,
                       "sha-256"));
    OurEnd& refusing = client_is_wrong ? server : client;
    OurEnd& refused = client_is_wrong ? client : server;

    Run(client, server);

    CHECK(!client.keys);
    CHECK(!server.keys);
    CHECK(refusing.closed == DtlsState::kFailed);
    CHECK(refusing.why.find("fingerprint") != std::string::npos);
    CHECK(refused.closed == DtlsState::kFailed);
    CHECK(refusing.session.state() == DtlsState::kFailed);
    CHECK(ERR_peek_error() == 0);
  }
}

TEST_CASE("one matching fingerprint of several is enough") {
  for (const std::string algorithm : {"sha-256", "sha-384", "sha-512"}) {
    CAPTURE(algorithm);
    Ends ends;
    auto fingerprints = FingerprintsOf(*Certificate::Generate(), "sha-256");
    fingerprints.push_back({"md5", Datagram(16)});
    fingerprints.push_back(
        FingerprintsOf(*ends.client_certificate, algorithm)[0]);
    OurEnd server(ends.server_context, DtlsRole::kServer, fingerprints);

    Run(ends.client, server);

    CHECK(server.keys);
  }
}

TEST_CASE("without any fingerprint nobody is let in") {
  Ends ends;
  OurEnd server(ends.server_context, DtlsRole::kServer, {});

  Run(ends.client, server);

  CHECK(!server.keys);
  CHECK(server.closed == DtlsState::kFailed);
}

TEST_CASE("a peer that only speaks DTLS 1.0 is refused, and told why") {
  const Pem pem = MakePem(KeyType::kEcdsa);
  const DtlsContext context(Certificate::Generate(), kMtu);
  for (const DtlsRole role : {DtlsRole::kClient, DtlsRole::kServer}) {
    CAPTURE(static_cast<int>(role));
    RawPeer peer({.role = role == DtlsRole::kClient ? DtlsRole::kServer
                                                    : DtlsRole::kClient,
                  .pem = &pem,
                  .max_version = DTLS1_VERSION});
    OurEnd ours(context, role, {peer.fingerprint()});

    Run(ours, peer);

    CHECK(!ours.keys);
    CHECK(peer.failed);
    CHECK(ours.closed == DtlsState::kFailed);
    CHECK(ours.why.find("old DTLS version") != std::string::npos);
    CHECK(ours.why.find("update") != std::string::npos);
    CHECK(ERR_peek_error() == 0);
  }
}

TEST_CASE("a peer that shows no certificate is refused") {
  const DtlsContext context(Certificate::Generate(), kMtu);
  RawPeer peer({.pem = nullptr});
  OurEnd server(context, DtlsRole::kServer, {peer.fingerprint()});

  Run(peer, server);

  CHECK(!server.keys);
  CHECK(server.why.find("no certificate") != std::string::npos);
}

TEST_CASE("a peer without SRTP is refused unless it is not needed") {
  const Pem pem = MakePem(KeyType::kEcdsa);
  const DtlsContext context(Certificate::Generate(), kMtu);
  for (const bool needs_srtp : {true, false}) {
    CAPTURE(needs_srtp);
    RawPeer peer({.pem = &pem, .srtp = nullptr});
    OurEnd server(context, DtlsRole::kServer, {peer.fingerprint()}, needs_srtp);

    Run(peer, server);

    CHECK(server.keys.has_value() == !needs_srtp);
    if (needs_srtp) {
      CHECK(server.why.find("SRTP") != std::string::npos);
    } else {
      CHECK(server.keys->local.empty());
      peer.Write("hello");
      Run(peer, server);
      CHECK(server.data == Datagrams{Of("hello")});
    }
  }
}

TEST_CASE("RSA and ECDSA certificates meet in every combination") {
  const Pem rsa = MakePem(KeyType::kRsa);
  const Pem ecdsa = MakePem(KeyType::kEcdsa);
  for (const Pem& pem : {rsa, ecdsa}) {
    for (const Pem& peer_pem : {rsa, ecdsa}) {
      for (const DtlsRole role : {DtlsRole::kClient, DtlsRole::kServer}) {
        const DtlsContext context(
            Certificate::FromPem(pem.certificate, pem.key, ""), kMtu);
        RawPeer peer({.role = role == DtlsRole::kClient ? DtlsRole::kServer
                                                        : DtlsRole::kClient,
                      .pem = &peer_pem});
        OurEnd ours(context, role, {peer.fingerprint()});

        Run(ours, peer);

        CHECK(ours.keys);
        CHECK(peer.connected);
      }
    }
  }
}

TEST_CASE("application data goes both ways, each piece by itself") {
  Ends ends;
  CHECK(!ends.client.session.SendApplicationData(Of("too early")));
  Run(ends.client, ends.server);
  const std::size_t most = ends.client.session.max_application_data();

  CHECK(ends.client.session.SendApplicationData(Of("one")));
  CHECK(ends.client.session.SendApplicationData(Of("two")));
  CHECK(ends.client.session.SendApplicationData(Datagram(most, 7)));
  CHECK(!ends.client.session.SendApplicationData(Datagram(most + 1)));
  CHECK(!ends.client.session.SendApplicationData({}));
  CHECK(ends.server.session.SendApplicationData(Of("back")));
  Run(ends.client, ends.server);

  CHECK(ends.server.data == Datagrams{Of("one"), Of("two"), Datagram(most, 7)});
  CHECK(ends.client.data == Datagrams{Of("back")});
}

TEST_CASE("application data that comes twice or changed is dropped") {
  Ends ends;
  Run(ends.client, ends.server);
  ends.client.session.SendApplicationData(Of("once"));
  const Datagram record = ends.client.sent.front();
  Datagram changed = record;
  changed.back() ^= 1;

  ends.server.Take(changed);
  ends.server.Take(record);
  ends.server.Take(record);

  CHECK(ends.server.data == Datagrams{Of("once")});
  CHECK(!ends.server.closed);
}

TEST_CASE("a peer cannot start a second handshake") {
  const Pem pem = MakePem(KeyType::kEcdsa);
  const DtlsContext context(Certificate::Generate(), kMtu);
  RawPeer peer({.pem = &pem});
  OurEnd server(context, DtlsRole::kServer, {peer.fingerprint()});
  Run(peer, server);
  REQUIRE(server.keys);

  peer.Renegotiate();
  REQUIRE(!peer.sent.empty());
  server.Take(peer.sent.front());

  REQUIRE(!server.sent.empty());
  CHECK(server.sent.front()[0] == 21);  // an alert: no_renegotiation
  CHECK(server.session.state() == DtlsState::kConnected);
}

TEST_CASE("a close is told to the other end, once, and ends everything") {
  Ends ends;
  Run(ends.client, ends.server);

  ends.client.session.Close();
  ends.client.session.Close();
  Run(ends.client, ends.server);

  CHECK(!ends.client.closed);
  CHECK(ends.client.session.state() == DtlsState::kClosed);
  CHECK(ends.server.closed == DtlsState::kClosed);
  CHECK(ends.server.why == "DTLS alert");
  CHECK(ends.server.calls_after_close == 0);
  CHECK(!ends.server.session.SendApplicationData(Of("late")));
  CHECK(!ends.client.session.SendApplicationData(Of("late")));
  ends.server.Take(Of("\x16late"));
  ends.server.session.HandleTimeout();
  ends.server.session.Close();
  CHECK(!ends.server.session.NextTimeout(VirtualNow()));
  CHECK(ends.server.sent.empty());
}

TEST_CASE("closing before or within the handshake is quiet") {
  Ends ends;
  ends.server.session.Close();
  ends.client.Start();

  ends.client.session.Close();

  CHECK(ends.client.session.state() == DtlsState::kClosed);
  CHECK(ends.server.session.state() == DtlsState::kClosed);
  CHECK(!ends.client.session.NextTimeout(VirtualNow()));
}

TEST_CASE("a session may be closed from within its observer") {
  struct Closing final : DtlsSession::Observer {
    void OnDtlsSend(Bytes bytes) override {
      sent.emplace_back(bytes.begin(), bytes.end());
    }
    void OnDtlsConnected(const SrtpKeys&) override {}
    void OnDtlsApplicationData(Bytes) override {
      ++pieces;
      session->Close();
    }
    void OnDtlsClosed(DtlsState, std::string_view) override {}
    std::deque<Datagram> sent;
    int pieces = 0;
    DtlsSession* session = nullptr;
  };
  Ends ends;
  Closing observer;
  DtlsSession server(ends.server_context, DtlsRole::kServer,
                     FingerprintsOf(*ends.client_certificate, "sha-256"),
                     observer);
  observer.session = &server;
  ends.client.Start();
  for (int i = 0; i < 10; ++i) {
    while (!ends.client.sent.empty()) {
      server.OnDatagram(ends.client.sent.front());
      ends.client.sent.pop_front();
    }
    while (!observer.sent.empty()) {
      ends.client.Take(observer.sent.front());
      observer.sent.pop_front();
    }
  }
  REQUIRE(server.state() == DtlsState::kConnected);
  ends.client.session.SendApplicationData(Of("one"));
  ends.client.session.SendApplicationData(Of("two"));
  for (const Datagram& datagram : ends.client.sent) server.OnDatagram(datagram);

  CHECK(observer.pieces == 1);
  CHECK(server.state() == DtlsState::kClosed);
}

TEST_CASE("a client that nobody answers gives up after half a minute") {
  Ends ends;
  ends.client.Start();
  Duration waited{};
  int sends = 0;
  const auto first = ends.client.TimeLeft();

  while (!ends.client.closed && sends < 100) {
    const auto left = ends.client.TimeLeft();
    REQUIRE(left);
    Advance(*left);
    waited += *left;
    ends.client.session.HandleTimeout();
    ++sends;
  }

  CHECK(*first == 200ms);
  CHECK(ends.client.closed == DtlsState::kFailed);
  CHECK(ends.client.why.find("timed out") != std::string::npos);
  CHECK(waited > 20s);
  CHECK(waited < 40s);
  CHECK(ERR_peek_error() == 0);
}

TEST_CASE("a timeout handled too early changes nothing") {
  Ends ends;
  ends.client.Start();
  const std::size_t sent = ends.client.sent.size();

  ends.client.session.HandleTimeout();

  CHECK(ends.client.sent.size() == sent);
  CHECK(ends.client.session.retransmissions() == 0);
}

TEST_CASE("a client that was not started takes nothing, a server does") {
  Ends ends;
  ends.client.Start();
  OurEnd idle(ends.client_context, DtlsRole::kClient, {});

  idle.Take(ends.client.sent.front());
  ends.server.Take(ends.client.sent.front());

  CHECK(idle.sent.empty());
  CHECK(idle.session.state() == DtlsState::kNew);
  CHECK(!ends.server.sent.empty());
  CHECK(ends.server.session.state() == DtlsState::kConnecting);
}

TEST_CASE("contexts can be made any number of times") {
  const auto certificate = Certificate::Generate();

  for (int i = 0; i < 400; ++i) DtlsContext(certificate, kMtu);

  CHECK(certificate.use_count() == 1);
}

TEST_CASE("a fingerprint is read whatever its case, and nothing else") {
  const std::string hex =
      "aB:CD:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:"
      "EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD";

  const auto fingerprint = Fingerprint::Parse("SHA-256", hex);

  REQUIRE(fingerprint);
  CHECK(fingerprint->algorithm == "sha-256");
  CHECK(fingerprint->digest.size() == 32);
  CHECK(fingerprint->digest[0] == 0xab);
  CHECK(!Fingerprint::Parse("sha-512", hex));
  CHECK(!Fingerprint::Parse("sha-1", hex.substr(0, 59)));
  CHECK(!Fingerprint::Parse("sha-256", hex + ":00"));
  CHECK(!Fingerprint::Parse("sha-256", hex.substr(0, 94)));
  CHECK(!Fingerprint::Parse("sha-256", ""));
  for (const std::size_t i : {0u, 1u, 2u, 94u}) {
    std::string bad = hex;
    bad[i] = 'g';
    CHECK(!Fingerprint::Parse("sha-256", bad));
  }
}

TEST_CASE("profiles have the names of the registry") {
  CHECK(SrtpProfileName(SrtpProfile::kAes128CmSha1_80) ==
        "AES_CM_128_HMAC_SHA1_80");
  CHECK(SrtpProfileName(SrtpProfile::kAeadAes128Gcm) == "AEAD_AES_128_GCM");
  CHECK(SrtpProfileName(SrtpProfile::kAeadAes256Gcm) == "AEAD_AES_256_GCM");
}
