#include "work/recorder_track.h"

#include <utility>

#include "base/bytes.h"
#include "rtp/packet.h"

namespace hg {

RecorderTrack::RecorderTrack(std::shared_ptr<Recording> recording)
    : recording_(std::move(recording)) {}

RecorderTrack::~RecorderTrack() {
  if (replica_ != nullptr) replica_->RemoveSink(*this);
  recording_->End();
}

void RecorderTrack::Link(Replica* replica, Timestamp now) {
  if (replica_ == replica) return;
  if (replica_ != nullptr) replica_->RemoveSink(*this);
  replica_ = replica;
  if (continuity_) continuity_->Switch();
  waiting_since_.reset();
  if (replica_ == nullptr) return;
  WaitForKeyframe(now);
  // The kept group, or a request.
  replica_->AddSink(*this);
}

void RecorderTrack::SetPaused(bool paused, Timestamp now) {
  if (std::exchange(paused_, paused) == paused || paused) return;
  if (replica_ == nullptr) return;
  if (continuity_) continuity_->Resume();
  WaitForKeyframe(now);
  replica_->RemoveSink(*this);
  replica_->AddSink(*this);
}

void RecorderTrack::WaitForKeyframe(Timestamp now) {
  if (replica_->info().inspector == nullptr) return;
  waiting_since_ = now;
  retry_.OnAsked(now);
}

void RecorderTrack::AskForKeyframe(Timestamp now) {
  if (retry_.IsDue(now)) replica_->RequestKeyframe();
}

bool RecorderTrack::MayPass(const PacketBuffer& packet) {
  const Timestamp now = packet.info.arrival;
  if (packet.info.discontinuity && replica_->info().inspector != nullptr &&
      !waiting_since_) {
    if (continuity_) continuity_->Resume();
    // The source has asked for a keyframe itself.
    WaitForKeyframe(now);
  }
  if (!waiting_since_) return true;
  if (!packet.info.keyframe && now - *waiting_since_ < kKeyframePatience) {
    AskForKeyframe(now);
    return false;
  }
  waiting_since_.reset();
  return true;
}

void RecorderTrack::OnPackets(std::span<const PacketRef> packets) {
  if (paused_ || recording_->broken()) return;
  for (const PacketRef& packet : packets) {
    if (MayPass(*packet)) Record(packet);
  }
}

void RecorderTrack::Record(const PacketRef& packet) {
  const Bytes bytes = packet->bytes();
  if (bytes.size() < RtpView::kFixedHeaderSize) return;
  const PacketInfo& info = packet->info;
  if (!continuity_)
    continuity_.emplace(
        replica_->info().config.clock_rate,
        Continuity::Start{LoadU16(&bytes[2]), LoadU32(&bytes[4])});
  const auto out =
      continuity_->Forward(info.extended_seq, info.timestamp, info.arrival);
  if (!out) return;
  Recording::Item item;
  item.packet = packet;
  item.time = info.arrival;
  item.timestamp = out->timestamp;
  item.seq = out->seq;
  // What is missing in the file cannot be had again: the picture is whole with
  // the next keyframe.
  if (!recording_->Push(std::move(item)) &&
      replica_->info().inspector != nullptr)
    AskForKeyframe(info.arrival);
}

}  // namespace hg
