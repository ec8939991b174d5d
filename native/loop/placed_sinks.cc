#include "loop/placed_sinks.h"

#include <utility>

namespace hg {

void PlacedSinks::Link(Place& place, Make make,
                       std::shared_ptr<const SourceInfo> source) {
  if (stopped_ || (!place.shard && !source)) return;
  if (!place.shard) {
    place.shard = source->home_shard;
    loops_[*place.shard]->Post(
        [id = place.id, make = std::move(make)](MediaLoop& loop) {
          loop.sinks().emplace(id, make());
        });
  }
  OnSink(place, [source = std::move(source)](LinkedSink& s, MediaLoop& loop) {
    s.Link(source ? &loop.sources().Obtain(source) : nullptr, loop.now());
  });
}

void PlacedSinks::SetPaused(const Place& place, bool paused) {
  if (stopped_ || !place.shard) return;
  OnSink(place, [paused](LinkedSink& sink, MediaLoop& loop) {
    sink.SetPaused(paused, loop.now());
  });
}

void PlacedSinks::Remove(const Place& place) {
  if (stopped_ || !place.shard) return;
  loops_[*place.shard]->Post(
      [id = place.id](MediaLoop& loop) { loop.sinks().erase(id); });
}

void PlacedSinks::OnSink(const Place& place,
                         std::function<void(LinkedSink&, MediaLoop&)> f) {
  loops_[*place.shard]->Post(
      [id = place.id, f = std::move(f)](MediaLoop& loop) {
        const auto found = loop.sinks().find(id);
        if (found != loop.sinks().end()) f(*found->second, loop);
      });
}

}  // namespace hg
