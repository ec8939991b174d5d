#include "peer/peer.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "base/check.h"
#include "ice/nice_agent.h"
#include "peer/demux.h"
#include "peer/rtcp_limits.h"
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

Peer::Peer(const PeerConfig& config, std::shared_ptr<const DtlsContext> dtls,
           std::shared_ptr<PeerStats> stats, PeerHost& host)
    : host_(host),
      ice_(MakeNiceIceTransport(config.ice, *this)),
      stats_(std::move(stats)),
      config_(config),
      dtls_context_(std::move(dtls)) {
  queue_.reserve(kMaxQueued);
}

Peer::~Peer() = default;

void Peer::Start() {
  if (!ice_->Gather()) return;  // OnIceGatheringFailed has closed us
  host_.WatchFds(ice_->fds());
  IterateIce();
}

void Peer::SetRemote(PeerRemote remote) {
  if (closed_) return;
  if (remote_) {
    ice_->SetRemote(remote.ice);
    return SetTimer();
  }
  remote_ = std::move(remote);
  setup_deadline_ = now() + config_.setup_timeout;
  ice_->SetRemote(remote_->ice);
  DtlsSession::Observer& observer = *this;
  dtls_ = std::make_unique<DtlsSession>(*dtls_context_, remote_->dtls_role,
                                        remote_->fingerprints, observer,
                                        remote_->needs_srtp);
  stats_->dtls_state.Set(static_cast<std::uint64_t>(dtls_->state()));
  if (ice_connected_) StartDtls();
  SetTimer();
}

void Peer::RestartIce() {
  if (closed_) return;
  ice_->Restart();
  host_.WatchFds(ice_->fds());
  IterateIce();
}

void Peer::AddRemoteCandidate(const std::string& candidate) {
  if (closed_) return;
  ice_->AddRemoteCandidate(candidate);
  SetTimer();
}

void Peer::SetRemoteGatheringDone() {
  if (closed_) return;
  ice_->SetRemoteGatheringDone();
  SetTimer();
}

void Peer::AddTrack(const EgressTrackConfig& config,
                    std::shared_ptr<EgressStats> stats) {
  if (closed_) return;
  EgressTrack::Owner& owner = *this;
  tracks_.push_back(std::make_unique<EgressTrack>(config, config_.max_nack_age,
                                                  std::move(stats), owner));
}

void Peer::SetTrack(std::size_t index, const EgressTrackConfig& config,
                    std::shared_ptr<EgressStats> stats) {
  EgressTrack* known = closed_ ? nullptr : track(index);
  if (known == nullptr) return;
  if (known->config().ssrc == config.ssrc)
    return known->Reconfigure(config, config_.max_nack_age);
  Flush();  // the queue knows it
  EgressTrack::Owner& owner = *this;
  tracks_[index] = std::make_unique<EgressTrack>(config, config_.max_nack_age,
                                                 std::move(stats), owner);
  CheckLayers();
}

EgressTrack* Peer::track(std::size_t index) {
  return index < tracks_.size() ? tracks_[index].get() : nullptr;
}

void Peer::Link(std::size_t index,
                std::span<const std::shared_ptr<const SourceInfo>> encodings) {
  EgressTrack* egress = closed_ ? nullptr : track(index);
  if (egress == nullptr) return;
  egress->Link(encodings);
  CheckLayers();
}

void Peer::SetLayers(std::size_t index, const LayerTarget& target) {
  EgressTrack* egress = closed_ ? nullptr : track(index);
  if (egress == nullptr) return;
  egress->SetLayers(target);
  CheckLayers();
}

void Peer::CheckLayers() {
  next_layer_check_.reset();
  for (const auto& track : tracks_) {
    if (track->layers() == nullptr) continue;
    track->layers()->Check();
    next_layer_check_ = now() + EgressLayers::kInterval;
  }
  SetTimer();
}

void Peer::OnLayers(EgressTrack& track) {
  const auto found = std::ranges::find_if(
      tracks_, [&](const auto& one) { return one.get() == &track; });
  const LayerSelector& selector = track.layers()->selector();
  Event event;
  event.type = EventType::kPeerLayers;
  event.object = config_.id;
  event.a = found - tracks_.begin();
  event.b =
      static_cast<std::int64_t>(selector.current().value_or(0) << 16 |
                                selector.spatial() << 8 | selector.temporal());
  host_.events().Post(std::move(event));
}

