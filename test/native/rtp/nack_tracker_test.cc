#include "rtp/nack_tracker.h"

#include <doctest/doctest.h>

#include <array>
#include <vector>

#include "native/rtp/packets.h"
#include "rtp/seq_num.h"

namespace hg {
namespace {

using Seqs = std::vector<std::uint64_t>;

Seqs Collect(NackTracker& tracker, Timestamp now, Duration round_trip = 0ms) {
  std::array<std::uint64_t, 512> out;
  const std::size_t count = tracker.Collect(now, round_trip, out);
  return Seqs(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(count));
}

const Timestamp kStart(100s);

}  // namespace

TEST_CASE("a missing packet is asked for once it is no reordering") {
  for (const std::uint16_t seq : kStarts) {
    CAPTURE(seq);
    NackTracker tracker({});
    const std::uint64_t first = 0x10000u + seq;
    tracker.OnPacket(first, kStart);
    CHECK_FALSE(tracker.NextDue(0ms));
    tracker.OnPacket(first + 3, kStart);

    CHECK(tracker.NextDue(0ms) == kStart + 12ms);
    CHECK(Collect(tracker, kStart + 11ms).empty());
    CHECK(Collect(tracker, kStart + 12ms) == Seqs{first + 1, first + 2});
  }
}

TEST_CASE("it is asked for again after a round trip, and 10 ms at least") {
  NackTracker tracker({});
  tracker.OnPacket(0x10000, kStart);
  tracker.OnPacket(0x10002, kStart);
  CHECK(Collect(tracker, kStart + 12ms, 50ms).size() == 1);

  CHECK(Collect(tracker, kStart + 61ms, 50ms).empty());
  CHECK(tracker.NextDue(50ms) == kStart + 62ms);
  CHECK(Collect(tracker, kStart + 62ms, 50ms).size() == 1);
  CHECK(Collect(tracker, kStart + 71ms, 1ms).empty());
  CHECK(Collect(tracker, kStart + 72ms, 1ms).size() == 1);
}

TEST_CASE("what arrives is not asked for any more") {
  for (const std::uint16_t seq : kStarts) {
    CAPTURE(seq);
    NackTracker tracker({});
    const std::uint64_t first = 0x10000u + seq;
    tracker.OnPacket(first, kStart);
    tracker.OnPacket(first + 4, kStart);

    tracker.OnPacket(first + 2, kStart + 5ms);  // reordered
    CHECK(Collect(tracker, kStart + 12ms) == Seqs{first + 1, first + 3});
    CHECK(tracker.recovered() == 0);
    tracker.OnPacket(first + 1, kStart + 30ms);  // sent again
    tracker.OnPacket(first + 1, kStart + 31ms);

    CHECK(tracker.recovered() == 1);
    CHECK(Collect(tracker, kStart + 50ms) == Seqs{first + 3});
  }
}

TEST_CASE("it is given up after some tries, or when it is too old") {
  NackTracker tracker({.max_tries = 3, .max_age = 1s});
  tracker.OnPacket(0x10000, kStart);
  tracker.OnPacket(0x10002, kStart);
  int asked = 0;
  for (Duration t = 0ms; t < 900ms; t += 1ms)
    asked += static_cast<int>(Collect(tracker, kStart + t, 20ms).size());

  CHECK(asked == 3);
  CHECK(tracker.missing() == 0);
  CHECK(tracker.given_up() == 1);

  tracker.OnPacket(0x10004, kStart + 1s);
  CHECK(Collect(tracker, kStart + 2001ms).empty());
  CHECK(tracker.given_up() == 2);
  CHECK_FALSE(tracker.NextDue(0ms));
}

TEST_CASE("a jump is not asked for") {
  NackTracker tracker({.window = 100});
  tracker.OnPacket(0x10000, kStart);
  tracker.OnPacket(0x10002, kStart);

  tracker.OnPacket(0x10002 + 102, kStart);

  CHECK(tracker.missing() == 0);
  tracker.OnPacket(0x10002 + 104, kStart);
  CHECK(Collect(tracker, kStart + 20ms) == Seqs{0x10002 + 103});
}

TEST_CASE("what a peer can make it remember is bounded") {
  NackTracker tracker({.window = 1000, .max_missing = 64});
  std::uint64_t seq = 0x10000;
  for (int i = 0; i < 10'000; ++i) {
    tracker.OnPacket(seq, kStart);
    seq += i % 100 == 0 ? 500 : 2;
    CHECK(tracker.missing() <= 64);
  }

  const Seqs due = Collect(tracker, kStart + 20ms);
  REQUIRE(due.size() == 64);
  CHECK(due.back() == seq - 3);
  CHECK(due.front() == seq - 3 - 63 * 2);
}

TEST_CASE("only what fits is collected, and the rest stays due") {
  NackTracker tracker({});
  tracker.OnPacket(0x10000, kStart);
  tracker.OnPacket(0x10004, kStart);
  std::array<std::uint64_t, 2> out;

  CHECK(tracker.Collect(kStart + 12ms, 0ms, out) == 2);
  CHECK(out[0] == 0x10001);
  CHECK(tracker.Collect(kStart + 12ms, 0ms, out) == 1);
  CHECK(out[0] == 0x10003);
}

TEST_CASE("what was before a keyframe is given up, what follows is not") {
  NackTracker tracker({});
  tracker.OnPacket(0x10000, kStart);
  tracker.OnPacket(0x10003, kStart);
  tracker.OnPacket(0x10006, kStart);

  tracker.GiveUpBefore(0x10003);

  CHECK(tracker.given_up() == 2);
  CHECK(Collect(tracker, kStart + 12ms) == Seqs{0x10004, 0x10005});
}

TEST_CASE("a reset forgets what was missing") {
  NackTracker tracker({});
  tracker.OnPacket(0x10000, kStart);
  tracker.OnPacket(0x10002, kStart);

  tracker.Reset();

  CHECK(Collect(tracker, kStart + 20ms).empty());
  tracker.OnPacket(5, kStart);
  CHECK(tracker.missing() == 0);
}

}  // namespace hg
