#include "loop/recorders.h"

#include <utility>
#include <vector>

#include "work/recorder_track.h"
#include "work/recording_writer.h"

namespace hg {

Recorders::Handle Recorders::Create(const RecorderOptions& options) {
  auto file = std::make_unique<MjrFile>(options.path, options.temporary_path);
  if (!thread_) thread_.emplace("hg-recorder");
  Handle handle{.recording = nullptr, .place = sinks_.New()};
  handle.recording = std::make_shared<Recording>(
      handle.place.id,
      options.video ? Recording::kVideoRing : Recording::kOtherRing, budget_,
      *thread_);
  thread_->Add(std::make_unique<RecordingWriter>(
      handle.recording, std::move(file), options.info, events_));
  return handle;
}

void Recorders::Link(Handle& handle, std::shared_ptr<const SourceInfo> source) {
  sinks_.Link(
      handle.place,
      [recording = handle.recording] {
        return std::make_unique<RecorderTrack>(recording);
      },
      std::move(source));
}

void Recorders::SetPaused(const Handle& handle, bool paused) {
  sinks_.SetPaused(handle.place, paused);
}

bool Recorders::Write(const Handle& handle, Bytes message) {
  if (sinks_.stopped() || handle.place.shard) return false;
  Recording::Item item;
  item.message = std::make_unique<std::vector<std::uint8_t>>(message.begin(),
                                                             message.end());
  item.time = MonotonicNow();
  return handle.recording->Push(std::move(item));
}

void Recorders::Close(const Handle& handle) {
  if (sinks_.stopped()) return;
  if (!handle.place.shard) return handle.recording->End();
  sinks_.Remove(handle.place);
}

void Recorders::Stop() {
  if (thread_) thread_->Stop();
}

}  // namespace hg
