// A sink that hands every packet of its source to the application, as it came:
// numbers, timestamps and extensions are the sender's, and a keyframe is waited
// for by nobody.
#pragma once

#include <memory>
#include <span>
#include <utility>

#include "route/linked_sink.h"
#include "route/tap_queue.h"

namespace hg {

class TapTrack final : public LinkedSink {
 public:
  explicit TapTrack(std::shared_ptr<TapQueue> queue)
      : queue_(std::move(queue)) {}
  ~TapTrack() override;
  TapTrack(const TapTrack&) = delete;
  TapTrack& operator=(const TapTrack&) = delete;

  // LinkedSink. Both make a newcomer of it: it gets the kept keyframe's group,
  // or one is asked for.
  void Link(Replica* replica, Timestamp now) override;
  void SetPaused(bool paused, Timestamp now) override;
  void OnPackets(std::span<const PacketRef> packets) override {
    if (!paused_) queue_->Push(packets);
  }
  void OnSourceClosed() override { replica_ = nullptr; }

 private:
  const std::shared_ptr<TapQueue> queue_;
  Replica* replica_ = nullptr;
  bool paused_ = false;
};

}  // namespace hg
