#include "loop/injectors.h"

#include <utility>

namespace hg {

Injectors::Handle Injectors::Create(std::shared_ptr<const SourceInfo> info) {
  if (!pool_) pool_.emplace(PacketPool::Limits{});
  Handle injector{.info = std::move(info),
                  .queue = std::make_shared<InjectionQueue>()};
  loops_[injector.info->home_shard]->Post([injector](MediaLoop& loop) {
    loop.AddInjected(injector.info, injector.queue);
  });
  return injector;
}

bool Injectors::Write(const Handle& injector, std::span<const Bytes> packets) {
  const bool taken = injector.queue->Push(packets, *pool_);
  if (injector.queue->WantsService())
    PostService(*loops_[injector.info->home_shard], injector.info->config.id,
                injector.queue);
  return taken;
}

void Injectors::PostService(MediaLoop& loop, std::uint32_t id,
                            const std::shared_ptr<InjectionQueue>& queue) {
  loop.Post([id, queue](MediaLoop& at) {
    queue->BeginService();
    if (at.ServeInjected(id) && queue->WantsService())
      PostService(at, id, queue);
  });
}

}  // namespace hg
