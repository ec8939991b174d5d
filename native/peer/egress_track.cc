#include "peer/egress_track.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <random>
#include <utility>

#include "base/check.h"
#include "base/prefetch.h"
#include "rtp/rtcp/report_stats.h"
#include "rtp/rtcp/sr.h"
#include "rtp/seq_num.h"

namespace hg {
namespace {

// A packet is resent at most once per round trip; until that is known, once
// per 40 ms, and never more often than every 10 ms.
constexpr Duration kUnknownRoundTrip = 40ms;
constexpr Duration kShortestResendInterval = 10ms;

// Between the clocks of one peer's senders, 32.32: 1 s. What the network does
// to their reports is less.
constexpr std::int64_t kMaxClockDisagreement = std::int64_t{1} << 32;

// What a viewer is sent waits for a keyframe this long: streams that never send
// one we recognise (intra refresh) play all the same.
constexpr Duration kKeyframePatience = 5s;

// 2 s of 2.5 Mbit/s video; a viewer asks for nothing older.
constexpr std::size_t kVideoSentPackets = 512;
// 2.5 s of 20 ms frames.
constexpr std::size_t kAudioSentPackets = 128;

std::uint32_t Random32() {
  thread_local std::random_device device;
  return device();
}

HeaderRewrite::Config RewriteConfig(const EgressTrackConfig& config) {
  HeaderRewrite::Config rewrite;
  rewrite.ssrc = config.ssrc;
  rewrite.payload_type = config.payload_type;
  rewrite.red_payload_type = config.red_payload_type;
  if (config.rtx_ssrc != 0)
    rewrite.rtx = HeaderRewrite::Rtx{config.rtx_ssrc, config.rtx_payload_type};
  rewrite.ids = config.extensions;
  rewrite.mid = config.mid;
  return rewrite;
}

std::optional<SentMap> MakeSentMap(const EgressTrackConfig& config,
                                   Duration max_age) {
  if (!config.nack || max_age <= Duration::zero()) return std::nullopt;
  return SentMap(
      {.packets = config.video ? kVideoSentPackets : kAudioSentPackets,
       .max_age = std::min<Duration>(max_age, SentMap::kLongestAge)});
}

}  // namespace

EgressTrack::EgressTrack(const EgressTrackConfig& config, Duration max_nack_age,
                         std::shared_ptr<EgressStats> stats, Owner& owner)
    : owner_(owner),
      // The upper half is left out so that the first lap is a long one.
      continuity_(
          config.clock_rate,
          {static_cast<std::uint16_t>(Random32() & 0x7fff), Random32()}),
      sent_(MakeSentMap(config, max_nack_age)),
      budget_({}, owner.now()),
      rewrite_(RewriteConfig(config)),
      stats_(std::move(stats)),
      config_(config),
      rtx_seq_(static_cast<std::uint16_t>(Random32() & 0x7fff)),
      last_second_(owner.now()) {}

EgressTrack::~EgressTrack() {
  if (layers_) {
    layers_.reset();
  } else if (replica_ != nullptr) {
    replica_->RemoveSink(*this);
  }
}

void EgressTrack::Reconfigure(const EgressTrackConfig& config,
                              Duration max_nack_age) {
  HG_CHECK(config.ssrc == config_.ssrc &&
           config.clock_rate == config_.clock_rate);
  // What waits was numbered for the old one; and a resend written by another
  // would not be the packet it repeats.
  owner_.FlushQueue();
  config_ = config;
  rewrite_ = HeaderRewrite(RewriteConfig(config));
  sent_.reset();
  if (auto sent = MakeSentMap(config, max_nack_age)) sent_.emplace(*sent);
}

void EgressTrack::OnSecond(Duration max_nack_age, Timestamp now) {
  if (!sent_ || max_nack_age <= Duration::zero()) {
    sent_.reset();
    if (auto sent = MakeSentMap(config_, max_nack_age)) sent_.emplace(*sent);
  } else {
    sent_->SetMaxAge(std::min<Duration>(max_nack_age, SentMap::kLongestAge));
  }
  const std::uint64_t bytes = stats_->bytes.value();
  const auto elapsed_us = static_cast<std::uint64_t>(
      std::max<std::int64_t>(ToMicros(now - last_second_), 1));
  stats_->bytes_last_second.Set((bytes - bytes_at_last_second_) * 1'000'000 /
                                elapsed_us);
  bytes_at_last_second_ = bytes;
  last_second_ = now;
}

void EgressTrack::Unlink() {
  // What waits to be written belongs to the source before: remembered later,
  // its numbers would be taken for packets of the new one.
  owner_.FlushQueue();
  if (layers_) {
    layers_.reset();
  } else if (replica_ != nullptr) {
    replica_->RemoveSink(*this);
  }
  replica_ = nullptr;
  continuity_.Switch();
  frames_switched_ = true;
  if (vp8_) vp8_->Switch();
  // The numbers of the source before mean other packets of the new one.
  if (sent_) sent_->Clear();
  waiting_since_.reset();
}

void EgressTrack::Link(Replica* replica) {
  if (replica_ == replica && !layers_) return;
  Unlink();
  replica_ = replica;
  if (replica_ == nullptr) return;
  WaitForKeyframe();
  replica_->AddSink(*this);
}

void EgressTrack::Link(
    std::span<const std::shared_ptr<const SourceInfo>> encodings) {
  if (encodings.empty()) return Link(nullptr);
  const bool has_layers = config_.video && encodings[0]->inspector != nullptr;
  if (encodings.size() == 1 && (!has_layers || !layer_target_))
    return Link(&owner_.Obtain(encodings[0]));
  Unlink();
  if (encodings[0]->config.codec == "vp8" && !vp8_)
    vp8_ = std::make_unique<Vp8Rewrite>();
  told_.reset();
  EgressLayers::Owner& owner = *this;
  layers_ = std::make_unique<EgressLayers>(
      encodings.first(std::min(encodings.size(), LayerSelector::kMaxEncodings)),
      layer_target_.value_or(LayerTarget{}), owner);
  // Packets that are kept for newcomers come at once.
  layers_->Check();
}

void EgressTrack::SetLayers(const LayerTarget& target) {
  layer_target_ = target;
  if (layers_) return layers_->SetTarget(target);
  if (replica_ == nullptr) return;
  // From now on there is something to choose.
  const std::shared_ptr<const SourceInfo> only[] = {replica_->shared_info()};
  Link(only);
}

void EgressTrack::OnEncoding(Replica& replica) {
  owner_.FlushQueue();
  replica_ = &replica;
  continuity_.Switch();
  frames_switched_ = true;
  if (vp8_) vp8_->Switch();
  if (sent_) sent_->Clear();
  waiting_since_.reset();
  told_.reset();
}

void EgressTrack::OnLayerPacket(const PacketRef& packet,
                                LayerSelector::Verdict verdict) {
  if (!verdict.passes) {
    continuity_.Skip(packet->info.extended_seq);
    if (vp8_) vp8_->Skip(packet->payload());
    return;
  }
  Forward(packet, verdict.marker);
  // In the middle of a picture not all of its layers are there yet.
  const LayerSelector& selector = layers_->selector();
  const Told now{selector.spatial(), selector.temporal()};
  if (!verdict.marker || told_ == now) return;
  told_ = now;
  owner_.OnLayers(*this);
}

void EgressTrack::SetPaused(bool paused) {
  if (std::exchange(paused_, paused) == paused || paused) return;
  OnTransportUp();
}

void EgressTrack::OnTransportUp() {
  if (layers_) {
    continuity_.Resume();
    if (replica_ != nullptr) WaitForKeyframe();
    return layers_->Resubscribe();
  }
  if (replica_ == nullptr) return;
  continuity_.Resume();
  WaitForKeyframe();
  // As a newcomer: the kept group, or a request.
  replica_->RemoveSink(*this);
  replica_->AddSink(*this);
}

void EgressTrack::WaitForKeyframe() {
  if (replica_->info().inspector == nullptr) return;
  waiting_since_ = owner_.now();
  retry_.OnAsked(*waiting_since_);
}

bool EgressTrack::MayPass(const PacketBuffer& packet) {
  if (packet.info.discontinuity && replica_->info().inspector != nullptr &&
      !waiting_since_) {
    continuity_.Resume();
    // The source has asked for a keyframe itself.
    WaitForKeyframe();
  }
  if (!waiting_since_) return true;
  const Timestamp now = owner_.now();
  if (!packet.info.keyframe && now - *waiting_since_ < kKeyframePatience) {
    if (retry_.IsDue(now)) replica_->RequestKeyframe();
    return false;
  }
  waiting_since_.reset();
  return true;
}

void EgressTrack::Prefetch() const {
  PrefetchUpTo(this, &config_);
  owner_.Prefetch();
}

void EgressTrack::OnPackets(std::span<const PacketRef> packets) {
  if (paused_ || !owner_.CanSend()) return;
  for (const PacketRef& packet : packets) {
    if (MayPass(*packet)) Forward(packet, packet->info.marker);
  }
}

void EgressTrack::Forward(const PacketRef& packet, bool marker) {
  const auto out = continuity_.Forward(
      packet->info.extended_seq, packet->info.timestamp, packet->info.arrival);
  if (!out) return;
  if (vp8_) vp8_->Forward(packet->payload(), out->seq);
  if (layers_) markers_[out->seq % kMarkers] = marker;
  if ((packet->info.passed & PacketInfo::kDependencyDescriptor) != 0)
    FollowFrameNumber(packet->info.frame_number);
  owner_.Enqueue(*this, packet, *out);
}

void EgressTrack::FollowFrameNumber(std::uint16_t frame_number) {
  if (std::exchange(frames_switched_, false) && newest_frame_)
    frame_offset_ =
        static_cast<std::uint16_t>(*newest_frame_ + 1 - frame_number);
  const auto out = static_cast<std::uint16_t>(frame_number + frame_offset_);
  if (!newest_frame_ || SeqNewer(out, *newest_frame_)) newest_frame_ = out;
}

HeaderRewrite::Stamp EgressTrack::StampFor(const Continuity::Out& out) const {
  HeaderRewrite::Stamp stamp{out.seq, out.timestamp};
  stamp.frame_offset = frame_offset_;
  stamp.marker = layers_ && markers_[out.seq % kMarkers];
  return stamp;
}

void EgressTrack::PrefetchWrite() const {
  hg::Prefetch(stats_.get());
  if (sent_) sent_->Prefetch(continuity_.next_seq());
}

std::size_t EgressTrack::Write(const PacketBuffer& packet,
                               const Continuity::Out& out, Timestamp now,
                               MutableBytes to) {
  HeaderRewrite::Stamp stamp = StampFor(out);
  stamp.abs_send_time = sent_
                            ? sent_->Remember(out.seq, packet.info.seq32(), now)
                            : AbsSendTime(now);
  const std::size_t size = rewrite_.Write(packet, stamp, to);
  if (size == 0) return 0;
  const std::size_t payload_size = rewrite_.PayloadOf(packet).size();
  if (vp8_) vp8_->Apply(out.seq, to.first(size).last(payload_size));
  budget_.OnSent(size);
  payload_octets_ += static_cast<std::uint32_t>(payload_size);
  stats_->packets.Add();
  stats_->bytes.Add(size);
  return size;
}

std::optional<Duration> EgressTrack::round_trip() const {
  const auto known =
      std::span(round_trips_)
          .first(std::min(round_trip_count_, round_trips_.size()));
  if (known.empty()) return std::nullopt;
  return std::ranges::min(known);
}

Duration EgressTrack::ResendInterval() const {
  return std::max<Duration>(round_trip().value_or(kUnknownRoundTrip),
                            kShortestResendInterval);
}

void EgressTrack::OnNack(const Nack& nack) {
  stats_->nacks.Add();
  if (!sent_ || replica_ == nullptr || !owner_.CanSend()) return;
  const Timestamp now = owner_.now();
  nack.ForEach([&](std::uint16_t seq) { Resend(seq, now); });
}

void EgressTrack::Resend(std::uint16_t seq, Timestamp now) {
  const auto answer = sent_->Request(seq, now, ResendInterval());
  const PacketBuffer* packet = answer.outcome == SentMap::Outcome::kFound
                                   ? replica_->Find(answer.source_seq, now)
                                   : nullptr;
  const auto offset = continuity_.timestamp_offset();
  if (packet == nullptr || !offset || !budget_.Take(packet->size(), now))
    return stats_->not_retransmitted.Add();

  MutableBytes to = owner_.BeginResend();
  HeaderRewrite::Stamp stamp =
      StampFor({seq, packet->info.timestamp + *offset});
  stamp.abs_send_time = answer.abs_send_time;
  stamp.transport_seq = answer.transport_seq;
  std::size_t size = 0;
  if (rewrite_.rtx()) {
    stamp.seq = rtx_seq_++;
    stamp.abs_send_time = AbsSendTime(now);
    size = rewrite_.WriteRtx(*packet, stamp, seq, to);
  } else {
    size = rewrite_.Write(*packet, stamp, to);
  }
  if (vp8_ && size > 0)
    vp8_->Apply(seq, to.first(size).last(rewrite_.PayloadOf(*packet).size()));
  owner_.EndResend(size);
  if (size > 0) stats_->retransmitted.Add();
}

void EgressTrack::OnKeyframeRequest() {
  stats_->plis.Add();
  RequestKeyframe();
}

void EgressTrack::RequestKeyframe() {
  if (layers_) return layers_->RequestKeyframe();
  if (replica_ != nullptr) replica_->RequestKeyframe();
}

void EgressTrack::OnFir(std::uint32_t sender_ssrc, const FirEntry& entry) {
  stats_->firs.Add();
  if (fir_filter_.IsNew(sender_ssrc, entry.command)) RequestKeyframe();
}

void EgressTrack::OnReportBlock(const ReportBlock& block, Timestamp,
                                NtpTime ntp_now) {
  const auto round_trip = RoundTrip(block, ntp_now);
  if (round_trip) {
    round_trips_[round_trip_count_++ % round_trips_.size()] = *round_trip;
    stats_->round_trip_us.Set(static_cast<std::uint64_t>(
        std::max<std::int64_t>(ToMicros(*round_trip), 1)));
  }
  stats_->remote_lost.Set(static_cast<std::uint64_t>(std::max(block.lost, 0)));
  stats_->remote_fraction_lost.Set(block.fraction_lost);
  stats_->remote_jitter.Set(block.jitter);
  if (block.lost > lost_seen_)
    newly_lost_ += static_cast<std::uint64_t>(block.lost - lost_seen_);
  lost_seen_ = block.lost;
}

const SenderClock* EgressTrack::sender_clock() const {
  if (replica_ == nullptr || !replica_->sender_clock()) return nullptr;
  return &*replica_->sender_clock();
}

bool EgressTrack::WriteSenderReport(
    RtcpWriter& writer, std::optional<std::int64_t> sender_clock_shift,
    Timestamp now, NtpTime ntp_now) {
  const auto packets = static_cast<std::uint32_t>(stats_->packets.value());
  const auto offset = continuity_.timestamp_offset();
  if (packets == packets_at_report_ || replica_ == nullptr || !offset)
    return false;

  SenderInfo info;
  info.packets = packets;
  info.octets = payload_octets_;
  info.ntp = ntp_now;
  if (const SenderClock* clock = sender_clock();
      clock != nullptr && sender_clock_shift) {
    // Carried on to now, so that LSR and DLSR still measure our round trip.
    const auto ahead = static_cast<std::int64_t>(ntp_now - clock->ntp) -
                       *sender_clock_shift;  // 32.32 s
    info.rtp_timestamp =
        clock->rtp_timestamp + *offset +
        static_cast<std::uint32_t>(((ahead >> 16) * config_.clock_rate) >> 16);
  } else if (replica_->newest()) {
    const auto& newest = *replica_->newest();
    info.rtp_timestamp =
        newest.timestamp + *offset +
        static_cast<std::uint32_t>(ToMicros(now - newest.arrival) *
                                   config_.clock_rate / 1'000'000);
  } else {
    return false;
  }
  if (!hg::WriteSenderReport(writer, config_.ssrc, info)) return false;
  packets_at_report_ = packets;
  return true;
}

std::uint64_t EgressTrack::TakeNewlyLost() {
  return std::exchange(newly_lost_, 0);
}

void SenderClockShift::Add(const EgressTrack& track) {
  if (track.replica() == nullptr) return;
  const SenderClock* clock = track.sender_clock();
  if (clock == nullptr) {
    usable_ = false;
    return;
  }
  const auto shift = static_cast<std::int64_t>(clock->arrival - clock->ntp);
  if (!first_) first_ = shift;
  if (std::abs(shift - *first_) > kMaxClockDisagreement) usable_ = false;
}

}  // namespace hg
