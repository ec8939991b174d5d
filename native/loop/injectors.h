// The sources of an engine that the application feeds: carries its batches to
// their media threads. Used by the application's thread.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/pool.h"
#include "loop/media_loop.h"
#include "route/injection_queue.h"
#include "route/source.h"

namespace hg {

class Injectors {
 public:
  struct Handle {
    std::shared_ptr<const SourceInfo> info;
    std::shared_ptr<InjectionQueue> queue;
  };

  // It must outlive this.
  explicit Injectors(const std::vector<std::unique_ptr<MediaLoop>>& loops)
      : loops_(loops) {}

  // Feeds a source from now on, until it is closed.
  Handle Create(std::shared_ptr<const SourceInfo> info);
  // See InjectionQueue::Push(). Not after the media threads are told to stop.
  bool Write(const Handle& injector, std::span<const Bytes> packets);

 private:
  static void PostService(MediaLoop& loop, std::uint32_t id,
                          const std::shared_ptr<InjectionQueue>& queue);

  const std::vector<std::unique_ptr<MediaLoop>>& loops_;
  // What the application makes; media threads only give back. From the first
  // injector on.
  std::optional<PacketPool> pool_;
};

}  // namespace hg
