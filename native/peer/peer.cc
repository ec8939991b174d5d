#include "peer/peer.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "base/prefetch.h"
#include "ice/gro_reader.h"
#include "ice/nice_agent.h"
#include "peer/demux.h"

namespace hg {

Peer::Peer(const PeerConfig& config, std::shared_ptr<const DtlsContext> dtls,
           std::shared_ptr<PeerStats> stats, PeerHost& host)
    : host_(host),
      ice_(MakeNiceIceTransport(config.ice, *this)),
      stats_(std::move(stats)),
      sender_(host_, *ice_, *stats_),
      egress_({.peer = config.id, .tuning = config.tuning}, host_, sender_,
              *stats_, *this),
      config_(config),
      dtls_context_(std::move(dtls)) {}

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
  setup_deadline_ = host_.now() + config_.setup_timeout;
  ice_->SetRemote(remote_->ice);
  DtlsSession::Observer& observer = *this;
  dtls_ = std::make_unique<DtlsSession>(*dtls_context_, remote_->dtls_role,
                                        remote_->fingerprints, observer,
                                        remote_->needs_srtp);
  stats_->dtls_state.Set(static_cast<std::uint64_t>(dtls_->state()));
  if (sender_.consent()) StartDtls();
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
  if (!closed_) egress_.AddTrack(config, std::move(stats));
}

void Peer::SetTrack(std::size_t index, const EgressTrackConfig& config,
                    std::shared_ptr<EgressStats> stats) {
  if (closed_) return;
  egress_.SetTrack(index, config, std::move(stats));
  SetTimer();
}

void Peer::Link(std::size_t track,
                std::span<const std::shared_ptr<const SourceInfo>> encodings) {
  if (closed_) return;
  egress_.Link(track, encodings);
  SetTimer();
}

void Peer::SetLayers(std::size_t track, const LayerTarget& target) {
  if (closed_) return;
  egress_.SetLayers(track, target);
  SetTimer();
}

