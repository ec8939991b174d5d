#include "loop/taps.h"

#include <utility>

#include "route/tap_track.h"

namespace hg {

Taps::Handle Taps::Create(std::size_t capacity) {
  RingReader& reader = *this;
  return {.queue = std::make_shared<TapQueue>(capacity, budget_, reader),
          .place = sinks_.New()};
}

void Taps::Link(Handle& tap, std::shared_ptr<const SourceInfo> source) {
  sinks_.Link(
      tap.place,
      [queue = tap.queue] { return std::make_unique<TapTrack>(queue); },
      std::move(source));
}

void Taps::SetPaused(const Handle& tap, bool paused) {
  sinks_.SetPaused(tap.place, paused);
}

// An exchange, not a load: what was pushed before it is seen by whoever arms
// after it.
void Taps::Wake() {
  if (ready_.exchange(true, std::memory_order_acq_rel)) return;
  Event event;
  event.type = EventType::kTapsReady;
  events_.Post(std::move(event));
}

}  // namespace hg
