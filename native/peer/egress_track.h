// A track out of a peer: carries the packets of whichever source it is linked
// to under its own SSRC, sequence and clock, and answers the viewer's feedback.
#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/clock.h"
#include "peer/egress_layers.h"
#include "peer/peer_stats.h"
#include "peer/vp8_rewrite.h"
#include "route/keyframe_retry.h"
#include "route/replica.h"
#include "route/sink.h"
#include "rtp/continuity.h"
#include "rtp/header_rewrite.h"
#include "rtp/resend_budget.h"
#include "rtp/rtcp/compound.h"
#include "rtp/rtcp/fir.h"
#include "rtp/rtcp/nack.h"
#include "rtp/rtcp/rr.h"
#include "rtp/sent_map.h"

namespace hg {

struct EgressTrackConfig {
  std::string mid;
  bool video = false;
  std::uint32_t ssrc = 0;
  std::uint8_t payload_type = 0;
  std::uint32_t clock_rate = 0;  // Hz
  std::uint32_t rtx_ssrc = 0;    // 0: plain resends
  std::uint8_t rtx_payload_type = 0;
  std::optional<std::uint8_t> red_payload_type;  // RFC 2198
  bool nack = false;
  ExtensionIds extensions;
};

class EgressTrack final : public Sink, private EgressLayers::Owner {
 public:
  // The peer.
  class Owner {
   public:
    // ICE and DTLS are up and the viewer is not silent.
    virtual bool CanSend() const = 0;
    virtual Timestamp now() const = 0;
    virtual Replica& Obtain(const std::shared_ptr<const SourceInfo>& info) = 0;
    // What is sent is another encoding or up to another layer.
    virtual void OnLayers(EgressTrack& track) = 0;
    // Enqueue() follows soon.
    virtual void Prefetch() const {}
    // To be written and sent at the end of the turn.
    virtual void Enqueue(EgressTrack& track, const PacketRef& packet,
                         const Continuity::Out& out) = 0;
    // Writes and sends what is enqueued now.
    virtual void FlushQueue() = 0;
    // A resend, already written by the track: protected and sent with others.
    virtual MutableBytes BeginResend() = 0;
    virtual void EndResend(std::size_t size) = 0;

   protected:
    ~Owner() = default;
  };

  EgressTrack(const EgressTrackConfig& config, Duration max_nack_age,
              std::shared_ptr<EgressStats> stats, Owner& owner);
  ~EgressTrack();

  // null: nothing. The viewer of another source than before notices no more
  // than a keyframe.
  void Link(Replica* replica);
  // The same with a source of several encodings, the lowest first, of which one
  // is chosen.
  void Link(std::span<const std::shared_ptr<const SourceInfo>> encodings);
  // Of a source with encodings or layers; stays through all links.
  void SetLayers(const LayerTarget& target);
  // Null: there is nothing to choose from.
  EgressLayers* layers() const { return layers_.get(); }
  void SetPaused(bool paused);
  // Another negotiation gave it other numbers. The SSRC and the clock stay.
  void Reconfigure(const EgressTrackConfig& config, Duration max_nack_age);
  // What is tuned now; and counts what was sent since the last time.
  void OnSecond(Duration max_nack_age, Timestamp now);
  // The transport came up, or back after silence.
  void OnTransportUp();

  // Sink
  void OnPackets(std::span<const PacketRef> packets) override;
  void Prefetch() const override;
  void OnSourceClosed() override { replica_ = nullptr; }
  std::uint64_t remb() const override { return remb_; }
  bool MayResend() const override { return WantsPackets(); }
  // EgressLayers::Owner, too
  bool WaitsForKeyframe() const override {
    return waiting_since_ && WantsPackets();
  }

  // EgressLayers::Owner, but for remb()
  Timestamp now() const override { return owner_.now(); }
  Replica& Obtain(const std::shared_ptr<const SourceInfo>& info) override {
    return owner_.Obtain(info);
  }
  void OnEncoding(Replica& replica) override;
  void OnEncodingClosed() override { replica_ = nullptr; }
  bool MayPass(const PacketBuffer& packet) override;
  void OnLayerPacket(const PacketRef& packet,
                     LayerSelector::Verdict verdict) override;
  bool WantsPackets() const override { return !paused_ && owner_.CanSend(); }

  // Writes a plain RTP packet to `out`; returns its size, 0 if it cannot.
  std::size_t Write(const PacketBuffer& packet, const Continuity::Out& out,
                    Timestamp now, MutableBytes to);

