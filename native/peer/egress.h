// The sending half of a peer: its outgoing tracks, the packets of this turn
// that wait to be written and sent, what the viewer says about them, and the
// sender reports. Sans-IO: it sends through the peer's PacketSender, time comes
// in through OnDue().
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/tuning.h"
#include "peer/egress_track.h"
#include "peer/packet_io.h"
#include "peer/packet_sender.h"
#include "peer/peer_stats.h"
#include "rtp/rtcp/registry.h"

namespace hg {

struct EgressConfig {
  std::uint32_t peer = 0;  // what its events are about
  std::shared_ptr<const Tuning> tuning;
};

class Egress final : private FeedbackHandler, private EgressTrack::Owner {
 public:
  // The peer.
  class Owner {
   public:
    // About what the other side sends, among its feedback.
    virtual void OnSenderReport(const SenderReport& report) = 0;
    // Once in kReportInterval, behind the reports of all tracks, if any had
    // something to tell. NextDue() has changed.
    virtual void OnReportInterval() = 0;

   protected:
    ~Owner() = default;
  };

  Egress(const EgressConfig& config, PeerHost& host, PacketSender& sender,
         PeerStats& stats, Owner& owner);
  ~Egress() override;

  // Behind any of these NextDue() may have changed. A track that is not there
  // is left alone.
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
  // SRTP has its keys: the first reports follow in kReportInterval.
  void StartReports();
  // It can send, or again after silence.
  void OnTransportUp();
  // The peer is gone: nothing is sent any more.
  void Close();

  // A compound of RTCP packets, decrypted. Resends for it leave together.
  void OnRtcp(Bytes compound);
  // Sends what was enqueued in this turn, and reports if they are due.
  void Flush();
  // Flush() follows soon; steps as Peer::PrefetchFlush() has them.
  void PrefetchFlush(unsigned step) const;

  std::optional<Timestamp> NextDue() const;
  void OnDue();

  // The shortest of all tracks; nullopt: not known yet.
  std::optional<Duration> round_trip() const;
  // Packets that the viewer reported lost since the last call, of one track.
  std::uint64_t TakeNewlyLost(std::size_t track);
  // Of all tracks there were.
  EgressTotals totals() const;
  std::size_t track_count() const { return tracks_.size(); }
  const std::string& mid(std::size_t track) const {
    return tracks_[track]->config().mid;
  }

 private:
  // Packets enqueued in one turn; more leave before its end. A socket's burst
  // is 64; two fill the send batch. 4 KB.
  static constexpr std::size_t kMaxQueued = 128;

  struct Queued {
    EgressTrack* track;
    PacketRef packet;
    Continuity::Out out;
  };

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
  bool CanSend() const override { return sender_.CanSendMedia(); }
  Timestamp now() const override { return host_.now(); }
  Replica& Obtain(const std::shared_ptr<const SourceInfo>& info) override {
    return host_.Obtain(info);
  }
  void OnLayers(EgressTrack& track) override;
  void Prefetch() const override;
  void Enqueue(EgressTrack& track, const PacketRef& packet,
               const Continuity::Out& out) override;
  void FlushQueue() override { Flush(); }
  MutableBytes BeginResend() override;
  void EndResend(std::size_t size) override { sender_.CommitRtp(size); }

  std::unique_ptr<EgressTrack> MakeTrack(const EgressTrackConfig& config,
                                         std::shared_ptr<EgressStats> stats);
  EgressTrack* TrackAt(std::size_t index);  // null: there is none
  EgressTrack* TrackOf(std::uint32_t ssrc);
  void CheckLayers();
  void SendQueue();
  void WriteReports();
  void OnReported();

  // What each packet needs, close together.
  PeerHost& host_;
  PacketSender& sender_;
  std::vector<Queued> queue_;
  std::optional<Timestamp> next_report_;  // nullopt: there are no keys yet

  // And what it does not need; config_ stays the first of it.
  const EgressConfig config_;
  PeerStats& stats_;
  Owner& owner_;
  std::vector<std::unique_ptr<EgressTrack>> tracks_;
  EgressTotals replaced_;  // what tracks counted that are gone
  std::optional<Timestamp> next_layer_check_;  // while a track has layers
};

}  // namespace hg
