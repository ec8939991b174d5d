#include "work/file_task.h"

#include <utility>

namespace hg {

FileTask::Left FileTask::Serve(Timestamp now, WallTime wall_now, bool last) {
  const bool ended = Ended() || last;
  try {
    const bool empty = Drain(now, wall_now);
    ReportDrops(now, ended && empty);
    if (!empty) return Left::kMore;
    if (!ended) {
      if (unflushed_since_ && now - *unflushed_since_ >= kFlushInterval)
        WriteOut();
      return Left::kNone;
    }
    if (failed_) return Left::kDone;
    Finish();
    PostClosed(nullptr);
    return Left::kDone;
  } catch (const FileError& error) {
    failed_ = true;
    OnFailed();
    PostClosed(&error);
    return ended ? Left::kDone : Left::kMore;
  }
}

bool FileTask::Drain(Timestamp now, WallTime wall_now) {
  for (std::size_t i = 0; i < kItemsPerTurn; ++i) {
    if (!TakeOne(now, wall_now)) return true;
    if (failed_) continue;
    if (!unflushed_since_) unflushed_since_ = now;
    if (Buffered() >= kChunk) WriteOut();
  }
  return false;
}

void FileTask::WriteOut() {
  unflushed_since_.reset();
  Flush();
}

void FileTask::ReportDrops(Timestamp now, bool final) {
  const std::uint64_t dropped = Dropped();
  if (failed_ || dropped == drops_seen_ ||
      (!final && drops_reported_ && now - *drops_reported_ < kFullInterval))
    return;
  drops_seen_ = dropped;
  drops_reported_ = now;
  events_.sink.PostState(events_.full, events_.object, full_,
                         static_cast<std::uint32_t>(dropped));
}

void FileTask::PostClosed(const FileError* error) {
  Event event;
  event.type = events_.closed;
  event.object = events_.object;
  if (error != nullptr) {
    event.text = error->code();
    event.more = error->what();
  }
  events_.sink.Post(std::move(event));
}

}  // namespace hg
