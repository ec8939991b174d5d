// Where a track goes that is recorded: a Sink that numbers packets so that the
// file holds one stream, whatever it is linked to and however often the sender
// restarts, and hands them to the file thread. The numbers begin with those
// of the first packet, which is a keyframe in video.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "base/clock.h"
#include "route/keyframe_retry.h"
#include "route/linked_sink.h"
#include "rtp/continuity.h"
#include "work/recording.h"

namespace hg {

class RecorderTrack final : public LinkedSink {
 public:
  explicit RecorderTrack(std::shared_ptr<Recording> recording);
  ~RecorderTrack() override;  // the recording ends
  RecorderTrack(const RecorderTrack&) = delete;
  RecorderTrack& operator=(const RecorderTrack&) = delete;

  // LinkedSink
  void Link(Replica* replica, Timestamp now) override;
  void SetPaused(bool paused, Timestamp now) override;
  void OnPackets(std::span<const PacketRef> packets) override;
  bool WaitsForKeyframe() const override {
    return waiting_since_ && !paused_ && !recording_->broken();
  }
  void OnSourceClosed() override { replica_ = nullptr; }

 private:
  // A recording can wait for its keyframe longer than a viewer: cameras without
  // a way to ask send one every 10 s. Streams that have none we recognise
  // (intra refresh) are recorded all the same.
  static constexpr Duration kKeyframePatience = 20s;

  bool MayPass(const PacketBuffer& packet);
  void WaitForKeyframe(Timestamp now);
  void AskForKeyframe(Timestamp now);
  void Record(const PacketRef& packet);

  const std::shared_ptr<Recording> recording_;
  Replica* replica_ = nullptr;
  bool paused_ = false;
  std::optional<Timestamp> waiting_since_;
  KeyframeRetry retry_;
  // Since the first packet.
  std::optional<Continuity> continuity_;
};

}  // namespace hg
