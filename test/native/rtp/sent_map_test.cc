#include "rtp/sent_map.h"

#include <doctest/doctest.h>

#include "native/rtp/packets.h"
#include "rtp/ntp.h"

namespace hg {

using Outcome = SentMap::Outcome;

TEST_CASE("a packet is sent again at most once per round trip") {
  for (const std::uint16_t seq : kStarts) {
    CAPTURE(seq);
    SentMap map({.packets = 512, .max_age = 1s});
    const Timestamp sent{};
    map.Remember(seq, 40000, sent);

    CHECK(map.Request(seq, sent + 10ms, 50ms).source_seq == 40000);
    CHECK(map.Request(seq, sent + 59ms, 50ms).outcome == Outcome::kTooSoon);
    CHECK(map.Request(seq, sent + 60ms, 50ms).outcome == Outcome::kFound);
    CHECK(map.Request(seq, sent + 1001ms, 50ms).outcome == Outcome::kExpired);
  }
}

TEST_CASE("a packet that was never sent, or was overwritten, is unknown") {
  for (const std::uint16_t seq : kStarts) {
    CAPTURE(seq);
    SentMap map({.packets = 512, .max_age = 1s});
    const Timestamp now(5s);
    CHECK(map.Request(seq, now, 0ms).outcome == Outcome::kUnknown);

    map.Remember(seq, 1, now);
    CHECK(map.Request(Plus(seq, 512), now, 0ms).outcome == Outcome::kUnknown);
    CHECK(map.Request(Plus(seq, 1), now, 0ms).outcome == Outcome::kUnknown);
    map.Remember(Plus(seq, 512), 2, now);
    CHECK(map.Request(seq, now, 0ms).outcome == Outcome::kUnknown);
    CHECK(map.Request(Plus(seq, 512), now, 0ms).source_seq == 2);
  }
}

TEST_CASE("numbers that were passed over are unknown, whatever was there") {
  for (const std::uint16_t seq : kStarts) {
    for (const int jump : {2, 300, 511, 512, 513, 3000, 32767}) {
      CAPTURE(seq);
      CAPTURE(jump);
      SentMap map({.packets = 512, .max_age = 7s});
      const Timestamp now(5s);
      std::uint16_t next = seq;
      for (int i = 0; i < 600; ++i, next = Plus(next, 1))
        map.Remember(next, 1, now);

      // Round the whole circle in jumps, to numbers that were used before.
      for (int run = 0; run < 65536; run += jump) {
        next = Plus(next, jump);
        map.Remember(next, 2, now);
      }

      int wrong = 0;
      for (int i = 0; i < 65536; ++i) {
        const auto answer = map.Request(Plus(next, -i), now, 0ms);
        const bool known = i < 512 && i % jump == 0;
        if (known ? answer.source_seq != 2
                  : answer.outcome != Outcome::kUnknown)
          ++wrong;
      }
      CHECK(wrong == 0);
    }
  }
}

TEST_CASE("a late packet is remembered if it is among the last numbers") {
  for (const std::uint16_t seq : kStarts) {
    CAPTURE(seq);
    SentMap map({.packets = 512, .max_age = 1s});
    const Timestamp now(5s);
    map.Remember(seq, 1, now);

    map.Remember(Plus(seq, -511), 2, now);
    map.Remember(Plus(seq, -512), 3, now);

    CHECK(map.Request(Plus(seq, -511), now, 0ms).source_seq == 2);
    CHECK(map.Request(Plus(seq, -512), now, 0ms).outcome == Outcome::kUnknown);
    CHECK(map.Request(seq, now, 0ms).source_seq == 1);
  }
}

TEST_CASE("an answer has the stamps of the first sending") {
  SentMap map({.packets = 512, .max_age = 1s});
  const Timestamp sent(70s + 123'456'789ns);  // beyond the wrap of 64 s

  const std::uint32_t stamp = map.Remember(9, 40000, sent, 777);
  const SentMap::Answer answer = map.Request(9, sent + 900ms, 0ms);

  CHECK(stamp == AbsSendTime(sent));
  CHECK(answer.outcome == Outcome::kFound);
  CHECK(answer.abs_send_time == stamp);
  CHECK(answer.transport_seq == 777);
}

TEST_CASE("a packet is neither young nor resent again after the stamp's wrap") {
  SentMap map({.packets = 512, .max_age = 7s});
  const Timestamp sent(3s);
  map.Remember(9, 1, sent);

  CHECK(map.Request(9, sent + 64s + 10ms, 0ms).outcome == Outcome::kExpired);
  CHECK(map.Request(9, sent + 1h, 0ms).outcome == Outcome::kExpired);
}

TEST_CASE("the interval between resends holds at any age and any interval") {
  SentMap map({.packets = 512, .max_age = SentMap::kLongestAge});
  const Timestamp sent(1000s);
  map.Remember(9, 1, sent);

  CHECK(map.Request(9, sent + 6900ms, 1h).outcome == Outcome::kFound);
  CHECK(map.Request(9, sent + 6999ms, 100ms).outcome == Outcome::kTooSoon);
  CHECK(map.Request(9, sent + 7s, 1h).outcome == Outcome::kTooSoon);
  CHECK(map.Request(9, sent + 7s, 99ms).outcome == Outcome::kFound);
  CHECK(map.Request(9, sent + 7s, 0ms).outcome == Outcome::kFound);
}

TEST_CASE("a cleared map knows nothing") {
  SentMap map({.packets = 512, .max_age = 1s});
  map.Remember(9, 1, Timestamp());

  map.Clear();

  CHECK(map.Request(9, Timestamp(), 0ms).outcome == Outcome::kUnknown);
}

}  // namespace hg
