#include "route/source.h"

#include <algorithm>
#include <utility>

#include "rtp/packet.h"
#include "rtp/red.h"

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
  info.late = place.outcome == SourceTimeline::Outcome::kLate;
  info.discontinuity = place.restarted && stats.packets.value() > 0;
  if (!Inspect(*rtp, place, info)) return refuse(stats.invalid);

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

// False: it is not what its payload type says.
bool Source::Inspect(const RtpView& packet, const SourceTimeline::Result& place,
                     PacketInfo& info) {
  SourceStats& stats = info_->stats;
  if (packet.payload_type == red_payload_type_ && !packet.payload.empty()) {
    const auto primary = FindRedPrimary(packet.payload);
    if (!primary) return false;
    info.red_primary = static_cast<std::uint16_t>(*primary);
  }
  if (info_->inspector != nullptr) {
    const Inspection seen = info_->inspector->inspect(packet.payload);
    info.frame_start = seen.frame_start;
    info.frame_end = seen.frame_end;
    info.spatial_layer = seen.spatial_layer;
    info.temporal_layer = seen.temporal_layer;
    info.layer_sync = seen.layer_sync;
    info.temporal_switch = seen.temporal_switch;
    info.spatial_sync = seen.spatial_sync;
    info.not_for_upper = seen.not_for_upper;
    const bool begins = !LacksParameterSets(seen, place);
    info.keyframe = seen.keyframe && begins;
  }
  if (!extensions_.empty()) {
    if (place.restarted) extensions_.Restart();
    if (!extensions_.Read(packet, info)) stats.invalid_descriptors.Add();
    if (talk_ && (info.passed & PacketInfo::kAudioLevel) != 0 &&
        talk_->OnPacket(info.audio_level & 0x7f, info.arrival))
      TellTalking();
  }
  // H.264 and others may say so in several packets of one keyframe.
  if (info.keyframe && keyframe_timestamp_ != info.timestamp) {
    stats.keyframes.Add();
    keyframe_gate_.OnKeyframe();
    keyframe_timestamp_ = info.timestamp;
  }
  return true;
}

// A slice that could begin a keyframe, if this sender did not send parameter
// sets before. They are lost then: who began here could decode nothing, and
// nobody would ask for them again. Without a hole the sender left them out.
bool Source::LacksParameterSets(const Inspection& seen,
                                const SourceTimeline::Result& place) {
  if (place.lost > 0) hole_timestamp_ = place.timestamp;
  if (seen.parameter_sets) parameter_sets_timestamp_ = place.timestamp;
  return parameter_sets_timestamp_ &&
         parameter_sets_timestamp_ != place.timestamp &&
         hole_timestamp_ == place.timestamp;
}

void Source::SetFormat(const SourceFormat& format) {
  extensions_.SetIds(format.extensions);
  red_payload_type_ = format.red_payload_type;
}

void Source::DetectTalking(const std::optional<TalkDetector::Limits>& limits) {
  if (limits && talk_ && talk_->limits() == *limits) return;
  talk_.reset();
  info_->stats.audio_level.Set(0);
  if (limits) talk_.emplace(*limits);
}

void Source::TellTalking() {
  const auto tenths =
      static_cast<std::uint16_t>(talk_->average().value_or(127) * 10);
  events_.PostState(EventType::kSourceTalking, info_->config.id, info_->talking,
                    Talking{talk_->talking(), tenths}.Pack());
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

  if (talk_) {
    if (talk_->OnTime(now)) TellTalking();
    if (const auto average = talk_->average())
      info_->stats.audio_level.Set(1 +
                                   static_cast<std::uint64_t>(*average * 10));
  }

  const Duration patience = info_->config.tuning->no_media_time();
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
