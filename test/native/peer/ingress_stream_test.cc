#include "peer/ingress_stream.h"

#include <doctest/doctest.h>

#include <array>
#include <vector>

#include "native/rtp/packets.h"

namespace hg {
namespace {

using Seqs = std::vector<std::uint16_t>;

constexpr Timestamp kStart{100s};
constexpr std::uint32_t kSsrc = 5;

Seqs Due(IngressStream& stream, Timestamp now, Duration round_trip = 50ms) {
  std::array<std::uint16_t, 64> out;
  const std::size_t count = stream.CollectNacks(now, round_trip, out);
  return Seqs(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(count));
}

}  // namespace

TEST_CASE("what is missing is asked for, once per round trip, until it comes") {
  for (const std::uint16_t seq : kStarts) {
    CAPTURE(seq);
    IngressStream stream({.nack = true});
    stream.OnPacket(kSsrc, seq, 0, false, kStart);
    stream.OnPacket(kSsrc, Plus(seq, 3), 0, false, kStart);
    CHECK(Due(stream, kStart + 11ms).empty());
    CHECK(Due(stream, kStart + 12ms) == Seqs{Plus(seq, 1), Plus(seq, 2)});
    CHECK(stream.NextDue(50ms) == kStart + 62ms);

    stream.OnPacket(kSsrc, Plus(seq, 1), 0, true, kStart + 40ms);

    CHECK(Due(stream, kStart + 62ms) == Seqs{Plus(seq, 2)});
    CHECK(stream.recovered() == 1);
  }
}

TEST_CASE("nobody is asked who did not agree to be") {
  IngressStream stream({.nack = false});
  stream.OnPacket(kSsrc, 1, 0, false, kStart);
  stream.OnPacket(kSsrc, 5, 0, false, kStart);

  CHECK(Due(stream, kStart + 1s).empty());
  CHECK_FALSE(stream.NextDue(50ms));
}

TEST_CASE("after a keyframe nothing from before it is asked for") {
  IngressStream stream({.nack = true});
  stream.OnPacket(kSsrc, 65'534, 0, false, kStart);
  stream.OnPacket(kSsrc, 1, 0, false, kStart);
  stream.OnPacket(kSsrc, 3, 0, false, kStart);

  stream.OnKeyframe(1);

  CHECK(Due(stream, kStart + 12ms) == Seqs{2});
}

TEST_CASE("another SSRC starts anew, also in what is reported") {
  IngressStream stream({.nack = true});
  CHECK_FALSE(stream.MakeReport(kStart));
  stream.OnPacket(kSsrc, 1, 0, false, kStart);
  stream.OnPacket(kSsrc, 9, 0, false, kStart);
  CHECK(stream.MakeReport(kStart)->lost == 7);

  stream.OnPacket(6, 30'000, 0, false, kStart);

  const auto report = stream.MakeReport(kStart);
  REQUIRE(report);
  CHECK(report->ssrc == 6);
  CHECK(report->lost == 0);
  CHECK(Due(stream, kStart + 1s).empty());
}

TEST_CASE(
    "what is resent is no arrival: it neither fills reports nor switches") {
  IngressStream stream({.nack = true});
  stream.OnPacket(kSsrc, 1, 0, true, kStart);
  CHECK_FALSE(stream.ssrc());
  stream.OnPacket(kSsrc, 1, 0, false, kStart);
  stream.OnPacket(kSsrc, 3, 0, false, kStart);

  stream.OnPacket(kSsrc, 2, 0, true, kStart + 60ms);
  stream.OnPacket(77, 2, 0, true, kStart + 60ms);

  CHECK(stream.ssrc() == kSsrc);
  CHECK(stream.MakeReport(kStart + 60ms)->lost == 1);
}

TEST_CASE("a sender report of another SSRC is not ours to answer") {
  IngressStream stream({});
  stream.OnPacket(kSsrc, 1, 0, false, kStart);

  stream.OnSenderReport(6, NtpTime{1} << 40, kStart);
  CHECK(stream.MakeReport(kStart + 1s)->last_sr == 0);
  stream.OnSenderReport(kSsrc, NtpTime{1} << 40, kStart);
  CHECK(stream.MakeReport(kStart + 1s)->last_sr != 0);
}

TEST_CASE("more than one packet can name stays due") {
  IngressStream stream({.nack = true});
  stream.OnPacket(kSsrc, 1, 0, false, kStart);
  stream.OnPacket(kSsrc, 202, 0, false, kStart);

  CHECK(Due(stream, kStart + 12ms).size() == 64);
  CHECK(Due(stream, kStart + 12ms).size() == 64);
  CHECK(Due(stream, kStart + 12ms).size() == 64);
  CHECK(Due(stream, kStart + 12ms).size() == 8);
}

}  // namespace hg
