// The receiving side of one incoming RTP stream: what is missing and when to
// ask for it (RFC 4585 s6.2.1), and what to report (RFC 3550 s6.4.2). Counts
// the sender's own numbers; another SSRC is another stream, and starts anew.
// Sans-IO.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/clock.h"
#include "rtp/nack_tracker.h"
#include "rtp/rtcp/report_stats.h"
#include "rtp/seq_num.h"

namespace hg {

class IngressStream {
 public:
  struct Config {
    std::uint32_t clock_rate = 90'000;  // Hz
    bool nack = false;                  // negotiated
  };

  explicit IngressStream(const Config& config);
  // Negotiated anew. Without, nothing is missing.
  void SetNack(bool nack);

  // A packet of the stream, or one that came as RTX and was unwrapped.
  void OnPacket(std::uint32_t ssrc, std::uint16_t seq, std::uint32_t timestamp,
                bool resent, Timestamp now);
  void OnSenderReport(std::uint32_t ssrc, NtpTime ntp, Timestamp now);
  // The sender restarted: the next packet is the first.
  void Restart() { ssrc_.reset(); }
  // This packet, which came, begins a keyframe: what was lost before it is not
  // worth asking for.
  void OnKeyframe(std::uint16_t seq);

  // nullopt: nothing came yet.
  std::optional<std::uint32_t> ssrc() const { return ssrc_; }
  std::optional<ReportBlock> MakeReport(Timestamp now);
  // Fills `out` with what is due to be asked for, in rising order; returns how
  // many. Each counts as asked.
  std::size_t CollectNacks(Timestamp now, Duration round_trip,
                           std::span<std::uint16_t> out);
  // When CollectNacks() should be called again; nullopt: nothing is missing.
  std::optional<Timestamp> NextDue(Duration round_trip) const {
    return nacks_.NextDue(round_trip);
  }

  // Packets lost, as reported, since the last call.
  std::uint64_t TakeNewlyLost();

  std::uint64_t recovered() const { return nacks_.recovered(); }
  std::uint64_t given_up() const { return nacks_.given_up(); }
  const ReceiverStats& stats() const { return stats_; }

 private:
  void Follow(std::uint32_t ssrc);

  Config config_;
  std::optional<std::uint32_t> ssrc_;
  SeqExtender extender_;
  ReceiverStats stats_;
  std::int64_t lost_told_ = 0;
  NackTracker nacks_;
};

}  // namespace hg
