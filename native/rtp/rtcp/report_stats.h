// The numbers of RTCP reports: what we report on a stream we receive (RFC 3550
// A.3, A.8), and the round trip from what is reported to us (s6.4.1).
#pragma once

#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "rtp/ntp.h"
#include "rtp/rtcp/rr.h"
#include "rtp/seq_num.h"

namespace hg {

// Of one received SSRC. Call Reset() when it restarts.
class ReceiverStats {
 public:
  explicit ReceiverStats(std::uint32_t clock_rate) : clock_rate_(clock_rate) {}

  // Every packet with a valid header, duplicates too.
  void OnPacket(std::uint16_t seq, std::uint32_t timestamp, Timestamp arrival);
  void OnSenderReport(NtpTime ntp, Timestamp arrival);
  // nullopt before the first packet. The fraction lost is that since the last
  // call.
  std::optional<ReportBlock> MakeReport(std::uint32_t ssrc, Timestamp now);
  void Reset();

  std::uint64_t received() const { return received_; }
  std::int64_t lost() const;  // in all; negative by duplicates
  Duration jitter() const;

 private:
  // A timestamp that jumps is no jitter: 10 s at 90 kHz, so that 16 times it
  // still fits.
  static constexpr std::int64_t kMaxTransitChange = 900'000;

  std::uint64_t Expected() const;

  std::uint32_t clock_rate_;
  SeqExtender extender_;
  std::uint64_t first_ = 0;
  std::uint64_t received_ = 0;
  std::uint64_t expected_at_report_ = 0;
  std::uint64_t received_at_report_ = 0;
  // A.8: 16 times the jitter, in clock units.
  std::uint32_t jitter_q4_ = 0;
  std::uint32_t last_timestamp_ = 0;
  Timestamp last_arrival_{};
  CompactNtp last_sr_ = 0;
  Timestamp last_sr_arrival_{};
};

// The round trip a report block tells of, if it answers a sender report; `now`
// is by the clock our sender reports carry. Never negative.
std::optional<Duration> RoundTrip(const ReportBlock& block, NtpTime now);

}  // namespace hg