  void PrefetchWrite() const;  // Write() follows soon

  // Feedback of the viewer.
  void OnNack(const Nack& nack);
  void OnKeyframeRequest();  // PLI
  void OnFir(std::uint32_t sender_ssrc, const FirEntry& entry);
  void OnReportBlock(const ReportBlock& block, Timestamp now, NtpTime ntp_now);
  void set_remb(std::uint64_t bitrate_bps) { remb_ = bitrate_bps; }

  // What its source's own sender reports say of its clock; null: nothing.
  const SenderClock* sender_clock() const;
  // A sender report, if anything was sent since the last. With
  // `sender_clock_shift` (see SenderClockShift) it tells the sender's clock,
  // else the time of arrival; audio and video stay in sync only if all tracks
  // of a peer do the same.
  bool WriteSenderReport(RtcpWriter& writer,
                         std::optional<std::int64_t> sender_clock_shift,
                         Timestamp now, NtpTime ntp_now);
  // Packets the viewer reported lost since the last call.
  std::uint64_t TakeNewlyLost();

  // The shortest of the last few; nullopt: not known yet.
  std::optional<Duration> round_trip() const;
  const EgressTrackConfig& config() const { return config_; }
  const EgressStats& stats() const { return *stats_; }
  Replica* replica() const { return replica_; }

 private:
  // As many as a track remembers to resend.
  static constexpr std::size_t kMarkers = 512;

  // `marker`: it is the last of a picture, whatever the source's says.
  void Forward(const PacketRef& packet, bool marker);
  void FollowFrameNumber(std::uint16_t frame_number);
  HeaderRewrite::Stamp StampFor(const Continuity::Out& out) const;
  void RequestKeyframe();
  void Unlink();
  void WaitForKeyframe();
  Duration ResendInterval() const;
  void Resend(std::uint16_t seq, Timestamp now);

  // What each packet needs, close together and in the order of its way.
  Owner& owner_;
  Replica* replica_ = nullptr;
  bool paused_ = false;
  // Since when packets are held back until a keyframe comes.
  std::optional<Timestamp> waiting_since_;
  Continuity continuity_;
  std::optional<SentMap> sent_;
  std::unique_ptr<Vp8Rewrite> vp8_;  // null: picture ids stay what they are
  // Frame numbers of dependency descriptors go on through a switch, too: what
  // to add to the source's, and the newest as sent. The offset changes only
  // where sent_ is cleared.
  std::uint16_t frame_offset_ = 0;
  std::optional<std::uint16_t> newest_frame_;
  bool frames_switched_ = false;
  ResendBudget budget_;
  HeaderRewrite rewrite_;
  const std::shared_ptr<EgressStats> stats_;
  std::uint32_t payload_octets_ = 0;

  // And what it does not need; config_ stays the first of it.
  EgressTrackConfig config_;
  std::unique_ptr<EgressLayers> layers_;
  std::optional<LayerTarget> layer_target_;  // nullopt: nobody ever chose
  // By number modulo their size: packets that got a marker here.
  std::bitset<kMarkers> markers_;
  // Of layers_, as told last; nullopt: not yet.
  struct Told {
    std::uint8_t spatial, temporal;
    friend bool operator==(const Told&, const Told&) = default;
  };
  std::optional<Told> told_;
  KeyframeRetry retry_;  // of the one that is waited for
  FirFilter fir_filter_;
  std::uint16_t rtx_seq_;
  // The last few, newest anywhere; the shortest counts. One that a stall made
  // long would keep lost packets from being resent for a second.
  std::array<Duration, 3> round_trips_;
  std::size_t round_trip_count_ = 0;
  std::uint64_t remb_ = 0;
  std::uint32_t packets_at_report_ = 0;
  std::uint64_t bytes_at_last_second_ = 0;
  Timestamp last_second_;
  std::int64_t lost_seen_ = 0;
  std::uint64_t newly_lost_ = 0;
};

// How far our wall clock is ahead of that of the senders behind a peer's
// tracks, 32.32 s: only if all of them tell theirs and they agree. Audio and
// video of two machines whose clocks are hours apart must not be reported so.
class SenderClockShift {
 public:
  void Add(const EgressTrack& track);
  std::optional<std::int64_t> value() const {
    return usable_ ? first_ : std::nullopt;
  }

 private:
  std::optional<std::int64_t> first_;
  bool usable_ = true;
};

}  // namespace hg
