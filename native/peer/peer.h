// One WebRTC peer on one media thread: owner of its ICE transport, DTLS
// association and SRTP session, between which and the two halves of its media
// (Egress, Ingress) it passes packets. Bytes come in through OnDatagrams(),
// time through OnTimer(); it sends through its PeerHost.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "dtls/dtls_session.h"
#include "ice/ice_transport.h"
#include "peer/egress.h"
#include "peer/ingress.h"
#include "peer/packet_io.h"
#include "peer/packet_sender.h"
#include "peer/peer_stats.h"
#include "route/capture_queue.h"
#include "sctp/data_port.h"
#include "srtp/srtp_session.h"

namespace hg {

enum class PeerCloseReason : std::uint8_t {
  kApi,
  kDtlsAlert,
  kDtlsError,
  kDtlsTimeout,
  kIceFailed,
  kGatheringError,
};

struct PeerConfig {
  std::uint32_t id = 0;
  IceConfig ice;
  std::shared_ptr<const Tuning> tuning;
  Duration silent_timeout{};  // from the loss of consent to the end
  Duration setup_timeout{};   // from the remote description to DTLS done
};

struct PeerRemote {
  IceRemote ice;
  DtlsRole dtls_role = DtlsRole::kServer;  // ours
  std::vector<Fingerprint> fingerprints;
  // False: it has nothing but data channels, and may offer no SRTP profile.
  bool needs_srtp = true;
};

class Peer final : private IceTransport::Observer,
                   private DtlsSession::Observer,
                   private Egress::Owner,
                   private Ingress::Owner {
 public:
  Peer(const PeerConfig& config, std::shared_ptr<const DtlsContext> dtls,
       std::shared_ptr<PeerStats> stats, PeerHost& host);
  ~Peer() override;

  // Gathers; kPeerGathered follows.
  void Start();
  // The first one; after RestartIce() another, of which only ICE's part counts.
  void SetRemote(PeerRemote remote);
  // New local credentials (RFC 8445 s9): kPeerGathered follows, and SetRemote()
  // is to. Media goes on over the old pair meanwhile.
  void RestartIce();
  void AddRemoteCandidate(const std::string& candidate);
  void SetRemoteGatheringDone();
  void AddTrack(const EgressTrackConfig& config,
                std::shared_ptr<EgressStats> stats);
  // In the place of another, with its own `ssrc` and `stats`; or the same track
  // with other numbers, if `config` has its SSRC.
  void SetTrack(std::size_t index, const EgressTrackConfig& config,
                std::shared_ptr<EgressStats> stats);
  // What a track sends from now on, the lowest encoding first; none: nothing.
  void Link(std::size_t track,
            std::span<const std::shared_ptr<const SourceInfo>> encodings);
  void SetLayers(std::size_t track, const LayerTarget& target);
  void SetPaused(std::size_t track, bool paused);
  // What the peer sends us; replaces what was said before.
  void SetIngress(const IngressConfig& config);
  // It shall send no more than this, bit/s; 0: as much as it likes.
  void SetMaxBitrate(std::uint64_t bitrate_bps);
  // Where its SCTP packets go. Once.
  void SetData(std::shared_ptr<DataPort> data);
  // From there.
  void SendData(std::span<const std::vector<std::uint8_t>> packets);
  // Its RTP and RTCP packets are copied there from now on, decrypted, in both
  // directions, instead of to another.
  void SetCapture(std::shared_ptr<CaptureQueue> capture);
  // No more, if they are.
  void EndCapture(const CaptureQueue& capture);
  // Frees what can be freed at once and posts kPeerClosed; the host removes
  // the peer at the end of the turn. Closing twice does nothing.
  void Close(PeerCloseReason reason, std::string detail);

  // What was read off a media socket: datagrams of `segment_size` bytes each,
  // of which the last may be shorter; 0: it is one. Decrypted in place. Returns
  // their number.
  std::size_t OnDatagrams(int fd, const SocketAddress& from,
                          MutableBytes message, std::size_t segment_size);
  void FinishBurst();  // no more datagrams for now: media is handed on
  void IterateIce();
  void OnTimer(Timestamp now);
  void Flush();  // sends what was enqueued in this turn
  // Flush() follows soon: what it needs, in kPrefetchSteps steps, since one
  // thing leads to the next.
  static constexpr unsigned kPrefetchSteps = 3;
  void PrefetchFlush(unsigned step) const;
  void HandshakeStep();  // takes one waiting handshake datagram

  std::uint32_t id() const { return config_.id; }
  const PeerStats& stats() const { return *stats_; }
  EgressTotals egress_totals() const { return egress_.totals(); }

 private:
  // Handshake datagrams that wait for ICE or for a step. A flight of DTLS 1.2
  // is a few records; what does not fit, the other side sends again.
  static constexpr std::size_t kMaxWaitingHandshake = 8;

  // IceTransport::Observer
  void OnIceGathered(const std::vector<std::string>& candidates) override;
  void OnIceGatheringFailed(const std::string& why) override;
  void OnIceState(IceState state) override;
  void OnIceChanged() override;
  void OnIceDatagram(Bytes datagram) override;
  // DtlsSession::Observer
  void OnDtlsSend(Bytes datagram) override;
  void OnDtlsConnected(const SrtpKeys& keys) override;
  void OnDtlsApplicationData(Bytes data) override;
  void OnDtlsClosed(DtlsState state, std::string_view why) override;
  // Egress::Owner
  void OnSenderReport(const SenderReport& report) override;
  void OnReportInterval() override;
  // Ingress::Owner
  MutableBytes BeginRtcp() override;
  void EndRtcp(std::size_t size) override;
  std::optional<Duration> RoundTrip() const override;
  void OnIngressDue(Timestamp due) override;

  void Demultiplex(MutableBytes datagram);
  void OnDtlsDatagram(Bytes datagram);
  void OnRtp(MutableBytes datagram);
  void OnRtcp(MutableBytes datagram);
  void CaptureIn(CaptureKind kind, Bytes plain);
  Ingress& ingress();
  void StartDtls();
  void NoteTime(Gauge& when_us);
  void StartData();
  void ReportSlowLinks();
  void SetTimer();

  PeerHost& host_;
  bool closed_ = false;
  bool was_connected_ = false;
  const std::unique_ptr<IceTransport> ice_;
  const std::shared_ptr<PeerStats> stats_;
  // What each packet that leaves needs, close together.
  std::optional<SrtpSession> srtp_;
  PacketSender sender_;
  Egress egress_;

  const PeerConfig config_;
  const std::shared_ptr<const DtlsContext> dtls_context_;
  const std::shared_ptr<StateCell> ice_event_ = std::make_shared<StateCell>();
  std::unique_ptr<DtlsSession> dtls_;
  std::unique_ptr<Ingress> ingress_;  // null: it sends nothing
  std::optional<PeerRemote> remote_;
  std::shared_ptr<CaptureQueue> capture_;  // that of sender_
  std::shared_ptr<DataPort> data_;         // null: it has no data channels
  std::deque<std::vector<std::uint8_t>> waiting_handshake_;

  std::optional<Timestamp> timer_;  // what it is set to
  std::optional<Timestamp> setup_deadline_;
  std::optional<Timestamp> silent_deadline_;
};

}  // namespace hg
