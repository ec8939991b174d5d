#include "rtp/rtcp/twcc.h"

#include <doctest/doctest.h>

#include <optional>
#include <random>
#include <vector>

#include "native/rtp/packets.h"

namespace hg {
namespace {

ByteVector Body(std::uint16_t base_seq, std::uint16_t count,
                const std::vector<std::uint16_t>& chunks,
                const ByteVector& deltas) {
  ByteVector body;
  AppendU32(body, 1);
  AppendU32(body, 2);
  AppendU16(body, base_seq);
  AppendU16(body, count);
  AppendU32(body, (0x123456u << 8) | 9);
  for (const std::uint16_t chunk : chunks) AppendU16(body, chunk);
  Append(body, deltas);
  while (body.size() % 4 != 0) body.push_back(0);
  return body;
}

std::optional<TransportCc> Parse(const ByteVector& body) {
  return TransportCc::Parse(
      {RtcpType::kTransportFeedback, kTransportCcFormat, body});
}

struct Seen {
  std::uint16_t seq;
  std::optional<Duration> arrival;
  friend bool operator==(const Seen&, const Seen&) = default;
};
std::vector<Seen> All(const TransportCc& feedback) {
  std::vector<Seen> all;
  feedback.ForEach([&](std::uint16_t seq, std::optional<Duration> arrival) {
    all.push_back({seq, arrival});
  });
  return all;
}

}  // namespace

TEST_CASE("runs, and vectors of one and two bits, tell who arrived when") {
  for (const std::uint16_t seq : kStarts) {
    CAPTURE(seq);
    const ByteVector body =
        Body(seq, 3 + 2 + 4,
             {
                 0x2003,           // a run of 3, small delta
                 0x0002,           // a run of 2, lost
                 0x8000 | 0x1000,  // one bit each: lost, received, lost, lost
             },
             {4, 0, 255, 8});

    const auto feedback = Parse(body);

    REQUIRE(feedback);
    CHECK(feedback->base_seq == seq);
    CHECK(feedback->received == 4);
    CHECK(feedback->lost == 5);
    CHECK(feedback->reference_time == 0x123456);
    CHECK(feedback->feedback_count == 9);
    CHECK(All(*feedback) == std::vector<Seen>{{Plus(seq, 0), 1ms},
                                              {Plus(seq, 1), 1ms},
                                              {Plus(seq, 2), 64ms + 750us},
                                              {Plus(seq, 3), std::nullopt},
                                              {Plus(seq, 4), std::nullopt},
                                              {Plus(seq, 5), std::nullopt},
                                              {Plus(seq, 6), 66ms + 750us},
                                              {Plus(seq, 7), std::nullopt},
                                              {Plus(seq, 8), std::nullopt}});
  }
}

TEST_CASE("a large delta may be negative") {
  const ByteVector body =
      Body(5, 3, {0xc000 | (2u << 12) | (2u << 10) | (1u << 8)},
           {0x00, 0x28, 0xff, 0xfc, 0x01});

  const auto feedback = Parse(body);

  REQUIRE(feedback);
  CHECK(All(*feedback) ==
        std::vector<Seen>{{5, 10ms}, {6, 9ms}, {7, 9ms + 250us}});
}

TEST_CASE("the reserved symbol is a loss") {
  const ByteVector body = Body(5, 2, {0xc000 | (3u << 12) | (1u << 10)}, {4});

  const auto feedback = Parse(body);

  REQUIRE(feedback);
  CHECK(feedback->received == 1);
  CHECK(All(*feedback) == std::vector<Seen>{{5, std::nullopt}, {6, 1ms}});
}

TEST_CASE("feedback that ends early, or never, is refused") {
  const ByteVector good = Body(5, 4, {0x2004}, {1, 2, 3, 4});
  REQUIRE(Parse(good));
  for (std::size_t size = 0; size < good.size() - 2; ++size) {
    CAPTURE(size);
    CHECK_FALSE(Parse(ByteVector(
        good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size))));
  }
  CHECK_FALSE(Parse(Body(5, 0, {}, {})));
  CHECK_FALSE(Parse(Body(5, 4, {0x2000, 0x2000, 0x2004}, {1, 2, 3, 4})));
  CHECK_FALSE(Parse(Body(5, 8193, {0x1fff, 0x1fff}, {})));
  CHECK(Parse(Body(5, 8192, {0x1fff, 0x1fff}, {}))->lost == 8192);
}

// Run under ASan: Parse() has checked all that ForEach() reads.
TEST_CASE("damaged feedback is survived") {
  std::mt19937 random(1);
  std::size_t parsed = 0;
  std::size_t wrong = 0;
  for (int i = 0; i < 20'000; ++i) {
    ByteVector body = Body(5, static_cast<std::uint16_t>(random() % 60),
                           {static_cast<std::uint16_t>(random()),
                            static_cast<std::uint16_t>(random() | 0x8000)},
                           ByteVector(random() % 60));
    const auto feedback = Parse(body);
    if (!feedback) continue;
    ++parsed;
    std::size_t received = 0;
    std::size_t all = 0;
    feedback->ForEach([&](std::uint16_t, std::optional<Duration> arrival) {
      ++all;
      received += arrival ? 1 : 0;
    });
    if (all != feedback->count || received != feedback->received) ++wrong;
  }
  CHECK(wrong == 0);
  CHECK(parsed > 1000);
}

}  // namespace hg
