// One WebRTC peer on one media thread: owner of its ICE transport, DTLS
// association, SRTP session and tracks. Bytes come in through OnDatagram(),
// time through OnTimer(); it sends through its PeerHost.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/prefetch.h"
#include "dtls/dtls_session.h"
#include "ice/ice_transport.h"
#include "peer/egress_track.h"
#include "peer/ingress.h"
#include "peer/packet_io.h"
#include "peer/peer_stats.h"
#include "rtp/rtcp/registry.h"
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
  Duration max_nack_age{};    // 0: no NACK is answered
  Duration silent_timeout{};  // from the loss of consent to the end
  Duration setup_timeout{};   // from the remote description to DTLS done
  std::uint32_t slow_link_threshold = 0;  // packets lost per second; 0: off
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
                   private FeedbackHandler,
                   private EgressTrack::Owner,
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
  EgressTrack* track(std::size_t index);  // null: there is none
  // What a track sends from now on, the lowest encoding first; none: nothing.
  void Link(std::size_t track,
            std::span<const std::shared_ptr<const SourceInfo>> encodings);
  void SetLayers(std::size_t track, const LayerTarget& target);
  // What the peer sends us; replaces what was said before.
  void SetIngress(const IngressConfig& config);
  // It shall send no more than this, bit/s; 0: as much as it likes.
  void SetMaxBitrate(std::uint64_t bitrate_bps);
  // Where its SCTP packets go. Once.
  void SetData(std::shared_ptr<DataPort> data);
  // From there.
  void SendData(std::span<const std::vector<std::uint8_t>> packets);
  // Frees what can be freed at once and posts kPeerClosed; the host removes
  // the peer at the end of the turn. Closing twice does nothing.
  void Close(PeerCloseReason reason, std::string detail);

  // A datagram that was taken off one of ICE's fds because IsOurs().
  // Decrypted in place.
  void OnDatagram(int fd, const SocketAddress& from, MutableBytes datagram);
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

 private:
  // Handshake datagrams that wait for ICE or for a step. A flight of DTLS 1.2
  // is a few records; what does not fit, the other side sends again.
  static constexpr std::size_t kMaxWaitingHandshake = 8;
  // Packets enqueued in one turn; more leave before its end. A socket's burst
  // is 64; two fill the send batch. 4 KB.
  static constexpr std::size_t kMaxQueued = 128;

  struct Queued {
    EgressTrack* track;
    PacketRef packet;
    Continuity::Out out;
  };

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
  // FeedbackHandler
  void OnSenderReport(const SenderReport& report) override;
  void OnReportBlock(std::uint32_t sender_ssrc,
                     const ReportBlock& block) override;
  void OnNack(const Nack& nack) override;
  void OnPli(const Pli& pli) override;
  void OnFir(std::uint32_t sender_ssrc, const FirEntry& entry) override;
  void OnRemb(const Remb& remb) override;
  void OnTransportCc(const TransportCc& feedback) override;
  // EgressTrack::Owner
  bool CanSend() const override;
  Timestamp now() const override { return host_.now(); }
  void Enqueue(EgressTrack& track, const PacketRef& packet,
               const Continuity::Out& out) override;
  MutableBytes BeginResend() override;
  void EndResend(std::size_t size) override;
  void FlushQueue() override { Flush(); }
  Replica& Obtain(const std::shared_ptr<const SourceInfo>& info) override {
    return host_.Obtain(info);
  }
  void OnLayers(EgressTrack& track) override;
  void Prefetch() const override { PrefetchUpTo(this, &config_); }

  // Ingress::Owner
  MutableBytes BeginRtcp() override;
  void EndRtcp(std::size_t size) override;
  std::optional<Duration> RoundTrip() const override;
  void OnIngressDue(Timestamp due) override;

  void Demultiplex(MutableBytes datagram);
  void OnDtlsDatagram(Bytes datagram);
  void OnRtp(MutableBytes datagram);
  void OnRtcp(MutableBytes datagram);
  Ingress& ingress();
  void StartDtls();
  void StartData();
  EgressTrack* TrackOf(std::uint32_t ssrc);
  template <typename Room, typename Send>
  void WriteReports(Room room, Send send);
  std::size_t AppendReports(DatagramBatch& batch);
  void SendReports();
  void OnReported();
  void ReportSlowLinks();
  void CheckLayers();
  void SendNow(Bytes datagram);
  std::size_t WriteQueued(const Queued& queued, MutableBytes buffer);
  void SendQueuedDirectly();
  void SendQueuedThroughIce();
  void NoteSent(const DatagramBatch::Result& result, std::size_t bytes);
  void SetTimer();

  // What each packet needs, close together.
  PeerHost& host_;
  bool closed_ = false;
  bool ice_connected_ = false;
  std::optional<SrtpSession> srtp_;
  std::vector<Queued> queue_;
  std::unique_ptr<IceTransport> ice_;
  const std::shared_ptr<PeerStats> stats_;

  // And what it does not need; config_ stays the first of it.
  const PeerConfig config_;
  const std::shared_ptr<const DtlsContext> dtls_context_;
  const std::shared_ptr<StateCell> ice_event_ = std::make_shared<StateCell>();

  std::unique_ptr<DtlsSession> dtls_;
  std::vector<std::unique_ptr<EgressTrack>> tracks_;
  std::unique_ptr<Ingress> ingress_;  // null: it sends nothing
  std::optional<PeerRemote> remote_;
  std::shared_ptr<DataPort> data_;  // null: it has no data channels
  // Open while SCTP packets are sent: they leave together.
  bool data_batch_open_ = false;
  std::size_t data_bytes_ = 0;

  bool was_connected_ = false;
  std::deque<std::vector<std::uint8_t>> waiting_handshake_;
  // Open while feedback is answered: resends leave together.
  bool resend_batch_open_ = false;
  std::size_t resend_bytes_ = 0;
  MutableBytes resend_buffer_;

  std::optional<Timestamp> timer_;  // what it is set to
  std::optional<Timestamp> setup_deadline_;
  std::optional<Timestamp> silent_deadline_;
  std::optional<Timestamp> next_report_;
  std::optional<Timestamp> next_layer_check_;  // while a track has layers
};

}  // namespace hg
