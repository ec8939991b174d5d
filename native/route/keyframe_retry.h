// When one receiver asks again for a keyframe that does not come: the request
// or the keyframe may get lost. Sources merge what their receivers ask for
// (KeyframeGate).
#pragma once

#include "base/clock.h"

namespace hg {

class KeyframeRetry {
 public:
  static constexpr Duration kInterval = 1s;

  // It was asked for, by whomever.
  void OnAsked(Timestamp now) { asked_ = now; }
  // True: ask again now. Then it counts as asked for.
  bool IsDue(Timestamp now) {
    if (now - asked_ < kInterval) return false;
    asked_ = now;
    return true;
  }

 private:
  Timestamp asked_{};
};

}  // namespace hg
