#include "rtp/rtcp/report_stats.h"

#include <doctest/doctest.h>

#include "native/rtp/packets.h"

namespace hg {
namespace {

constexpr std::uint32_t kRate = 90000;
const Timestamp kStart(100s);

}  // namespace

TEST_CASE("a report tells the loss since the last one, and in all") {
  for (const std::uint16_t seq : kStarts) {
    CAPTURE(seq);
    ReceiverStats stats(kRate);
    CHECK_FALSE(stats.MakeReport(7, kStart));
    for (int i = 0; i < 100; ++i)
      if (i % 4 != 1) stats.OnPacket(Plus(seq, i), 0, kStart);

    const auto first = stats.MakeReport(7, kStart);
    REQUIRE(first);
    CHECK(first->ssrc == 7);
    CHECK(first->lost == 25);
    CHECK(first->fraction_lost == 64);
    CHECK(first->highest_seq == seq + 99u);

    for (int i = 100; i < 200; ++i) stats.OnPacket(Plus(seq, i), 0, kStart);
    const auto second = stats.MakeReport(7, kStart);
    CHECK(second->lost == 25);
    CHECK(second->fraction_lost == 0);
    CHECK(second->highest_seq == seq + 199u);
  }
}

TEST_CASE("repeated packets make the loss negative, not the fraction") {
  ReceiverStats stats(kRate);
  for (int i = 0; i < 3; ++i) stats.OnPacket(5, 0, kStart);

  const auto report = stats.MakeReport(7, kStart);

  CHECK(report->lost == -2);
  CHECK(report->fraction_lost == 0);
  CHECK(stats.received() == 3);
}

TEST_CASE("nothing at all arriving is a fraction of 255 at most") {
  ReceiverStats stats(kRate);
  stats.OnPacket(0, 0, kStart);
  stats.MakeReport(7, kStart);
  stats.OnPacket(30'000, 0, kStart);

  CHECK(stats.MakeReport(7, kStart)->fraction_lost == 255);
}

TEST_CASE("an even stream has no jitter, at any timestamp") {
  for (const std::uint32_t timestamp : {0u, 0x7fffffffu, 0xffffff00u}) {
    ReceiverStats stats(kRate);
    for (int i = 0; i < 200; ++i)
      stats.OnPacket(Plus(65500, i),
                     timestamp + static_cast<std::uint32_t>(i) * 900,
                     kStart + i * 10ms);
    CHECK(stats.MakeReport(7, kStart)->jitter == 0);
    CHECK(stats.jitter() == 0ms);
  }
}

TEST_CASE("jitter settles at the mean change of the transit time") {
  ReceiverStats stats(kRate);
  for (int i = 0; i < 500; ++i)
    stats.OnPacket(Plus(0, i), static_cast<std::uint32_t>(i) * 900,
                   kStart + i * 10ms + (i % 2) * 4ms);

  const auto report = stats.MakeReport(7, kStart);

  CHECK(report->jitter >= 340);
  CHECK(report->jitter <= 360);  // 4 ms are 360
  CHECK(stats.jitter() <= 4ms);
}

TEST_CASE("a late packet and a timestamp that jumps do not spoil the jitter") {
  ReceiverStats stats(kRate);
  for (int i = 0; i < 100; ++i)
    stats.OnPacket(Plus(0, i), static_cast<std::uint32_t>(i) * 900,
                   kStart + i * 10ms);
  stats.OnPacket(50, 50 * 900, kStart + 5s);
  CHECK(stats.jitter() == 0ms);

  for (int i = 0; i < 100; ++i)
    stats.OnPacket(Plus(100, i), static_cast<std::uint32_t>(i) << 31,
                   kStart + 1s + i * 10ms);

  CHECK(stats.jitter() <= 10s);
}

TEST_CASE("a report says how long ago the last sender report was") {
  ReceiverStats stats(kRate);
  stats.OnPacket(1, 0, kStart);
  CHECK(stats.MakeReport(7, kStart)->last_sr == 0);
  CHECK(stats.MakeReport(7, kStart)->delay_since_last_sr == 0);

  stats.OnSenderReport(0x1122334455667788, kStart);

  const auto report = stats.MakeReport(7, kStart + 1500ms);
  CHECK(report->last_sr == 0x33445566);
  CHECK(report->delay_since_last_sr == 0x18000);
}

TEST_CASE("a reset forgets the stream") {
  ReceiverStats stats(kRate);
  stats.OnPacket(1, 0, kStart);
  stats.OnPacket(100, 0, kStart);

  stats.Reset();

  CHECK_FALSE(stats.MakeReport(7, kStart));
  stats.OnPacket(60'000, 0, kStart);
  CHECK(stats.MakeReport(7, kStart)->lost == 0);
}

TEST_CASE("the round trip is what passed less what the peer waited") {
  // The example of RFC 3550 figure 2.
  const ReportBlock block{.last_sr = 0xb7052000,
                          .delay_since_last_sr = 0x00054000};
  const NtpTime now = NtpTime{0xb7108000} << 16;

  CHECK(RoundTrip(block, now) == 6125ms);
  CHECK_FALSE(RoundTrip({}, now));
}

TEST_CASE("a round trip that cannot be is none") {
  const ReportBlock block{.last_sr = 1000, .delay_since_last_sr = 20};

  CHECK(RoundTrip(block, NtpTime{1010} << 16) == 0ms);
}

}  // namespace hg
