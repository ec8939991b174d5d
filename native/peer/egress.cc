#include "peer/egress.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/prefetch.h"
#include "peer/rtcp_limits.h"
#include "rtp/ntp.h"
#include "rtp/rtcp/compound.h"
#include "rtp/rtcp/sdes.h"

namespace hg {
namespace {

// Reports leave with the first media that is sent after they are due: no
// wake-up and no system call of their own. Without media this much later.
constexpr Duration kReportPatience = 200ms;

// For one track's part of a compound.
constexpr std::size_t kReportRoom = 64;

// The same for all tracks of a peer, so that receivers synchronise them
// (RFC 8834 s4.9).
constexpr std::string_view kCname = "headgate";

}  // namespace

Egress::Egress(const EgressConfig& config, PeerHost& host, PacketSender& sender,
               PeerStats& stats, Owner& owner)
    : host_(host),
      sender_(sender),
      config_(config),
      stats_(stats),
      owner_(owner) {
  queue_.reserve(kMaxQueued);
}

Egress::~Egress() = default;

// ---- tracks -----------------------------------------------------------------

std::unique_ptr<EgressTrack> Egress::MakeTrack(
    const EgressTrackConfig& config, std::shared_ptr<EgressStats> stats) {
  EgressTrack::Owner& owner = *this;
  return std::make_unique<EgressTrack>(config, config_.tuning->max_nack_age(),
                                       std::move(stats), owner);
}

void Egress::AddTrack(const EgressTrackConfig& config,
                      std::shared_ptr<EgressStats> stats) {
  tracks_.push_back(MakeTrack(config, std::move(stats)));
}

void Egress::SetTrack(std::size_t index, const EgressTrackConfig& config,
                      std::shared_ptr<EgressStats> stats) {
  EgressTrack* const known = TrackAt(index);
  if (known == nullptr) return;
  if (known->config().ssrc == config.ssrc)
    return known->Reconfigure(config, config_.tuning->max_nack_age());
  Flush();  // the queue knows it
  replaced_.Add(known->stats());
  tracks_[index] = MakeTrack(config, std::move(stats));
  CheckLayers();
}

EgressTotals Egress::totals() const {
  EgressTotals sum = replaced_;
  for (const auto& track : tracks_) sum.Add(track->stats());
  return sum;
}

EgressTrack* Egress::TrackAt(std::size_t index) {
  return index < tracks_.size() ? tracks_[index].get() : nullptr;
}

EgressTrack* Egress::TrackOf(std::uint32_t ssrc) {
  for (const auto& track : tracks_) {
    if (track->config().ssrc == ssrc) return track.get();
  }
  return nullptr;
}

void Egress::Link(
    std::size_t index,
    std::span<const std::shared_ptr<const SourceInfo>> encodings) {
  EgressTrack* const track = TrackAt(index);
  if (track == nullptr) return;
  track->Link(encodings);
  CheckLayers();
}

void Egress::SetLayers(std::size_t index, const LayerTarget& target) {
  EgressTrack* const track = TrackAt(index);
  if (track == nullptr) return;
  track->SetLayers(target);
  CheckLayers();
}

void Egress::SetPaused(std::size_t index, bool paused) {
  if (EgressTrack* const track = TrackAt(index)) track->SetPaused(paused);
}

void Egress::OnTransportUp() {
  for (const auto& track : tracks_) track->OnTransportUp();
}

void Egress::Close() {
  queue_.clear();
  for (const auto& track : tracks_) track->Link(nullptr);
  next_report_.reset();
  next_layer_check_.reset();
}

void Egress::CheckLayers() {
  next_layer_check_.reset();
  for (const auto& track : tracks_) {
    if (track->layers() == nullptr) continue;
    track->layers()->Check();
    next_layer_check_ = now() + EgressLayers::kInterval;
  }
}

void Egress::OnLayers(EgressTrack& track) {
  const auto found = std::ranges::find_if(
      tracks_, [&](const auto& one) { return one.get() == &track; });
  const LayerSelector& selector = track.layers()->selector();
  Event event;
  event.type = EventType::kPeerLayers;
  event.object = config_.peer;
  event.a = found - tracks_.begin();
  event.b =
      static_cast<std::int64_t>(selector.current().value_or(0) << 16 |
                                selector.spatial() << 8 | selector.temporal());
  host_.events().Post(std::move(event));
}

// ---- feedback ---------------------------------------------------------------

void Egress::OnRtcp(Bytes compound) {
  DispatchRtcp(compound, *this);
  sender_.End();
}

void Egress::OnSenderReport(const SenderReport& report) {
  owner_.OnSenderReport(report);
}

void Egress::OnReportBlock(std::uint32_t, const ReportBlock& block) {
  if (EgressTrack* const track = TrackOf(block.ssrc))
    track->OnReportBlock(block, now(), ToNtp(WallNow()));
}

void Egress::OnNack(const Nack& nack) {
  if (EgressTrack* const track = TrackOf(nack.media_ssrc)) track->OnNack(nack);
}

void Egress::OnPli(const Pli& pli) {
  if (EgressTrack* const track = TrackOf(pli.media_ssrc))
    track->OnKeyframeRequest();
}

void Egress::OnFir(std::uint32_t sender_ssrc, const FirEntry& entry) {
  if (EgressTrack* const track = TrackOf(entry.ssrc))
    track->OnFir(sender_ssrc, entry);
}

void Egress::OnRemb(const Remb& remb) {
  stats_.remb.Set(remb.bitrate_bps);
  for (const auto& track : tracks_) track->set_remb(remb.bitrate_bps);
}

void Egress::OnTransportCc(const TransportCc& feedback) {
  stats_.transport_cc_reports.Add();
  stats_.transport_cc_lost.Add(feedback.lost);
}

MutableBytes Egress::BeginResend() {
  if (!sender_.open()) sender_.Begin();
  return sender_.Reserve();
}

std::optional<Duration> Egress::round_trip() const {
  std::optional<Duration> shortest;
  for (const auto& track : tracks_) {
    const auto one = track->round_trip();
    if (one && (!shortest || *one < *shortest)) shortest = one;
  }
  return shortest;
}

std::uint64_t Egress::TakeNewlyLost(std::size_t index) {
  return tracks_[index]->TakeNewlyLost();
}

// ---- what leaves ------------------------------------------------------------

void Egress::Enqueue(EgressTrack& track, const PacketRef& packet,
                     const Continuity::Out& out) {
  if (queue_.size() == kMaxQueued) Flush();
  queue_.push_back({&track, packet, out});
  host_.FlushAtEndOfTurn();
}

void Egress::Prefetch() const {
  PrefetchUpTo(this, &config_);
  sender_.Prefetch(0);
}

void Egress::PrefetchFlush(unsigned step) const {
  if (step == 0) return Prefetch();
  sender_.Prefetch(step);
  if (step == 1) {
    PrefetchBytes(queue_.data(), queue_.size() * sizeof(Queued));
  } else {
    for (const Queued& queued : queue_) queued.track->PrefetchWrite();
  }
}

void Egress::Flush() {
  if (queue_.empty()) return;
  if (CanSend()) SendQueue();
  queue_.clear();
}

void Egress::SendQueue() {
  const Timestamp at = now();
  sender_.Begin();
  for (const Queued& queued : queue_) {
    const MutableBytes room = sender_.Reserve();
    sender_.CommitRtp(
        queued.track->Write(*queued.packet, queued.out, at, room));
  }
  const bool reports_due = next_report_ && at >= *next_report_;
  if (reports_due) WriteReports();
  sender_.End();
  if (reports_due) OnReported();
}

// ---- sender reports ---------------------------------------------------------

void Egress::StartReports() { next_report_ = now() + kReportInterval; }

// Of all tracks that sent something since their last, in as many datagrams as
// it takes.
void Egress::WriteReports() {
  const NtpTime ntp_now = ToNtp(WallNow());
  SenderClockShift shift;
  for (const auto& track : tracks_) shift.Add(*track);
  for (std::size_t next = 0; next < tracks_.size();) {
    RtcpWriter writer(sender_.Reserve().first(kMaxCompoundBytes));
    for (; next < tracks_.size() && writer.room() >= kReportRoom; ++next) {
      EgressTrack& track = *tracks_[next];
      if (track.WriteSenderReport(writer, shift.value(), now(), ntp_now))
        WriteCname(writer, track.config().ssrc, kCname);
    }
    if (writer.size() > 0) sender_.CommitRtcp(writer.size());
  }
}

void Egress::OnReported() {
  next_report_ = now() + kReportInterval;
  for (const auto& track : tracks_)
    track->OnSecond(config_.tuning->max_nack_age(), now());
  owner_.OnReportInterval();
}

// ---- time -------------------------------------------------------------------

std::optional<Timestamp> Egress::NextDue() const {
  std::optional<Timestamp> due = next_layer_check_;
  if (next_report_) Earliest(due, *next_report_ + kReportPatience);
  return due;
}

void Egress::OnDue() {
  if (next_report_ && now() >= *next_report_ + kReportPatience) {
    if (CanSend()) {
      sender_.Begin();
      WriteReports();
      sender_.End();
    }
    OnReported();
  }
  if (next_layer_check_ && now() >= *next_layer_check_) CheckLayers();
}

}  // namespace hg