Ingress& Peer::ingress() {
  if (!ingress_) {
    Ingress::Owner& owner = *this;
    ingress_ = std::make_unique<Ingress>(host_, owner);
  }
  return *ingress_;
}

void Peer::SetIngress(const IngressConfig& config) {
  if (!closed_) ingress().Configure(config);
}

void Peer::SetMaxBitrate(std::uint64_t bitrate_bps) {
  if (!closed_) ingress().SetMaxBitrate(bitrate_bps);
}

void Peer::Close(PeerCloseReason reason, std::string detail) {
  if (closed_) return;
  closed_ = true;
  queue_.clear();
  for (const auto& track : tracks_) track->Link(nullptr);
  if (ingress_) ingress_->Close();
  data_.reset();
  if (dtls_) dtls_->Close();
  Event event;
  event.type = EventType::kPeerClosed;
  event.object = config_.id;
  event.a = static_cast<std::int64_t>(reason);
  event.text = std::move(detail);
  host_.events().Post(std::move(event));
  host_.Remove();
}

// ---- what arrives -----------------------------------------------------------

void Peer::OnDatagram(int fd, const SocketAddress& from,
                      MutableBytes datagram) {
  if (closed_) return;
  // libnice drops strangers by itself; what we read directly, we must check.
  if (!ice_->IsValidatedRemote(fd, from))
    return stats_->foreign_datagrams.Add();
  Demultiplex(datagram);
}

void Peer::OnIceDatagram(Bytes datagram) {
  if (closed_) return;
  const MutableBytes copy = host_.incoming();
  if (datagram.size() > copy.size()) return stats_->unexpected.Add();
  std::ranges::copy(datagram, copy.begin());
  Demultiplex(copy.first(datagram.size()));
  FinishBurst();
}

void Peer::FinishBurst() {
  if (ingress_ && !closed_) ingress_->FinishBurst();
}

void Peer::Demultiplex(MutableBytes datagram) {
  stats_->packets_received.Add();
  stats_->bytes_received.Add(datagram.size());
  switch (Demux(datagram)) {
    case DatagramKind::kDtls:
      return OnDtlsDatagram(datagram);
    case DatagramKind::kRtcp:
      return OnRtcp(datagram);
    case DatagramKind::kRtp:
      return OnRtp(datagram);
    case DatagramKind::kOther:
      return stats_->unexpected.Add();
  }
}

void Peer::OnDtlsDatagram(Bytes datagram) {
  if (dtls_ && dtls_->state() == DtlsState::kConnected) {
    dtls_->OnDatagram(datagram);
    SetTimer();
    return;
  }
  if (waiting_handshake_.size() >= kMaxWaitingHandshake)
    return stats_->unexpected.Add();
  waiting_handshake_.emplace_back(datagram.begin(), datagram.end());
  if (dtls_ && ice_connected_) host_.WantHandshakeStep();
}

void Peer::HandshakeStep() {
  if (closed_ || !dtls_ || waiting_handshake_.empty()) return;
  const auto datagram = std::move(waiting_handshake_.front());
  waiting_handshake_.pop_front();
  dtls_->OnDatagram(datagram);
  if (closed_) return;
  stats_->dtls_state.Set(static_cast<std::uint64_t>(dtls_->state()));
  stats_->dtls_retransmissions.Set(dtls_->retransmissions());
  if (!waiting_handshake_.empty()) host_.WantHandshakeStep();
  SetTimer();
}

void Peer::OnRtp(MutableBytes datagram) {
  if (!srtp_ || !ingress_) return stats_->unexpected.Add();
  const auto plain = srtp_->UnprotectRtp(datagram);
  if (plain.outcome != SrtpSession::Outcome::kOk)
    return stats_->srtp_failures.Add();
  if (!ingress_->OnPacket(datagram.first(plain.size))) stats_->unexpected.Add();
}

