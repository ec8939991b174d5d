#include "loop/captures.h"

#include <utility>

#include "work/capture_writer.h"

namespace hg {

Captures::Handle Captures::Create(const CaptureOptions& options) {
  auto file = std::make_unique<CaptureFile>(options.path, options.format,
                                            options.label);
  if (!thread_) thread_.emplace("hg-capture");
  Handle handle;
  handle.capture = std::make_shared<Capture>(next_id_++, *thread_);
  handle.truncate = options.truncate;
  thread_->Add(std::make_unique<CaptureWriter>(handle.capture, std::move(file),
                                               events_));
  return handle;
}

bool Captures::Add(Handle& handle, unsigned shard, std::uint32_t peer) {
  if (stopped_) return false;
  if (budget_.rings.load(std::memory_order_relaxed) >= CaptureBudget::kMaxRings)
    return false;
  std::erase_if(handle.feeds, [](const Feed& f) { return f.queue.expired(); });
  auto queue = std::make_shared<CaptureQueue>(
      handle.truncate, CaptureQueue::kRingBytes, budget_, *thread_);
  // Whatever becomes of the peer and of this command, the queue ends.
  const std::shared_ptr<CaptureQueue> producer(
      queue.get(), [queue](CaptureQueue* ending) { ending->End(); });
  handle.feeds.push_back({shard, peer, queue});
  handle.capture->Add(std::move(queue));
  loops_[shard]->Post([peer, producer](MediaLoop& loop) {
    if (Peer* found = loop.FindPeer(peer)) found->SetCapture(producer);
  });
  return true;
}

void Captures::Close(Handle& handle) {
  if (stopped_) return;
  handle.capture->End();
  for (const Feed& feed : std::exchange(handle.feeds, {})) {
    const auto queue = feed.queue.lock();
    if (!queue) continue;
    loops_[feed.shard]->Post([peer = feed.peer, queue](MediaLoop& loop) {
      if (Peer* found = loop.FindPeer(peer)) found->EndCapture(*queue);
    });
  }
}

void Captures::Stop() {
  stopped_ = true;
  if (thread_) thread_->Stop();
}

}  // namespace hg
