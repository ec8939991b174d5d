#include "loop/recorders.h"

#include <utility>

namespace hg {

Recorders::Handle Recorders::Create(const RecorderOptions& options) {
  auto file = std::make_unique<MjrFile>(options.path, options.temporary_path);
  if (!thread_) thread_.emplace(events_);
  Handle handle;
  handle.recording = std::make_shared<Recording>(
      next_id_++, options.video ? Recording::kVideoRing : Recording::kOtherRing,
      thread_->budget(), *thread_);
  thread_->Add(handle.recording, std::move(file), options.info);
  return handle;
}

void Recorders::Link(Handle& handle, std::shared_ptr<const SourceInfo> source) {
  if (stopped_ || (!handle.shard && !source)) return;
  if (!handle.shard) {
    handle.shard = source->home_shard;
    loops_[*handle.shard]->Post([recording = handle.recording](MediaLoop& l) {
      l.recorders().emplace(recording->id,
                            std::make_unique<RecorderTrack>(recording));
    });
  }
  OnTrack(handle, [source = std::move(source)](RecorderTrack& track,
                                               MediaLoop& loop) {
    track.Link(source ? &loop.sources().Obtain(source) : nullptr, loop.now());
  });
}

void Recorders::OnTrack(const Handle& handle,
                        std::function<void(RecorderTrack&, MediaLoop&)> f) {
  loops_[*handle.shard]->Post(
      [id = handle.recording->id, f = std::move(f)](MediaLoop& loop) {
        const auto found = loop.recorders().find(id);
        if (found != loop.recorders().end()) f(*found->second, loop);
      });
}

void Recorders::SetPaused(const Handle& handle, bool paused) {
  if (stopped_ || !handle.shard) return;
  OnTrack(handle, [paused](RecorderTrack& track, MediaLoop& loop) {
    track.SetPaused(paused, loop.now());
  });
}

bool Recorders::Write(const Handle& handle, Bytes message) {
  if (stopped_ || handle.shard) return false;
  Recording::Item item;
  item.message = std::make_unique<std::vector<std::uint8_t>>(message.begin(),
                                                             message.end());
  item.time = MonotonicNow();
  return handle.recording->Push(std::move(item));
}

void Recorders::Close(const Handle& handle) {
  if (stopped_) return;
  if (!handle.shard) return handle.recording->End();
  loops_[*handle.shard]->Post(
      [id = handle.recording->id](MediaLoop& l) { l.recorders().erase(id); });
}

void Recorders::Stop() {
  stopped_ = true;
  if (thread_) thread_->Stop();
}

}  // namespace hg
