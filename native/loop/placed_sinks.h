// Puts the application's sinks on a media thread: that of the first source they
// are linked to. Used by the application's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "loop/media_loop.h"
#include "route/linked_sink.h"
#include "route/source.h"

namespace hg {

class PlacedSinks {
 public:
  struct Place {
    std::uint32_t id = 0;
    std::optional<unsigned> shard;  // none: it was never linked
  };
  // Called at most once for a place, on its media thread.
  using Make = std::function<std::unique_ptr<LinkedSink>()>;

  // It must outlive this.
  explicit PlacedSinks(const std::vector<std::unique_ptr<MediaLoop>>& loops)
      : loops_(loops) {}

  Place New() { return {.id = next_id_++, .shard = std::nullopt}; }
  // What it gets from now on; null: nothing.
  void Link(Place& place, Make make, std::shared_ptr<const SourceInfo> source);
  void SetPaused(const Place& place, bool paused);
  // It gets no packet that comes later.
  void Remove(const Place& place);
  // When the media threads are joined: all calls do nothing from now on.
  void Stop() { stopped_ = true; }
  bool stopped() const { return stopped_; }

 private:
  void OnSink(const Place& place,
              std::function<void(LinkedSink&, MediaLoop&)> f);

  const std::vector<std::unique_ptr<MediaLoop>>& loops_;
  std::uint32_t next_id_ = 1;
  bool stopped_ = false;
};

}  // namespace hg
