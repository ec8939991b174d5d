#include "srtp/srtp_session.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>
#include <stdexcept>
#include <vector>

using namespace hg;

namespace {

using Outcome = SrtpSession::Outcome;

constexpr SrtpProfile kProfiles[] = {SrtpProfile::kAes128CmSha1_80,
                                     SrtpProfile::kAeadAes128Gcm,
                                     SrtpProfile::kAeadAes256Gcm};
// Every test of a 16-bit counter starts on both sides of the wrap.
constexpr std::uint16_t kStarts[] = {0, 1, 32767, 32768, 65535};
constexpr std::uint32_t kSsrc = 0x12345678;

std::size_t KeysSize(SrtpProfile profile) {
  switch (profile) {
    case SrtpProfile::kAeadAes128Gcm:
      return 16 + 12;
    case SrtpProfile::kAeadAes256Gcm:
      return 32 + 12;
    case SrtpProfile::kAes128CmSha1_80:
      break;
  }
  return 16 + 14;
}

// Two ends that share keys, as DTLS would have given them.
struct Pair {
  explicit Pair(SrtpProfile profile)
      : a(Keys(profile, 1, 100)), b(Keys(profile, 100, 1)) {}

  static SrtpKeys Keys(SrtpProfile profile, std::uint8_t local,
                       std::uint8_t remote) {
    SrtpKeys keys{profile, {}, {}};
    keys.local.resize(KeysSize(profile));
    keys.remote.resize(KeysSize(profile));
    std::iota(keys.local.begin(), keys.local.end(), local);
    std::iota(keys.remote.begin(), keys.remote.end(), remote);
    return keys;
  }

  SrtpSession a;
  SrtpSession b;
};

std::vector<std::uint8_t> Rtp(std::uint16_t seq, std::uint32_t ssrc = kSsrc,
                              std::size_t payload = 100) {
  std::vector<std::uint8_t> packet(12 + payload, 0x55);
  packet[0] = 0x80;
  packet[1] = 96;
  StoreU16(packet.data() + 2, seq);
  StoreU32(packet.data() + 4, 1000);
  StoreU32(packet.data() + 8, ssrc);
  return packet;
}

// A receiver report without blocks, and a source description.
std::vector<std::uint8_t> Rtcp(std::uint32_t ssrc = kSsrc) {
  std::vector<std::uint8_t> packet(8 + 12, 0);
  packet[0] = 0x80;
  packet[1] = 201;
  packet[3] = 1;
  StoreU32(packet.data() + 4, ssrc);
  packet[8] = 0x81;
  packet[9] = 202;
  packet[11] = 2;
  StoreU32(packet.data() + 12, ssrc);
  return packet;
}

std::vector<std::uint8_t> Protect(SrtpSession& session,
                                  std::vector<std::uint8_t> plain,
                                  bool rtcp = false) {
  const std::size_t size = plain.size();
  plain.resize(size + SrtpSession::kMaxOverhead);
  const auto protected_size =
      rtcp ? session.ProtectRtcp(plain, size) : session.ProtectRtp(plain, size);
  REQUIRE(protected_size);
  plain.resize(*protected_size);
  return plain;
}

std::vector<std::uint8_t> ProtectRtcp(SrtpSession& session,
                                      std::vector<std::uint8_t> plain) {
  return Protect(session, std::move(plain), true);
}

// The plain packet, or empty and `*outcome`.
std::vector<std::uint8_t> Unprotect(SrtpSession& session,
                                    std::vector<std::uint8_t> packet,
                                    Outcome* outcome = nullptr) {
  const auto result = session.UnprotectRtp(packet);
  if (outcome) *outcome = result.outcome;
  if (result.outcome != Outcome::kOk) return {};
  packet.resize(result.size);
  return packet;
}

Outcome OutcomeOf(SrtpSession& session, std::vector<std::uint8_t> packet) {
  return session.UnprotectRtp(packet).outcome;
}

Outcome OutcomeOfRtcp(SrtpSession& session, std::vector<std::uint8_t> packet) {
  return session.UnprotectRtcp(packet).outcome;
}

}  // namespace

TEST_CASE("what one end protects the other reads, with every profile") {
  for (const SrtpProfile profile : kProfiles) {
    CAPTURE(SrtpProfileName(profile));
    Pair pair(profile);

    const auto rtp = Protect(pair.a, Rtp(1));
    auto rtcp = ProtectRtcp(pair.a, Rtcp());
    const auto back = Protect(pair.b, Rtp(7, 99));

    CHECK(pair.a.profile() == profile);
    CHECK(
        !std::equal(rtp.begin() + 12, rtp.begin() + 112, Rtp(1).begin() + 12));
    CHECK(rtp.size() ==
          Rtp(1).size() + (profile == SrtpProfile::kAes128CmSha1_80 ? 10 : 16));
    CHECK(Unprotect(pair.b, rtp) == Rtp(1));
    const auto plain = pair.b.UnprotectRtcp(rtcp);
    REQUIRE(plain.outcome == Outcome::kOk);
    rtcp.resize(plain.size);
    CHECK(rtcp == Rtcp());
    CHECK(Unprotect(pair.a, back) == Rtp(7, 99));
  }
}

