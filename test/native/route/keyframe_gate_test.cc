#include "route/keyframe_gate.h"

#include <doctest/doctest.h>

namespace hg {
namespace {

constexpr Timestamp kStart{100s};

TEST_CASE("the first keyframe request passes at once") {
  KeyframeGate gate;

  CHECK(gate.Request(kStart));

  CHECK_FALSE(gate.NextDue());
}

TEST_CASE("keyframe requests within a second become one, due when it is over") {
  KeyframeGate gate;
  gate.Request(kStart);

  for (int i = 1; i < 100; ++i) CHECK_FALSE(gate.Request(kStart + i * 10ms));

  REQUIRE(gate.NextDue());
  CHECK(*gate.NextDue() == kStart + 1s);
  CHECK(gate.Request(kStart + 1s));
  CHECK_FALSE(gate.NextDue());
}

TEST_CASE("a keyframe request after a quiet second passes at once again") {
  KeyframeGate gate;
  gate.Request(kStart);

  CHECK(gate.Request(kStart + 1s));
  CHECK_FALSE(gate.Request(kStart + 1999ms));
  CHECK(gate.Request(kStart + 2s));
}

TEST_CASE("a keyframe that came serves whoever waited for one") {
  KeyframeGate gate;
  gate.Request(kStart);
  gate.Request(kStart + 100ms);

  gate.OnKeyframe();

  CHECK_FALSE(gate.NextDue());
  // Its lack is felt again: once per second still holds.
  CHECK_FALSE(gate.Request(kStart + 200ms));
  CHECK(gate.NextDue() == kStart + 1s);
}

}  // namespace
}  // namespace hg
