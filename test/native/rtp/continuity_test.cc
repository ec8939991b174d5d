#include "rtp/continuity.h"

#include <doctest/doctest.h>

#include <optional>

#include "native/rtp/packets.h"

namespace hg {
namespace {

constexpr std::uint32_t kRate = 90000;
const Timestamp kStart(100s);

// nullopt if the packet is not sent.
std::optional<int> SeqOf(const std::optional<Continuity::Out>& out) {
  if (!out) return std::nullopt;
  return out->seq;
}

}  // namespace

TEST_CASE("the first packet gets the numbers the owner chose") {
  for (const std::uint16_t seq : kStarts) {
    CAPTURE(seq);
    Continuity link(kRate, {.seq = seq, .timestamp = 0xfffffff0});

    const auto out = link.Forward(0x12345, 777, kStart);

    REQUIRE(out);
    CHECK(out->seq == seq);
    CHECK(out->timestamp == 0xfffffff0);
    CHECK(link.next_seq() == Plus(seq, 1));
    CHECK(link.timestamp_offset() == 0xfffffff0 - 777);
  }
}

TEST_CASE("losses before us stay visible and late packets fit in") {
  for (const std::uint16_t seq : kStarts) {
    CAPTURE(seq);
    Continuity link(kRate, {.seq = seq, .timestamp = 0});
    link.Forward(0x10000, 0, kStart);

    CHECK(SeqOf(link.Forward(0x10003, 9000, kStart)) == Plus(seq, 3));
    const auto late = link.Forward(0x10001, 3000, kStart);
    REQUIRE(late);
    CHECK(late->seq == Plus(seq, 1));
    CHECK(late->timestamp == 3000);
    CHECK_FALSE(link.Forward(0x10001, 3000, kStart));  // twice
    CHECK_FALSE(link.Forward(0x10003, 9000, kStart));
  }
}

TEST_CASE("packets that are left out leave no gap") {
  for (const std::uint16_t seq : kStarts) {
    CAPTURE(seq);
    Continuity link(kRate, {.seq = seq, .timestamp = 0});
    link.Forward(0x10000, 0, kStart);

    link.Skip(0x10001);
    link.Skip(0x10002);
    CHECK(SeqOf(link.Forward(0x10003, 0, kStart)) == Plus(seq, 1));
    CHECK_FALSE(link.Forward(0x10001, 0, kStart));
  }
}

TEST_CASE("a late packet fits in also where others were left out around it") {
  for (const std::uint16_t seq : kStarts) {
    CAPTURE(seq);
    Continuity link(kRate, {.seq = seq, .timestamp = 0});
    link.Forward(0x10000, 0, kStart);
    link.Skip(0x10001);
    // 0x10002 is late
    link.Skip(0x10003);
    CHECK(SeqOf(link.Forward(0x10004, 0, kStart)) == Plus(seq, 2));
    link.Skip(0x10005);

    CHECK(SeqOf(link.Forward(0x10002, 0, kStart)) == Plus(seq, 1));
    CHECK(SeqOf(link.Forward(0x10006, 0, kStart)) == Plus(seq, 3));
  }
}

TEST_CASE("leaving out a packet that comes late changes no number") {
  Continuity link(kRate, {.seq = 0, .timestamp = 0});
  link.Forward(0x10000, 0, kStart);
  link.Forward(0x10002, 0, kStart);

  link.Skip(0x10001);

  CHECK(SeqOf(link.Forward(0x10003, 0, kStart)) == 3);
  CHECK_FALSE(link.Forward(0x10001, 0, kStart));
}

TEST_CASE("after a switch sequence and timestamp go on") {
  for (const std::uint16_t seq : kStarts) {
    CAPTURE(seq);
    Continuity link(kRate, {.seq = seq, .timestamp = 5000});
    link.Forward(0x10000, 100, kStart);
    link.Forward(0x10001, 3100, kStart + 33ms);  // sent as 8000

    link.Switch();
    CHECK_FALSE(link.timestamp_offset());
    const auto out = link.Forward(0x55555, 0xfffffff0, kStart + 133ms);

    REQUIRE(out);
    CHECK(out->seq == Plus(seq, 2));
    CHECK(out->timestamp == 8000 + 9000);
    const auto next = link.Forward(0x55556, 0xfffffff0 + 3000, kStart + 166ms);
    REQUIRE(next);
    CHECK(next->seq == Plus(seq, 3));
    CHECK(next->timestamp == 20000);
  }
}

TEST_CASE("a switch moves the timestamp by at least 1") {
  Continuity link(kRate, {.seq = 0, .timestamp = 5000});
  link.Forward(0x10000, 0, kStart);

  link.Switch();
  // From a keyframe cache: it arrived before our last packet did.
  const auto out = link.Forward(0x20000, 7, kStart - 1s);

  REQUIRE(out);
  CHECK(out->timestamp == 5001);
}

TEST_CASE("a packet from before the switch or the pause is not sent") {
  Continuity link(kRate, {.seq = 0, .timestamp = 0});
  link.Forward(0x10000, 0, kStart);
  SUBCASE("switch") { link.Switch(); }
  SUBCASE("pause") { link.Resume(); }

  CHECK(SeqOf(link.Forward(0x10010, 0, kStart)) == 1);

  CHECK_FALSE(link.Forward(0x1000f, 0, kStart));
  CHECK_FALSE(link.Forward(0x10001, 0, kStart));
}

TEST_CASE("after a pause the sequence goes on and the timestamp has run") {
  for (const std::uint16_t seq : kStarts) {
    CAPTURE(seq);
    Continuity link(kRate, {.seq = seq, .timestamp = 0});
    link.Forward(0x10000, 1000, kStart);

    link.Resume();
    const auto out = link.Forward(0x20000, 901'000, kStart + 10s);

    REQUIRE(out);
    CHECK(out->seq == Plus(seq, 1));
    CHECK(out->timestamp == 900'000);
  }
}

TEST_CASE("a pause does not undo a switch") {
  Continuity link(kRate, {.seq = 0, .timestamp = 0});
  link.Forward(0x10000, 1000, kStart);

  link.Switch();
  link.Resume();
  const auto out = link.Forward(0x20000, 0x80000000, kStart + 1s);

  REQUIRE(out);
  CHECK(out->timestamp == 90000);
}

TEST_CASE("a jump that no receiver would follow is closed") {
  for (const std::uint16_t seq : kStarts) {
    CAPTURE(seq);
    Continuity link(kRate, {.seq = seq, .timestamp = 0});
    link.Forward(0x10000, 0, kStart);

    CHECK(SeqOf(link.Forward(0x10000 + 40'000, 0, kStart)) == Plus(seq, 1));
    link.Skip(0x10000 + 80'000);
    CHECK(SeqOf(link.Forward(0x10000 + 80'001, 0, kStart)) == Plus(seq, 2));
  }
}

TEST_CASE("a packet later than the window is not sent") {
  Continuity link(kRate, {.seq = 0, .timestamp = 0});
  link.Forward(0x10000, 0, kStart);
  link.Forward(0x10000 + 600, 0, kStart);

  CHECK_FALSE(link.Forward(0x10000 + 88, 0, kStart));
  CHECK(SeqOf(link.Forward(0x10000 + 89, 0, kStart)) == 89);
}

}  // namespace hg
