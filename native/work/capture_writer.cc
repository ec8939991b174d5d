#include "work/capture_writer.h"

#include <algorithm>
#include <utility>

namespace hg {

CaptureWriter::CaptureWriter(std::shared_ptr<Capture> capture,
                             std::unique_ptr<CaptureFile> file,
                             EventSink& events)
    : FileTask({events, EventType::kCaptureFull, EventType::kCaptureClosed,
                capture->id}),
      capture_(std::move(capture)),
      file_(std::move(file)) {
  capture_->stats.bytes.Set(file_->size());
}

bool CaptureWriter::Ended() {
  const bool ended = capture_->ended();
  for (auto chain = capture_->TakeAdded();
       Capture::Node* node = chain.Next();) {
    feeds_.push_back({.queue = std::move(node->queue)});
    delete node;
  }
  for (Feed& feed : feeds_) feed.ended = feed.queue->ended();
  return ended && std::ranges::all_of(
                      feeds_, [](const Feed& feed) { return feed.ended; });
}

bool CaptureWriter::TakeOne(Timestamp now, WallTime wall_now) {
  // The peers of a capture follow one another; so do their packets.
  for (auto feed = feeds_.begin(); feed != feeds_.end();) {
    const auto packet = feed->queue->Pop(bytes_);
    if (packet) {
      if (failed()) return true;
      if (!first_) first_ = {now, ToMicros(wall_now.time_since_epoch())};
      file_->Add(*packet, bytes_,
                 first_->wall_us + ToMicros(packet->time - first_->time));
      capture_->stats.packets.Add();
      capture_->stats.bytes.Set(file_->size());
      return true;
    }
    if (!feed->ended) {
      ++feed;
      continue;
    }
    dropped_before_ += feed->queue->dropped();
    feed = feeds_.erase(feed);
  }
  capture_->stats.dropped.Set(Dropped());
  return false;
}

void CaptureWriter::OnFailed() { capture_->stats.bytes.Set(file_->size()); }

std::uint64_t CaptureWriter::Dropped() const {
  std::uint64_t dropped = dropped_before_;
  for (const Feed& feed : feeds_) dropped += feed.queue->dropped();
  return dropped;
}

}  // namespace hg
