#include "route/source.h"

#include <algorithm>
#include <utility>

#include "rtp/packet.h"

namespace hg {

Source::Source(std::shared_ptr<const SourceInfo> info, Host& host,
               EventSink& events, Timestamp now)
    : info_(std::move(info)),
      host_(host),
      events_(events),
      timeline_({.clock_rate = info_->config.clock_rate,
                 .collision = info_->config.collision}),
      last_arrival_(now),
      last_second_(now) {
  burst_.reserve(64);
}

Source::Taken Source::OnDatagram(PacketDraft draft, Timestamp now,
                                 bool resent) {
  SourceStats& stats = info_->stats;
  const auto refuse = [](Counter& counter) {
    counter.Add();
    return Taken{};
  };
  if (!enabled_) return refuse(stats.dropped);
  NoteSize(draft->size());
  if (draft->info.truncated) return refuse(stats.invalid);
  const auto rtp = RtpView::Parse(draft->bytes());
  if (!rtp || Classify(draft->bytes()) != PacketKind::kRtp)
    return refuse(stats.invalid);

  const auto place =
      resent ? timeline_.AddResent(rtp->ssrc, rtp->seq, rtp->timestamp, now)
             : timeline_.Add(rtp->ssrc, rtp->seq, rtp->timestamp, now);
  if (!place.accepted()) return refuse(stats.dropped);

  PacketInfo& info = draft->info;
  Describe(*rtp, info);
  info.arrival = now;
  info.extended_seq = place.extended_seq;
  info.timestamp = place.timestamp;
  info.discontinuity = place.restarted && stats.packets.value() > 0;
  if (info_->inspector != nullptr) {
    const Inspection seen = info_->inspector->inspect(rtp->payload);
    info.frame_start = seen.frame_start;
    info.spatial_layer = seen.spatial_layer;
    info.temporal_layer = seen.temporal_layer;
    info.layer_sync = seen.layer_sync;
    info.keyframe = seen.keyframe;
    // H.264 and others may say so in several packets of one keyframe.
    if (seen.keyframe && keyframe_timestamp_ != place.timestamp) {
      stats.keyframes.Add();
      keyframe_gate_.OnKeyframe();
      keyframe_timestamp_ = place.timestamp;
    }
  }

  if (place.outcome == SourceTimeline::Outcome::kNext &&
      frame_timestamp_ != place.timestamp) {
    stats.frames.Add();
    frame_timestamp_ = place.timestamp;
  }
  stats.packets.Add();
  stats.bytes.Add(draft->size());
  stats.lost.Add(place.lost);
  stats.ssrc.Set(rtp->ssrc);
  stats.last_arrival_ns.Set(
      static_cast<std::uint64_t>(now.time_since_epoch().count()));
  last_arrival_ = now;
  if (!receiving_) SetReceiving(true);
  const bool restarted = info.discontinuity;
  const bool keyframe = info.keyframe;
  burst_.push_back(std::move(draft).Seal());
  if (restarted) {
    stats.restarts.Add();
    if (!keyframe) RequestKeyframe(now);
  }
  return {.accepted = true, .restarted = place.restarted, .keyframe = keyframe};
}

void Source::FinishBurst() {
  if (burst_.empty()) return;
  host_.DeliverBurst(*this, burst_);
  burst_.clear();
}

void Source::OnSenderReport(const SenderReport& report, NtpTime arrival) {
  const auto timestamp =
      timeline_.MapTimestamp(report.sender_ssrc, report.info.rtp_timestamp);
  if (timestamp)
    host_.DeliverSenderClock(*this, {report.info.ntp, arrival, *timestamp});
}

void Source::RequestKeyframe(Timestamp now) {
  if (info_->inspector == nullptr) return;
  if (!keyframe_gate_.Request(now)) return;
  info_->stats.keyframe_requests.Add();
  host_.SendKeyframeRequest(*this);
}

void Source::OnDue(Timestamp now) {
  const auto due = NextDue();
  if (due && *due <= now) RequestKeyframe(now);
}

void Source::OnSecond(Timestamp now) {
  const std::uint64_t bytes = info_->stats.bytes.value();
  const auto elapsed_us = static_cast<std::uint64_t>(
      std::max<std::int64_t>(ToMicros(now - last_second_), 1));
  info_->stats.bitrate.Set((bytes - bytes_at_last_second_) * 8'000'000 /
                           elapsed_us);
  bytes_at_last_second_ = bytes;
  last_second_ = now;

  const Duration patience = info_->config.no_media_time;
  if (receiving_ && patience > Duration::zero() &&
      now - last_arrival_ >= patience)
    SetReceiving(false);
}

void Source::NoteSize(std::size_t size) {
  if (size > info_->stats.largest_packet.value())
    info_->stats.largest_packet.Set(size);
  if (size <= kLargestForPath || oversize_reported_) return;
  oversize_reported_ = true;
  Event event;
  event.type = EventType::kSourceOversize;
  event.object = info_->config.id;
  event.a = static_cast<std::int64_t>(size);
  event.b = kLargestForPath;
  events_.Post(std::move(event));
}

void Source::SetReceiving(bool receiving) {
  receiving_ = receiving;
  events_.PostState(EventType::kSourceReceiving, info_->config.id,
                    info_->receiving, receiving ? 1 : 0);
}

}  // namespace hg