void Peer::OnRtcp(MutableBytes datagram) {
  if (!srtp_) return stats_->unexpected.Add();
  const auto plain = srtp_->UnprotectRtcp(datagram);
  if (plain.outcome != SrtpSession::Outcome::kOk)
    return stats_->srtp_failures.Add();
  DispatchRtcp(datagram.first(plain.size), *this);
  if (!std::exchange(resend_batch_open_, false)) return;
  NoteSent(host_.batch().End(), std::exchange(resend_bytes_, 0));
}

// ---- feedback ---------------------------------------------------------------

void Peer::OnSenderReport(const SenderReport& report) {
  if (ingress_) ingress_->OnSenderReport(report);
}

EgressTrack* Peer::TrackOf(std::uint32_t ssrc) {
  for (const auto& track : tracks_) {
    if (track->config().ssrc == ssrc) return track.get();
  }
  return nullptr;
}

void Peer::OnReportBlock(std::uint32_t, const ReportBlock& block) {
  if (EgressTrack* track = TrackOf(block.ssrc))
    track->OnReportBlock(block, now(), ToNtp(WallNow()));
}

void Peer::OnNack(const Nack& nack) {
  if (EgressTrack* track = TrackOf(nack.media_ssrc)) track->OnNack(nack);
}

void Peer::OnPli(const Pli& pli) {
  if (EgressTrack* track = TrackOf(pli.media_ssrc)) track->OnKeyframeRequest();
}

void Peer::OnFir(std::uint32_t sender_ssrc, const FirEntry& entry) {
  if (EgressTrack* track = TrackOf(entry.ssrc))
    track->OnFir(sender_ssrc, entry);
}

void Peer::OnRemb(const Remb& remb) {
  stats_->remb.Set(remb.bitrate_bps);
  for (const auto& track : tracks_) track->set_remb(remb.bitrate_bps);
}

void Peer::OnTransportCc(const TransportCc& feedback) {
  stats_->transport_cc_reports.Add();
  stats_->transport_cc_lost.Add(feedback.lost);
}

MutableBytes Peer::BeginResend() {
  if (ice_->selected().fd < 0) {
    resend_buffer_ = host_.scratch();
  } else {
    if (!std::exchange(resend_batch_open_, true))
      host_.batch().Begin(ice_->selected().fd, ice_->selected().remote);
    resend_buffer_ = host_.batch().Reserve();
  }
  return resend_buffer_.first(resend_buffer_.size() -
                              SrtpSession::kMaxOverhead);
}

void Peer::EndResend(std::size_t size) {
  const auto protected_size =
      size == 0 ? std::nullopt : srtp_->ProtectRtp(resend_buffer_, size);
  if (!protected_size) return stats_->send_dropped.Add();
  if (!resend_batch_open_)
    return SendNow(Bytes(resend_buffer_).first(*protected_size));
  host_.batch().Commit(*protected_size);
  resend_bytes_ += *protected_size;
}

MutableBytes Peer::BeginRtcp() { return host_.scratch(); }

void Peer::EndRtcp(std::size_t size) {
  if (!CanSend()) return;
  const MutableBytes buffer = host_.scratch();
  const auto protected_size = srtp_->ProtectRtcp(buffer, size);
  if (protected_size) SendNow(Bytes(buffer).first(*protected_size));
}

std::optional<Duration> Peer::RoundTrip() const {
  std::optional<Duration> shortest = ice_->round_trip();
  for (const auto& track : tracks_) {
    const auto one = track->round_trip();
    if (one && (!shortest || *one < *shortest)) shortest = one;
  }
  return shortest;
}

// ---- what leaves ------------------------------------------------------------

bool Peer::CanSend() const {
  return !closed_ && srtp_.has_value() && ice_connected_;
}

void Peer::Enqueue(EgressTrack& track, const PacketRef& packet,
                   const Continuity::Out& out) {
  if (queue_.size() == kMaxQueued) Flush();
  queue_.push_back({&track, packet, out});
  host_.FlushAtEndOfTurn();
}

