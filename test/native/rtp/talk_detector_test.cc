#include "rtp/talk_detector.h"

#include <doctest/doctest.h>

namespace hg {
namespace {

constexpr TalkDetector::Limits kLimits{.packets = 50, .level = 25};

struct Speaker {
  // So many packets, one each 20 ms; how often talking() changed.
  int Send(int packets, std::uint8_t level) {
    int changes = 0;
    for (; packets > 0; --packets, now += 20ms)
      changes += detector.OnPacket(level, now);
    return changes;
  }

  TalkDetector detector{kLimits};
  Timestamp now{1000s};
};

TEST_CASE("the average of so many packets says whether somebody talks") {
  Speaker speaker;
  CHECK(speaker.Send(49, 10) == 0);
  CHECK_FALSE(speaker.detector.average());
  CHECK(speaker.Send(1, 10) == 1);
  CHECK(speaker.detector.talking());
  CHECK(*speaker.detector.average() == doctest::Approx(10));

  CHECK(speaker.Send(25, 10) == 0);
  CHECK(speaker.Send(25, 41) == 1);  // 25.5 on average
  CHECK_FALSE(speaker.detector.talking());
  CHECK(*speaker.detector.average() == doctest::Approx(25.5));
  CHECK(speaker.Send(500, 127) == 0);
}

TEST_CASE("the level itself is not talking yet") {
  Speaker speaker;
  CHECK(speaker.Send(50, 25) == 0);
  CHECK(speaker.Send(50, 24) == 1);
}

TEST_CASE("who sends nothing for a while is silent meanwhile") {
  Speaker speaker;
  speaker.Send(50, 5);
  CHECK(speaker.detector.talking());

  // Discontinuous transmission: a packet each 400 ms.
  int changes = 0;
  for (int i = 0; i < 4; ++i) {
    speaker.now += 380ms;
    changes += speaker.Send(1, 127);
  }
  CHECK(changes == 1);
  CHECK_FALSE(speaker.detector.talking());

  Speaker gone;
  gone.Send(50, 5);
  CHECK_FALSE(gone.detector.OnTime(gone.now + 100ms));
  CHECK(gone.detector.talking());
  CHECK(gone.detector.OnTime(gone.now + 3600s));
  CHECK_FALSE(gone.detector.talking());
  CHECK_FALSE(gone.detector.OnTime(gone.now + 7200s));
}

TEST_CASE("frames of 120 ms are no silence") {
  TalkDetector detector({.packets = 50, .level = 25});
  Timestamp now{1000s};
  for (int i = 0; i < 50; ++i, now += 120ms) detector.OnPacket(5, now);
  CHECK(detector.talking());
  CHECK(*detector.average() == doctest::Approx(5));
}

TEST_CASE("a level out of range is silence") {
  TalkDetector detector({.packets = 1, .level = 127});
  CHECK_FALSE(detector.OnPacket(255, Timestamp{1s}));
  CHECK(*detector.average() == doctest::Approx(127));
}

}  // namespace
}  // namespace hg
