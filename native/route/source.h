// A track that media comes from: one RTP stream, normalised so that a restart
// of the sender is invisible behind it, and handed on burst by burst. Sans-IO:
// whoever receives the datagrams (loop/) feeds it, and its Host carries bursts
// to the replicas.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/counter.h"
#include "base/events.h"
#include "base/pool.h"
#include "base/tuning.h"
#include "route/keyframe_gate.h"
#include "rtp/codec/registry.h"
#include "rtp/ext/ids.h"
#include "rtp/ntp.h"
#include "rtp/passed_extensions.h"
#include "rtp/rtcp/sr.h"
#include "rtp/source_timeline.h"
#include "rtp/talk_detector.h"

namespace hg {

struct SourceConfig {
  std::uint32_t id = 0;
  std::uint32_t peer = 0;  // that feeds it; 0: none, a UDP port does
  bool video = false;
  std::string codec;             // lower-case SDP encoding name
  std::uint32_t clock_rate = 0;  // Hz
  Duration collision{};          // 0: a new SSRC takes over at once
  Duration keyframe_buffer_span{};
  std::size_t keyframe_buffer_bytes = 0;
  std::shared_ptr<const Tuning> tuning = std::make_shared<const Tuning>();
};

// Written by the source's media thread, read by any.
struct SourceStats {
  Counter packets, bytes, lost, invalid, dropped, frames, keyframes,
      keyframe_requests, restarts;
  // Of a peer's incoming track: packets asked for again (each time), and those
  // that came as RTX (RFC 4588), padding too.
  Counter nacks, retransmitted;
  Gauge recovered, given_up;  // of those asked for
  Gauge jitter_us;            // RFC 3550 s6.4.1
  Gauge fraction_lost;        // of 256, in the newest report of a peer's track
  Gauge largest_packet, ssrc, bitrate;
  Gauge last_arrival_ns;        // of MonotonicNow(); that of creation at first
  Counter invalid_descriptors;  // dependency descriptors that cannot be read
  Gauge audio_level;            // 1 + tenths of -dBov, see Talking; 0: unknown
  std::atomic<std::int64_t> viewers{0};  // links, over all media threads
};

// What all media threads may read of a source.
struct SourceInfo {
  explicit SourceInfo(SourceConfig source_config)
      : config(std::move(source_config)), inspector(FindCodec(config.codec)) {}

  const SourceConfig config;
  const CodecInspector* const inspector;  // null: no keyframes to wait for
  unsigned home_shard = 0;
  mutable SourceStats stats;
  const std::shared_ptr<StateCell> receiving = std::make_shared<StateCell>();
  const std::shared_ptr<StateCell> talking = std::make_shared<StateCell>();
};

// What was negotiated about the packets of a source.
struct SourceFormat {
  ExtensionIds extensions;
  std::optional<std::uint8_t> red_payload_type;  // RFC 2198
};

// What a kSourceTalking event says, as one number.
struct Talking {
  bool talking = false;
  std::uint16_t level = 0;  // tenths of -dBov

  std::uint32_t Pack() const { return level | (talking ? 1u << 16 : 0); }
  static Talking Unpack(std::uint32_t packed) {
    return {(packed >> 16) != 0, static_cast<std::uint16_t>(packed)};
  }
};

// How the sender's RTP clock relates to wall time (RFC 3550 s6.4.1), in the
// source's normalised timestamps.
struct SenderClock {
  NtpTime ntp = 0;      // by the sender's clock
  NtpTime arrival = 0;  // of the report, by ours
  std::uint32_t rtp_timestamp = 0;
};

class Source {
 public:
  class Host {
   public:
    // The burst is valid during the call; keep the PacketRefs to keep packets.
    virtual void DeliverBurst(Source& source,
                              std::span<const PacketRef> burst) = 0;
    virtual void DeliverSenderClock(Source& source,
                                    const SenderClock& clock) = 0;
    // Ask the sender for a keyframe now, if there is a way to.
    virtual void SendKeyframeRequest(Source& source) = 0;

   protected:
    ~Host() = default;
  };

  // A larger packet may not fit a path of 1500 bytes once it has our header
  // extensions, the SRTP tag and UDP over IPv6 around it.
  static constexpr std::size_t kLargestForPath = 1412;

  Source(std::shared_ptr<const SourceInfo> info, Host& host, EventSink& events,
         Timestamp now);

  struct Taken {
    bool accepted = false;   // else it was bad, repeated or too late
    bool restarted = false;  // the sender did, with this packet
    bool keyframe = false;   // begins with it
  };
  // One datagram. Bad ones are counted and gone. `resent`: as RTX.
  Taken OnDatagram(PacketDraft draft, Timestamp now, bool resent = false);
  // Hands on what came since the last call.
  void FinishBurst();
  void OnSenderReport(const SenderReport& report, NtpTime arrival);
  void RequestKeyframe(Timestamp now);
  // When a keyframe request that had to wait is due: OnDue() then.
  std::optional<Timestamp> NextDue() const { return keyframe_gate_.NextDue(); }
  void OnDue(Timestamp now);
  void SetEnabled(bool enabled) { enabled_ = enabled; }
  void SetFormat(const SourceFormat& format);
  // kSourceTalking events follow whenever somebody begins or ends to talk;
  // nullopt: no more of them.
  void DetectTalking(const std::optional<TalkDetector::Limits>& limits);

  // Once a second: bitrate, silence.
  void OnSecond(Timestamp now);

  const SourceInfo& info() const { return *info_; }
  const std::shared_ptr<const SourceInfo>& shared_info() const { return info_; }
  std::optional<std::uint32_t> ssrc() const { return timeline_.ssrc(); }

 private:
  bool Inspect(const RtpView& packet, const SourceTimeline::Result& place,
               PacketInfo& info);
  bool LacksParameterSets(const Inspection& seen,
                          const SourceTimeline::Result& place);
  void TellTalking();
  void NoteSize(std::size_t size);
  void SetReceiving(bool receiving);

  const std::shared_ptr<const SourceInfo> info_;
  Host& host_;
  EventSink& events_;
  SourceTimeline timeline_;
  KeyframeGate keyframe_gate_;
  PassedExtensions extensions_;
  std::optional<std::uint8_t> red_payload_type_;
  std::optional<TalkDetector> talk_;
  std::vector<PacketRef> burst_;
  bool enabled_ = true;
  bool receiving_ = false;
  bool oversize_reported_ = false;
  Timestamp last_arrival_;
  std::optional<std::uint32_t> frame_timestamp_;     // of the last one counted
  std::optional<std::uint32_t> keyframe_timestamp_;  // of the last one counted
  // Of the last parameter sets, and of the last packet behind a hole.
  std::optional<std::uint32_t> parameter_sets_timestamp_, hole_timestamp_;
  std::uint64_t bytes_at_last_second_ = 0;
  Timestamp last_second_;
};

}  // namespace hg
