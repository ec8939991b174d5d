#include "rtp/seq_num.h"

#include <doctest/doctest.h>

#include "native/rtp/packets.h"

namespace hg {

TEST_CASE("of two sequence numbers, the nearer ahead is newer") {
  for (const std::uint16_t seq : kStarts) {
    CAPTURE(seq);
    CHECK(SeqNewer(Plus(seq, 1), seq));
    CHECK(SeqNewer(Plus(seq, 32767), seq));
    CHECK_FALSE(SeqNewer(seq, seq));
    CHECK_FALSE(SeqNewer(Plus(seq, -1), seq));
    CHECK_FALSE(SeqNewer(Plus(seq, 32768), seq));
    CHECK(SeqDiff(Plus(seq, 300), seq) == 300);
    CHECK(SeqDiff(Plus(seq, -300), seq) == -300);
  }
}

TEST_CASE("timestamps compare over their wrap") {
  for (const std::uint32_t timestamp : {0u, 1u, 0x7fffffffu, 0xffffffffu}) {
    CAPTURE(timestamp);
    CHECK(TimestampNewer(timestamp + 3000, timestamp));
    CHECK_FALSE(TimestampNewer(timestamp - 3000, timestamp));
    CHECK(TimestampDiff(timestamp - 3000, timestamp) == -3000);
  }
}

TEST_CASE("an extender counts laps and leaves the low 16 bits alone") {
  for (const std::uint16_t seq : kStarts) {
    CAPTURE(seq);
    SeqExtender extender;
    const std::uint64_t first = extender.Extend(seq);

    CHECK(static_cast<std::uint16_t>(first) == seq);
    for (int i = 1; i < 200'000; i += 997)
      CHECK(extender.Extend(Plus(seq, i)) ==
            first + static_cast<std::uint64_t>(i));
  }
}

TEST_CASE("a late packet is extended to where it belongs") {
  for (const std::uint16_t seq : kStarts) {
    CAPTURE(seq);
    SeqExtender extender;
    const std::uint64_t first = extender.Extend(seq);

    CHECK(extender.Extend(Plus(seq, -700)) == first - 700);
    CHECK(extender.highest() == first);
    CHECK(extender.Extend(Plus(seq, 1)) == first + 1);
    CHECK(extender.Extend(seq) == first);
  }
}

}  // namespace hg