TEST_CASE("a packet without payload, and one with a header extension") {
  for (const SrtpProfile profile : kProfiles) {
    CAPTURE(SrtpProfileName(profile));
    Pair pair(profile);
    auto extended = Rtp(2);
    extended[0] |= 0x11;  // one contributing source, extension
    StoreU16(extended.data() + 16, 0xbede);
    StoreU16(extended.data() + 18, 2);

    CHECK(Unprotect(pair.b, Protect(pair.a, Rtp(1, kSsrc, 0))) ==
          Rtp(1, kSsrc, 0));
    CHECK(Unprotect(pair.b, Protect(pair.a, extended)) == extended);
  }
}

TEST_CASE("a packet is taken once") {
  for (const SrtpProfile profile : kProfiles) {
    CAPTURE(SrtpProfileName(profile));
    Pair pair(profile);
    const auto rtp = Protect(pair.a, Rtp(1));
    const auto rtcp = ProtectRtcp(pair.a, Rtcp());

    CHECK(OutcomeOf(pair.b, rtp) == Outcome::kOk);
    CHECK(OutcomeOf(pair.b, rtp) == Outcome::kReplayed);
    CHECK(OutcomeOfRtcp(pair.b, rtcp) == Outcome::kOk);
    CHECK(OutcomeOfRtcp(pair.b, rtcp) == Outcome::kReplayed);
  }
}