void Peer::PrefetchFlush(unsigned step) const {
  switch (step) {
    case 0:
      return PrefetchUpTo(this, &config_);
    case 1:
      hg::Prefetch(stats_.get());
      PrefetchBytes(ice_.get(), kCacheLine);
      PrefetchBytes(queue_.data(), queue_.size() * sizeof(Queued));
      if (srtp_) srtp_->Prefetch(0);
      return;
    default:
      hg::Prefetch(&ice_->selected());
      if (srtp_) srtp_->Prefetch(1);
      for (const Queued& queued : queue_) queued.track->PrefetchWrite();
      return;
  }
}

void Peer::Flush() {
  if (queue_.empty()) return;
  if (CanSend()) {
    if (ice_->selected().fd >= 0) {
      SendQueuedDirectly();
    } else {
      SendQueuedThroughIce();
    }
  }
  queue_.clear();
}

std::size_t Peer::WriteQueued(const Queued& queued, MutableBytes buffer) {
  return queued.track->Write(
      *queued.packet, queued.out, now(),
      buffer.first(buffer.size() - SrtpSession::kMaxOverhead));
}

void Peer::SendQueuedDirectly() {
  DatagramBatch& batch = host_.batch();
  batch.Begin(ice_->selected().fd, ice_->selected().remote);
  std::size_t bytes = 0;
  for (const Queued& queued : queue_) {
    const MutableBytes buffer = batch.Reserve();
    const std::size_t plain = WriteQueued(queued, buffer);
    const auto size =
        plain == 0 ? std::nullopt : srtp_->ProtectRtp(buffer, plain);
    if (!size) {
      stats_->send_dropped.Add();
      continue;
    }
    batch.Commit(*size);
    bytes += *size;
  }
  const bool reports_due = next_report_ && now() >= *next_report_;
  if (reports_due) bytes += AppendReports(batch);
  NoteSent(batch.End(), bytes);
  if (reports_due) OnReported();
}

// A relayed or TCP pair: one by one, by libnice.
void Peer::SendQueuedThroughIce() {
  for (const Queued& queued : queue_) {
    const MutableBytes buffer = host_.scratch();
    const std::size_t plain = WriteQueued(queued, buffer);
    const auto size =
        plain == 0 ? std::nullopt : srtp_->ProtectRtp(buffer, plain);
    if (size) {
      SendNow(Bytes(buffer).first(*size));
    } else {
      stats_->send_dropped.Add();
    }
  }
}

void Peer::NoteSent(const DatagramBatch::Result& result, std::size_t bytes) {
  stats_->packets_sent.Add(result.sent);
  stats_->bytes_sent.Add(bytes);
  stats_->send_dropped.Add(result.dropped);
}

void Peer::SendNow(Bytes datagram) {
  const auto& selected = ice_->selected();
  DatagramBatch::Result result;
  if (selected.fd < 0) {
    (ice_->Send(datagram) ? result.sent : result.dropped) = 1;
  } else {
    host_.batch().Begin(selected.fd, selected.remote);
    const MutableBytes buffer = host_.batch().Reserve();
    if (datagram.size() <= buffer.size()) {
      std::ranges::copy(datagram, buffer.begin());
      host_.batch().Commit(datagram.size());
    }
    result = host_.batch().End();
  }
  NoteSent(result, datagram.size());
}

// Sender reports of all tracks that sent something since their last, in as many
// datagrams as it takes. Each is written to the buffer that `room()` gives,
// protected there and handed to `send(buffer, size)`.
template <typename Room, typename Send>
void Peer::WriteReports(Room room, Send send) {
  const NtpTime ntp_now = ToNtp(WallNow());
  SenderClockShift shift;
  for (const auto& track : tracks_) shift.Add(*track);
  for (std::size_t next = 0; next < tracks_.size();) {
    const MutableBytes buffer = room();
    RtcpWriter writer(buffer.first(kMaxCompoundBytes));
    for (; next < tracks_.size() && writer.room() >= kReportRoom; ++next) {
      EgressTrack& track = *tracks_[next];
      if (track.WriteSenderReport(writer, shift.value(), now(), ntp_now))
        WriteCname(writer, track.config().ssrc, kCname);
    }
    if (writer.size() == 0) continue;
    const auto size = srtp_->ProtectRtcp(buffer, writer.size());
    if (size) send(buffer, *size);
  }
}

