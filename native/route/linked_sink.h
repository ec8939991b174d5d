// A sink that belongs to the application and not to a peer: a recording, a tap.
// Lives on one media thread, and is linked, paused and ended there.
#pragma once

#include <cstdint>

#include "base/clock.h"
#include "route/replica.h"
#include "route/sink.h"

namespace hg {

class LinkedSink : public Sink {
 public:
  virtual ~LinkedSink() = default;  // unlinks

  virtual void Link(Replica* replica, Timestamp now) = 0;  // null: nothing
  virtual void SetPaused(bool paused, Timestamp now) = 0;

  // Sink: it takes what it is given.
  std::uint64_t remb() const final { return 0; }
  bool MayResend() const final { return false; }
};

}  // namespace hg
