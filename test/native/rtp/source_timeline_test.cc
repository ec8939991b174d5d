#include "rtp/source_timeline.h"

#include <doctest/doctest.h>

#include "native/rtp/packets.h"

namespace hg {
namespace {

using Outcome = SourceTimeline::Outcome;
using Result = SourceTimeline::Result;

constexpr std::uint32_t kA = 0xaaaaaaaa;
constexpr std::uint32_t kB = 0xbbbbbbbb;
const Timestamp kStart(100s);

}  // namespace

TEST_CASE("an undisturbed stream keeps its numbers") {
  for (const std::uint16_t seq : kStarts) {
    CAPTURE(seq);
    SourceTimeline timeline({});
    int wrong = 0;
    for (int i = 0; i < 70'000; ++i) {
      const auto n = static_cast<std::uint32_t>(i);
      const Result result =
          timeline.Add(kA, Plus(seq, i), n * 3000, kStart + i * 33ms);
      if (result.outcome != Outcome::kNext || result.restarted ||
          result.lost != 0 || result.extended_seq != 0x10000u + seq + n ||
          result.timestamp != n * 3000)
        ++wrong;
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("gaps are counted, late packets fill them, repeats are told apart") {
  for (const std::uint16_t seq : kStarts) {
    CAPTURE(seq);
    SourceTimeline timeline({});
    const std::uint64_t first = timeline.Add(kA, seq, 0, kStart).extended_seq;

    CHECK(timeline.Add(kA, Plus(seq, 4), 6000, kStart + 66ms).lost == 3);
    const Result late = timeline.Add(kA, Plus(seq, 2), 3000, kStart + 70ms);
    CHECK(late.outcome == Outcome::kLate);
    CHECK(late.extended_seq == first + 2);
    CHECK(late.timestamp == 3000);
    CHECK(timeline.Add(kA, Plus(seq, 2), 3000, kStart + 71ms).outcome ==
          Outcome::kDuplicate);
    CHECK(timeline.Add(kA, Plus(seq, 4), 6000, kStart + 72ms).outcome ==
          Outcome::kDuplicate);
    CHECK(timeline.Add(kA, Plus(seq, -1), 0, kStart + 73ms).outcome ==
          Outcome::kOld);  // from before the first
    CHECK(timeline.highest() == first + 4);
  }
}

TEST_CASE("a new SSRC goes on where the old one stopped") {
  for (const std::uint16_t seq : kStarts) {
    CAPTURE(seq);
    SourceTimeline timeline({});
    const std::uint64_t first = timeline.Add(kA, seq, 500, kStart).extended_seq;
    timeline.Add(kA, Plus(seq, 1), 3500, kStart + 33ms);

    const Result result =
        timeline.Add(kB, 12345, 0x90000000, kStart + 33ms + 2s);

    CHECK(result.outcome == Outcome::kNext);
    CHECK(result.restarted);
    CHECK(result.lost == 0);
    CHECK(result.extended_seq == first + 2);
    CHECK(result.timestamp == 3500 + 180'000);
    CHECK(timeline.ssrc() == kB);
    const Result next =
        timeline.Add(kB, 12346, 0x90000000 + 3000, kStart + 2066ms);
    CHECK_FALSE(next.restarted);
    CHECK(next.extended_seq == first + 3);
    CHECK(next.timestamp == 183'500 + 3000);
  }
}

TEST_CASE("a restart in the same instant still moves the timestamp") {
  SourceTimeline timeline({});
  timeline.Add(kA, 1, 500, kStart);

  CHECK(timeline.Add(kB, 1, 500, kStart).timestamp == 501);
}

TEST_CASE("what the old SSRC sent before the restart is dropped") {
  for (const std::uint16_t seq : kStarts) {
    CAPTURE(seq);
    SourceTimeline timeline({});
    timeline.Add(kA, Plus(seq, -5), 0, kStart);
    timeline.Add(kA, seq, 3000, kStart + 33ms);
    timeline.Add(kB, 7, 0, kStart + 40ms);

    CHECK(timeline.Add(kA, Plus(seq, -1), 3000, kStart + 41ms).outcome ==
          Outcome::kOld);
    CHECK(timeline.Add(kA, seq, 3000, kStart + 42ms).outcome == Outcome::kOld);
    CHECK(timeline.ssrc() == kB);
    // It really goes on sending: without a collision time we follow.
    CHECK(timeline.Add(kA, Plus(seq, 1), 6000, kStart + 66ms).restarted);
    CHECK(timeline.ssrc() == kA);
  }
}

TEST_CASE("with a collision time another SSRC waits for silence") {
  SourceTimeline timeline({.collision = 500ms});
  timeline.Add(kA, 1, 0, kStart);
  timeline.Add(kA, 2, 3000, kStart + 33ms);

  CHECK(timeline.Add(kB, 900, 0, kStart + 50ms).outcome == Outcome::kCollision);
  CHECK(timeline.Add(kB, 901, 0, kStart + 532ms).outcome ==
        Outcome::kCollision);
  CHECK(timeline.ssrc() == kA);
  const Result result = timeline.Add(kB, 902, 0, kStart + 533ms);
  CHECK(result.restarted);
  // Now the old one is the other.
  CHECK(timeline.Add(kA, 3, 6000, kStart + 540ms).outcome ==
        Outcome::kCollision);
}

TEST_CASE("a sender that jumps ahead has restarted") {
  for (const std::uint16_t seq : kStarts) {
    CAPTURE(seq);
    SourceTimeline timeline({});
    const std::uint64_t first = timeline.Add(kA, seq, 0, kStart).extended_seq;

    const Result result =
        timeline.Add(kA, Plus(seq, 20'000), 0x70000000, kStart + 1s);

    CHECK(result.restarted);
    CHECK(result.extended_seq == first + 1);
    CHECK(result.timestamp == 90'000);
    // A leftover of the run before does not restart it back.
    CHECK(timeline.Add(kA, Plus(seq, -3), 0, kStart + 1001ms).outcome ==
          Outcome::kOld);
    CHECK(timeline.Add(kA, Plus(seq, 20'001), 0x70000000, kStart + 1002ms)
              .extended_seq == first + 2);
  }
}

TEST_CASE("after an outage the timestamps are those of the source") {
  for (const std::uint16_t seq : kStarts) {
    CAPTURE(seq);
    SourceTimeline timeline({});
    const std::uint64_t first = timeline.Add(kA, seq, 0, kStart).extended_seq;

    const Result result =
        timeline.Add(kA, Plus(seq, 5000), 1'800'123, kStart + 20s);

    CHECK(result.restarted);
    CHECK(result.extended_seq == first + 1);
    CHECK(result.timestamp == 1'800'123);
  }
}

TEST_CASE("a sender that starts over behind is believed at once or twice") {
  for (const std::uint16_t seq : kStarts) {
    CAPTURE(seq);
    SourceTimeline timeline({});
    std::uint64_t last = 0;
    for (int i = 0; i < 300; ++i)
      last = timeline
                 .Add(kA, Plus(seq, i), static_cast<std::uint32_t>(i) * 3000,
                      kStart + i * 33ms)
                 .extended_seq;
    const Timestamp now = kStart + 10s;

    SUBCASE("at once, if the timestamp is out of all bounds") {
      const Result result =
          timeline.Add(kA, Plus(seq, -10'000), 0x80000000, now);
      CHECK(result.restarted);
      CHECK(result.extended_seq == last + 1);
    }
    SUBCASE("by the second packet, if it could be a stray") {
      CHECK(timeline.Add(kA, Plus(seq, -10'000), 900'000, now).outcome ==
            Outcome::kOld);
      const Result result =
          timeline.Add(kA, Plus(seq, -9'999), 900'000, now + 1ms);
      CHECK(result.restarted);
      CHECK(result.extended_seq == last + 1);
    }
    SUBCASE("also when it starts over from its very numbers") {
      CHECK(timeline.Add(kA, seq, 0, now).restarted);
      CHECK(timeline.Add(kA, Plus(seq, 1), 3000, now + 33ms).extended_seq ==
            last + 2);
    }
  }
}

TEST_CASE("late packets, however many, restart nothing") {
  for (const std::uint16_t seq : kStarts) {
    CAPTURE(seq);
    SourceTimeline timeline({});
    for (int i = 0; i < 3000; ++i)
      timeline.Add(kA, Plus(seq, i), static_cast<std::uint32_t>(i) * 30,
                   kStart + i * 333us);

    int wrong = 0;
    for (int i = 0; i < 2500; ++i) {
      const Result result = timeline.Add(
          kA, Plus(seq, i), static_cast<std::uint32_t>(i) * 30, kStart + 1s);
      if (result.accepted() || result.restarted) ++wrong;
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("a timestamp that jumps alone is set right without a restart") {
  SourceTimeline timeline({});
  timeline.Add(kA, 1, 1000, kStart);

  const Result ahead = timeline.Add(kA, 2, 0x60000000, kStart + 40ms);
  CHECK_FALSE(ahead.restarted);
  CHECK(ahead.timestamp == 1000 + 3600);
  const Result back = timeline.Add(kA, 3, 500, kStart + 80ms);
  CHECK_FALSE(back.restarted);
  CHECK(back.timestamp == 1000 + 7200);
  CHECK(timeline.Add(kA, 4, 3500, kStart + 113ms).timestamp == 1000 + 10200);
}

TEST_CASE("a burst, a silence and B-frames are no jumps of the timestamp") {
  SourceTimeline timeline({});
  timeline.Add(kA, 1, 90'000, kStart);

  // Six seconds of video at once.
  CHECK(timeline.Add(kA, 2, 90'000 * 7, kStart + 1ms).timestamp == 90'000 * 7);
  // A frame that is shown before the one sent before it.
  CHECK(timeline.Add(kA, 3, 90'000 * 7 - 6000, kStart + 2ms).timestamp ==
        90'000 * 7 - 6000);
  // An hour of discontinuous transmission.
  CHECK(timeline.Add(kA, 4, 90'000 * 3607u, kStart + 1h).timestamp ==
        90'000 * 3607u);
}

TEST_CASE("a normalised number leads back to the source's own") {
  for (const std::uint16_t seq : kStarts) {
    CAPTURE(seq);
    SourceTimeline timeline({});
    timeline.Add(kA, 100, 0, kStart);
    const std::uint64_t first =
        timeline.Add(kB, seq, 0, kStart + 1s).extended_seq;
    timeline.Add(kB, Plus(seq, 5), 0, kStart + 1s);

    const auto missing = timeline.OriginalOf(first + 3);
    REQUIRE(missing);
    CHECK(missing->ssrc == kB);
    CHECK(missing->seq == Plus(seq, 3));
    CHECK_FALSE(timeline.OriginalOf(first - 1));  // the run before
    CHECK_FALSE(timeline.OriginalOf(first + 6));  // not sent yet
  }
}

TEST_CASE("a sender report's timestamp moves with the packets") {
  SourceTimeline timeline({});
  CHECK_FALSE(timeline.MapTimestamp(kA, 0));
  timeline.Add(kA, 1, 1000, kStart);
  CHECK(timeline.MapTimestamp(kA, 1500) == 1500);

  timeline.Add(kB, 1, 700'000, kStart + 1s);

  CHECK(timeline.MapTimestamp(kB, 700'000) == 91'000);
  CHECK_FALSE(timeline.MapTimestamp(kA, 1500));
}

TEST_CASE("what is resent fills gaps or is the newest, and restarts nothing") {
  for (const std::uint16_t seq : kStarts) {
    CAPTURE(seq);
    SourceTimeline timeline({});
    CHECK_FALSE(timeline.AddResent(kA, seq, 0, kStart).accepted());
    const std::uint64_t first = timeline.Add(kA, seq, 0, kStart).extended_seq;
    timeline.Add(kA, Plus(seq, 2), 3000, kStart);

    const Result late = timeline.AddResent(kA, Plus(seq, 1), 0, kStart);
    CHECK(late.outcome == Outcome::kLate);
    CHECK(late.extended_seq == first + 1);
    CHECK(timeline.AddResent(kA, Plus(seq, 1), 0, kStart).outcome ==
          Outcome::kDuplicate);
    const Result next = timeline.AddResent(kA, Plus(seq, 3), 6000, kStart);
    CHECK(next.outcome == Outcome::kNext);
    CHECK(next.extended_seq == first + 3);

    for (const int far : {-1001, -20'000, 3004, 20'000, 0x8003})
      CHECK(timeline.AddResent(kA, Plus(seq, far), 6000, kStart).outcome ==
            Outcome::kOld);
    CHECK(timeline.AddResent(kB, Plus(seq, 4), 6000, kStart).outcome ==
          Outcome::kOld);
    CHECK(timeline.AddResent(kA, Plus(seq, 4), 0x80000000, kStart).outcome ==
          Outcome::kOld);
    CHECK(timeline.highest() == first + 3);
    CHECK_FALSE(timeline.Add(kA, Plus(seq, 4), 6000, kStart).restarted);
  }
}

}  // namespace hg