// Behind the media of a batch; returns how many bytes.
std::size_t Peer::AppendReports(DatagramBatch& batch) {
  std::size_t bytes = 0;
  WriteReports([&] { return batch.Reserve(); },
               [&](MutableBytes, std::size_t size) {
                 batch.Commit(size);
                 bytes += size;
               });
  return bytes;
}

void Peer::SendReports() {
  WriteReports([&] { return host_.scratch(); },
               [&](MutableBytes buffer, std::size_t size) {
                 SendNow(Bytes(buffer).first(size));
               });
}

void Peer::OnReported() {
  next_report_ = now() + kReportInterval;
  ReportSlowLinks();
  SetTimer();
}

void Peer::ReportSlowLinks() {
  if (config_.slow_link_threshold == 0) return;
  const auto tell = [this](const std::string& mid, bool uplink,
                           std::uint64_t lost) {
    if (lost < config_.slow_link_threshold) return;
    Event event;
    event.type = EventType::kPeerSlowLink;
    event.object = config_.id;
    event.text = mid;
    event.a = uplink ? 1 : 0;
    event.b = static_cast<std::int64_t>(lost);
    host_.events().Post(std::move(event));
  };
  for (const auto& track : tracks_)
    tell(track->config().mid, true, track->TakeNewlyLost());
  for (std::size_t i = 0; ingress_ && i < ingress_->track_count(); ++i)
    tell(ingress_->mid(i), false, ingress_->TakeNewlyLost(i));
}

// ---- ICE --------------------------------------------------------------------

void Peer::IterateIce() {
  if (closed_) return;
  ice_->Iterate();
  if (!closed_) SetTimer();
}

void Peer::OnIceGathered(const std::vector<std::string>& candidates) {
  Event event;
  event.type = EventType::kPeerGathered;
  event.object = config_.id;
  event.text = ice_->local_ufrag();
  event.more = ice_->local_pwd();
  event.list = candidates;
  host_.events().Post(std::move(event));
}

void Peer::OnIceGatheringFailed(const std::string& why) {
  Close(PeerCloseReason::kGatheringError, why);
}

void Peer::OnIceState(IceState state) {
  if (closed_) return;
  stats_->ice_state.Set(static_cast<std::uint64_t>(state));
  host_.events().PostState(EventType::kPeerIce, config_.id, ice_event_,
                           static_cast<std::uint32_t>(state));
  const bool connected = state == IceState::kConnected;
  if (connected == ice_connected_) return;
  ice_connected_ = connected;
  if (connected) {
    was_connected_ = true;
    silent_deadline_.reset();
    if (srtp_) {
      for (const auto& track : tracks_) track->OnTransportUp();
    } else {
      StartDtls();
    }
  } else {
    silent_deadline_ = now() + config_.silent_timeout;
  }
}

void Peer::OnIceChanged() {
  if (closed_) return;
  host_.WatchFds(ice_->fds());
  const auto& selected = ice_->selected();
  stats_->pair.store(std::make_shared<const CandidatePairText>(
      CandidatePairText{selected.local_candidate, selected.remote_candidate}));
}

// ---- DTLS -------------------------------------------------------------------

void Peer::StartDtls() {
  if (!dtls_) return;
  if (dtls_->state() == DtlsState::kNew &&
      remote_->dtls_role == DtlsRole::kClient)
    dtls_->Start();
  if (!waiting_handshake_.empty()) host_.WantHandshakeStep();
}

void Peer::OnDtlsSend(Bytes datagram) {
  if (!data_batch_open_) return SendNow(datagram);
  const MutableBytes buffer = host_.batch().Reserve();
  if (datagram.size() > buffer.size()) return stats_->send_dropped.Add();
  std::ranges::copy(datagram, buffer.begin());
  host_.batch().Commit(datagram.size());
  data_bytes_ += datagram.size();
}