TEST_CASE("every changed bit is noticed") {
  for (const SrtpProfile profile : kProfiles) {
    CAPTURE(SrtpProfileName(profile));
    Pair pair(profile);
    const auto rtp = Protect(pair.a, Rtp(1, kSsrc, 20));
    const auto rtcp = ProtectRtcp(pair.a, Rtcp());

    for (std::size_t bit = 0; bit < rtp.size() * 8; ++bit) {
      CAPTURE(bit);
      auto tampered = rtp;
      tampered[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
      CHECK(OutcomeOf(pair.b, tampered) != Outcome::kOk);
    }
    for (std::size_t bit = 0; bit < rtcp.size() * 8; ++bit) {
      CAPTURE(bit);
      auto tampered = rtcp;
      tampered[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
      CHECK(OutcomeOfRtcp(pair.b, tampered) != Outcome::kOk);
    }
    CHECK(OutcomeOf(pair.b, rtp) == Outcome::kOk);
    CHECK(OutcomeOfRtcp(pair.b, rtcp) == Outcome::kOk);
  }
}

TEST_CASE("a packet cut anywhere is refused") {
  for (const SrtpProfile profile : kProfiles) {
    CAPTURE(SrtpProfileName(profile));
    Pair pair(profile);
    const auto rtp = Protect(pair.a, Rtp(1, kSsrc, 20));
    const auto rtcp = ProtectRtcp(pair.a, Rtcp());

    for (std::size_t size = 0; size < rtp.size(); ++size) {
      CAPTURE(size);
      CHECK(OutcomeOf(pair.b,
                      {rtp.begin(), rtp.begin() + static_cast<long>(size)}) !=
            Outcome::kOk);
    }
    for (std::size_t size = 0; size < rtcp.size(); ++size) {
      CAPTURE(size);
      CHECK(OutcomeOfRtcp(pair.b, {rtcp.begin(),
                                   rtcp.begin() + static_cast<long>(size)}) !=
            Outcome::kOk);
    }
  }
}

TEST_CASE("the keys of another association do not fit") {
  for (const SrtpProfile profile : kProfiles) {
    CAPTURE(SrtpProfileName(profile));
    Pair pair(profile);
    SrtpSession other(Pair::Keys(profile, 7, 7));

    CHECK(OutcomeOf(other, Protect(pair.a, Rtp(1))) == Outcome::kAuthFailed);
    CHECK(OutcomeOfRtcp(other, ProtectRtcp(pair.a, Rtcp())) ==
          Outcome::kAuthFailed);
  }
}

TEST_CASE("the sequence number goes round and the rollover is followed") {
  for (const SrtpProfile profile : kProfiles) {
    for (const std::uint16_t start : kStarts) {
      CAPTURE(SrtpProfileName(profile));
      CAPTURE(start);
      Pair pair(profile);

      for (std::uint32_t i = 0; i < 70000; i += 400) {
        const auto seq = static_cast<std::uint16_t>(start + i);
        REQUIRE(Unprotect(pair.b, Protect(pair.a, Rtp(seq))) == Rtp(seq));
      }
    }
  }
}

TEST_CASE("packets that change places around the wrap are all read") {
  for (const SrtpProfile profile : kProfiles) {
    CAPTURE(SrtpProfileName(profile));
    Pair pair(profile);
    std::vector<std::vector<std::uint8_t>> packets;
    for (int i = 0; i < 8; ++i)
      packets.push_back(
          Protect(pair.a, Rtp(static_cast<std::uint16_t>(65532 + i))));
    std::swap(packets[2], packets[6]);
    std::swap(packets[3], packets[4]);

    for (const auto& packet : packets)
      CHECK(OutcomeOf(pair.b, packet) == Outcome::kOk);
  }
}

TEST_CASE("the same packet protected again gives the same bytes") {
  for (const SrtpProfile profile : kProfiles) {
    CAPTURE(SrtpProfileName(profile));
    Pair pair(profile);

    const auto first = Protect(pair.a, Rtp(65535));
    for (std::uint16_t i = 0; i < 500; ++i) Protect(pair.a, Rtp(i));
    const auto again = Protect(pair.a, Rtp(65535));

    CHECK(first == again);
  }
}

TEST_CASE("a resend from before the window is refused, not sent wrongly") {
  Pair pair(SrtpProfile::kAeadAes128Gcm);
  for (std::uint16_t i = 0; i <= SrtpSession::kReplayWindow; ++i)
    Protect(pair.a, Rtp(i));
  auto packet = Rtp(0);
  const std::size_t size = packet.size();
  packet.resize(size + SrtpSession::kMaxOverhead);

  CHECK(!pair.a.ProtectRtp(packet, size));
}

TEST_CASE("a packet that is late within the window is taken, a later one not") {
  Pair pair(SrtpProfile::kAes128CmSha1_80);
  const auto early = Protect(pair.a, Rtp(1));
  const auto late = Protect(pair.a, Rtp(2));
  for (std::uint16_t i = 3; i < 1020; ++i)
    OutcomeOf(pair.b, Protect(pair.a, Rtp(i)));

  CHECK(OutcomeOf(pair.b, late) == Outcome::kOk);
  for (std::uint16_t i = 1020; i < 1030; ++i)
    OutcomeOf(pair.b, Protect(pair.a, Rtp(i)));
  CHECK(OutcomeOf(pair.b, early) == Outcome::kReplayed);
}

TEST_CASE("a peer cannot make the session keep any number of SSRCs") {
  Pair pair(SrtpProfile::kAeadAes128Gcm);
  for (std::uint32_t i = 0; i < SrtpSession::kMaxInboundSsrcs; ++i) {
    auto rtcp = ProtectRtcp(pair.a, Rtcp(i));
    const bool even = i % 2 == 0;
    REQUIRE((even ? OutcomeOf(pair.b, Protect(pair.a, Rtp(1, i)))
                  : OutcomeOfRtcp(pair.b, rtcp)) == Outcome::kOk);
  }

  CHECK(OutcomeOf(pair.b, Protect(pair.a, Rtp(1, 0x1000))) ==
        Outcome::kTooManySsrcs);
  CHECK(OutcomeOfRtcp(pair.b, ProtectRtcp(pair.a, Rtcp(0x1000))) ==
        Outcome::kTooManySsrcs);
  CHECK(OutcomeOf(pair.b, Protect(pair.a, Rtp(2, 0))) == Outcome::kOk);
  CHECK(OutcomeOf(pair.b, Protect(pair.a, Rtp(2, 255))) == Outcome::kOk);
}

TEST_CASE("forged packets do not use up SSRCs") {
  Pair pair(SrtpProfile::kAes128CmSha1_80);
  SrtpSession forger(Pair::Keys(SrtpProfile::kAes128CmSha1_80, 9, 9));
  for (std::uint32_t i = 0; i < 2 * SrtpSession::kMaxInboundSsrcs; ++i)
    REQUIRE(OutcomeOf(pair.b, Protect(forger, Rtp(1, i))) ==
            Outcome::kAuthFailed);

  CHECK(OutcomeOf(pair.b, Protect(pair.a, Rtp(1))) == Outcome::kOk);
}

TEST_CASE("what is not RTP is refused on both ways") {
  Pair pair(SrtpProfile::kAeadAes128Gcm);
  auto contributing = Rtp(1, kSsrc, 40);
  contributing[0] |= 0x0f;  // 15 sources would need 60 bytes
  auto extension = Rtp(1, kSsrc, 40);
  extension[0] |= 0x10;
  StoreU16(extension.data() + 14, 0xffff);

  for (const auto& bad : {contributing, extension}) {
    auto buffer = bad;
    buffer.resize(bad.size() + SrtpSession::kMaxOverhead);
    CHECK(!pair.a.ProtectRtp(buffer, bad.size()));
    CHECK(OutcomeOf(pair.b, bad) == Outcome::kError);
  }
  CHECK(OutcomeOf(pair.b, {}) == Outcome::kError);
  CHECK(OutcomeOfRtcp(pair.b, {}) == Outcome::kError);
}

TEST_CASE("keys of the wrong length are refused") {
  SrtpKeys keys = Pair::Keys(SrtpProfile::kAeadAes128Gcm, 1, 2);
  keys.remote.pop_back();

  CHECK_THROWS_AS(SrtpSession{keys}, std::runtime_error);
}

TEST_CASE("the library says its version") {
  CHECK(SrtpSession::LibraryVersion().find("libsrtp2") != std::string::npos);
}
