// Merges keyframe requests (PLI or FIR) of any number of viewers into at most
// one to the source per interval. One that comes too soon is remembered and
// due when the interval is over. Sans-IO.
#pragma once

#include <optional>

#include "base/clock.h"

namespace hg {

class KeyframeGate {
 public:
  // True: send one now. False: it is remembered, see NextDue().
  bool Request(Timestamp now) {
    if (last_ && now - *last_ < kInterval) {
      waiting_ = true;
      return false;
    }
    last_ = now;
    waiting_ = false;
    return true;
  }

  // A keyframe arrived: whoever still waits has got it.
  void OnKeyframe() { waiting_ = false; }

  // When a remembered request is due; call Request() then.
  std::optional<Timestamp> NextDue() const {
    if (!waiting_) return std::nullopt;
    return *last_ + kInterval;
  }

 private:
  // What Janus clients and sources are used to.
  static constexpr Duration kInterval = 1s;

  std::optional<Timestamp> last_;
  bool waiting_ = false;
};

}  // namespace hg