void Peer::OnDtlsConnected(const SrtpKeys& keys) {
  // Without a profile, which DTLS allows only if there is no media.
  if (!keys.local.empty()) {
    try {
      srtp_.emplace(keys);
    } catch (const std::runtime_error& error) {
      return Close(PeerCloseReason::kDtlsError, error.what());
    }
    next_report_ = now() + kReportInterval;
    stats_->srtp_profile.Set(static_cast<std::uint64_t>(keys.profile));
  }
  setup_deadline_.reset();
  stats_->dtls_state.Set(static_cast<std::uint64_t>(DtlsState::kConnected));
  Event event;
  event.type = EventType::kPeerConnected;
  event.object = config_.id;
  if (srtp_) event.text = SrtpProfileName(keys.profile);
  host_.events().Post(std::move(event));
  for (const auto& track : tracks_) track->OnTransportUp();
  StartData();
}

void Peer::OnDtlsApplicationData(Bytes data) {
  if (!data_) return stats_->unexpected.Add();
  data_->OnPacket(data);
}

void Peer::OnDtlsClosed(DtlsState state, std::string_view why) {
  stats_->dtls_state.Set(static_cast<std::uint64_t>(state));
  Close(state == DtlsState::kClosed ? PeerCloseReason::kDtlsAlert
                                    : PeerCloseReason::kDtlsError,
        std::string(why));
}

// ---- data channels ----------------------------------------------------------

void Peer::SetData(std::shared_ptr<DataPort> data) {
  if (closed_ || data_) return;
  data_ = std::move(data);
  StartData();
}

void Peer::StartData() {
  if (data_ && dtls_ && dtls_->state() == DtlsState::kConnected)
    data_->OnConnected(remote_->dtls_role == DtlsRole::kClient,
                       dtls_->max_application_data());
}

void Peer::SendData(std::span<const std::vector<std::uint8_t>> packets) {
  // Without consent nothing may be sent (RFC 7675 s5.1); SCTP sends it again.
  if (closed_ || !dtls_ || !ice_connected_) return;
  data_batch_open_ = ice_->selected().fd >= 0;
  if (data_batch_open_)
    host_.batch().Begin(ice_->selected().fd, ice_->selected().remote);
  for (const auto& packet : packets) {
    if (!dtls_->SendApplicationData(packet)) stats_->send_dropped.Add();
  }
  if (std::exchange(data_batch_open_, false))
    NoteSent(host_.batch().End(), std::exchange(data_bytes_, 0));
}

// ---- time -------------------------------------------------------------------

void Peer::OnTimer(Timestamp now) {
  timer_.reset();
  if (closed_) return;
  if (silent_deadline_ && now >= *silent_deadline_)
    return Close(PeerCloseReason::kIceFailed,
                 "the peer fell silent and did not come back");
  if (setup_deadline_ && now >= *setup_deadline_) {
    return was_connected_ ? Close(PeerCloseReason::kDtlsTimeout,
                                  "the DTLS handshake did not finish in time")
                          : Close(PeerCloseReason::kIceFailed,
                                  "no candidate pair worked in time");
  }
  if (dtls_) {
    const auto due = dtls_->NextTimeout(now);
    if (due && *due <= now) {
      dtls_->HandleTimeout();
      if (closed_) return;
      stats_->dtls_retransmissions.Set(dtls_->retransmissions());
    }
  }
  if (next_report_ && now >= *next_report_ + kReportPatience) {
    if (CanSend()) SendReports();
    OnReported();
  }
  if (next_layer_check_ && now >= *next_layer_check_) CheckLayers();
  if (ingress_) {
    const auto due = ingress_->NextDue();
    if (due && *due <= now) ingress_->OnDue();
  }
  const auto ice_due = ice_->NextTimeout(now);
  if (ice_due && *ice_due <= now) ice_->Iterate();
  if (!closed_) SetTimer();
}

void Peer::SetTimer() {
  std::optional<Timestamp> due = ice_->NextTimeout(now());
  if (dtls_) Earliest(due, dtls_->NextTimeout(now()));
  Earliest(due, setup_deadline_);
  Earliest(due, silent_deadline_);
  if (next_report_) Earliest(due, *next_report_ + kReportPatience);
  if (ingress_) Earliest(due, ingress_->NextDue());
  Earliest(due, next_layer_check_);
  if (!due) return;
  timer_ = due;
  host_.SetTimer(*due);
}

void Peer::OnIngressDue(Timestamp due) {
  if (timer_ && *timer_ <= due) return;
  timer_ = due;
  host_.SetTimer(due);
}

}  // namespace hg