void Peer::SetPaused(std::size_t track, bool paused) {
  if (!closed_) egress_.SetPaused(track, paused);
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

void Peer::SetCapture(std::shared_ptr<CaptureQueue> capture) {
  if (closed_) capture.reset();
  sender_.set_capture(capture.get());
  capture_ = std::move(capture);
}

void Peer::EndCapture(const CaptureQueue& capture) {
  if (capture_.get() == &capture) SetCapture(nullptr);
}

void Peer::Close(PeerCloseReason reason, std::string detail) {
  if (closed_) return;
  closed_ = true;
  sender_.set_consent(false);
  egress_.Close();
  if (ingress_) ingress_->Close();
  SetCapture(nullptr);
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

std::size_t Peer::OnDatagrams(int fd, const SocketAddress& from,
                              MutableBytes message, std::size_t segment_size) {
  // libnice drops strangers by itself; what we read directly, we must check.
  const bool foreign = !ice_->IsValidatedRemote(fd, from);
  return ForEachDatagram(message, segment_size, [&](MutableBytes datagram) {
    if (closed_) return;
    if (foreign)
      stats_->foreign_datagrams.Add();
    else
      Demultiplex(datagram);
  });
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
  if (dtls_ && sender_.consent()) host_.WantHandshakeStep();
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
  if (sender_.capture() != nullptr) [[unlikely]]
    CaptureIn(CaptureKind::kRtp, datagram.first(plain.size));
  if (!ingress_->OnPacket(datagram.first(plain.size))) stats_->unexpected.Add();
}

void Peer::OnRtcp(MutableBytes datagram) {
  if (!srtp_) return stats_->unexpected.Add();
  const auto plain = srtp_->UnprotectRtcp(datagram);
  if (plain.outcome != SrtpSession::Outcome::kOk)
    return stats_->srtp_failures.Add();
  if (sender_.capture() != nullptr) [[unlikely]]
    CaptureIn(CaptureKind::kRtcp, datagram.first(plain.size));
  egress_.OnRtcp(datagram.first(plain.size));
}

void Peer::CaptureIn(CaptureKind kind, Bytes plain) {
  sender_.capture()->Push(CaptureDirection::kIn, kind, plain, host_.now());
}

// ---- what the two halves ask for --------------------------------------------

void Peer::OnSenderReport(const SenderReport& report) {
  if (ingress_) ingress_->OnSenderReport(report);
}

void Peer::OnReportInterval() {
  if (const auto round_trip = RoundTrip())
    stats_->round_trip_us.Set(
        static_cast<std::uint64_t>(ToMicros(*round_trip)));
  ReportSlowLinks();
  SetTimer();
}

void Peer::ReportSlowLinks() {
  const std::uint64_t threshold = config_.tuning->slow_link_threshold();
  const auto tell = [&](const std::string& mid, bool uplink,
                        std::uint64_t lost) {
    if (threshold == 0 || lost < threshold) return;
    Event event;
    event.type = EventType::kPeerSlowLink;
    event.object = config_.id;
    event.text = mid;
    event.a = uplink ? 1 : 0;
    event.b = static_cast<std::int64_t>(lost);
    host_.events().Post(std::move(event));
  };
  for (std::size_t i = 0; i < egress_.track_count(); ++i)
    tell(egress_.mid(i), true, egress_.TakeNewlyLost(i));
  for (std::size_t i = 0; ingress_ && i < ingress_->track_count(); ++i)
    tell(ingress_->mid(i), false, ingress_->TakeNewlyLost(i));
}

MutableBytes Peer::BeginRtcp() { return host_.scratch(); }

void Peer::EndRtcp(std::size_t size) {
  if (sender_.CanSendMedia()) sender_.SendRtcp(host_.scratch(), size);
}

std::optional<Duration> Peer::RoundTrip() const {
  const auto of_ice = ice_->round_trip();
  const auto of_reports = egress_.round_trip();
  if (!of_ice || !of_reports) return of_ice ? of_ice : of_reports;
  return std::min(*of_ice, *of_reports);
}

void Peer::OnIngressDue(Timestamp due) {
  if (timer_ && *timer_ <= due) return;
  timer_ = due;
  host_.SetTimer(due);
}

// ---- what leaves ------------------------------------------------------------

void Peer::Flush() { egress_.Flush(); }

void Peer::PrefetchFlush(unsigned step) const {
  if (step == 0) Prefetch(&srtp_);
  egress_.PrefetchFlush(step);
}

// ---- ICE --------------------------------------------------------------------

void Peer::IterateIce() {
  if (closed_) return;
  ice_->Iterate();
  if (!closed_) SetTimer();
}

void Peer::OnIceGathered(const std::vector<std::string>& candidates) {
  NoteTime(stats_->gathered_us);
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
  if (connected == sender_.consent()) return;
  sender_.set_consent(connected);
  if (connected) {
    was_connected_ = true;
    NoteTime(stats_->ice_connected_us);
    silent_deadline_.reset();
    if (srtp_) {
      egress_.OnTransportUp();
    } else {
      StartDtls();
    }
  } else {
    silent_deadline_ = host_.now() + config_.silent_timeout;
  }
}

void Peer::OnIceChanged() {
  if (closed_) return;
  host_.WatchFds(ice_->fds());
  const auto& selected = ice_->selected();
  stats_->candidates.store(std::make_shared<const CandidateTexts>(
      CandidateTexts{selected.local_candidate, selected.remote_candidate,
                     ice_->remote_candidates()}));
}

// ---- DTLS -------------------------------------------------------------------

void Peer::NoteTime(Gauge& when_us) {
  if (when_us.value() != 0) return;
  when_us.Set(
      static_cast<std::uint64_t>(ToMicros(host_.now().time_since_epoch())));
}

void Peer::StartDtls() {
  if (!dtls_) return;
  NoteTime(stats_->dtls_started_us);
  if (dtls_->state() == DtlsState::kNew &&
      remote_->dtls_role == DtlsRole::kClient)
    dtls_->Start();
  if (!waiting_handshake_.empty()) host_.WantHandshakeStep();
}

void Peer::OnDtlsSend(Bytes datagram) { sender_.Send(datagram); }

void Peer::OnDtlsConnected(const SrtpKeys& keys) {
  // Without a profile, which DTLS allows only if there is no media.
  if (!keys.local.empty()) {
    try {
      srtp_.emplace(keys);
    } catch (const std::runtime_error& error) {
      return Close(PeerCloseReason::kDtlsError, error.what());
    }
    sender_.set_srtp(*srtp_);
    egress_.StartReports();
    stats_->srtp_profile.Set(static_cast<std::uint64_t>(keys.profile));
  }
  setup_deadline_.reset();
  NoteTime(stats_->dtls_connected_us);
  stats_->dtls_state.Set(static_cast<std::uint64_t>(DtlsState::kConnected));
  Event event;
  event.type = EventType::kPeerConnected;
  event.object = config_.id;
  if (srtp_) event.text = SrtpProfileName(keys.profile);
  host_.events().Post(std::move(event));
  egress_.OnTransportUp();
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
  if (closed_ || !dtls_ || !sender_.consent()) return;
  sender_.Begin();
  for (const auto& packet : packets) {
    if (!dtls_->SendApplicationData(packet)) stats_->send_dropped.Add();
  }
  sender_.End();
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
  egress_.OnDue();
  if (ingress_) {
    const auto due = ingress_->NextDue();
    if (due && *due <= now) ingress_->OnDue();
  }
  const auto ice_due = ice_->NextTimeout(now);
  if (ice_due && *ice_due <= now) ice_->Iterate();
  if (!closed_) SetTimer();
}

void Peer::SetTimer() {
  const Timestamp now = host_.now();
  std::optional<Timestamp> due = ice_->NextTimeout(now);
  if (dtls_) Earliest(due, dtls_->NextTimeout(now));
  Earliest(due, setup_deadline_);
  Earliest(due, silent_deadline_);
  Earliest(due, egress_.NextDue());
  if (ingress_) Earliest(due, ingress_->NextDue());
  if (!due) return;
  timer_ = due;
  host_.SetTimer(*due);
}

}  // namespace hg
