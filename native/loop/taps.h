// The taps of an engine: makes them, puts their sinks on media threads, and
// tells the application, at most once until it asks for it again, that packets
// wait. Used by the application's thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>

#include "base/events.h"
#include "loop/placed_sinks.h"
#include "route/tap_queue.h"

namespace hg {

class Taps final : private RingReader {
 public:
  struct Handle {
    std::shared_ptr<TapQueue> queue;
    PlacedSinks::Place place;
  };

  // Both must outlive it.
  Taps(PlacedSinks& sinks, EventSink& events)
      : sinks_(sinks), events_(events) {}

  // `capacity`: of the ring, packets; a power of two.
  Handle Create(std::size_t capacity);
  // What it gets from now on; null: nothing.
  void Link(Handle& tap, std::shared_ptr<const SourceInfo> source);
  void SetPaused(const Handle& tap, bool paused);
  // What waits in its queue can still be read.
  void Close(const Handle& tap) { sinks_.Remove(tap.place); }
  // A kTapsReady event follows the next packet. What came before may have had
  // its event: look at the queues once more.
  void Arm() { ready_.exchange(false, std::memory_order_acq_rel); }

 private:
  void Wake() override;

  PlacedSinks& sinks_;
  EventSink& events_;
  TapBudget budget_;
  std::atomic<bool> ready_{false};
};

}  // namespace hg
