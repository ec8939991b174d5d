#include "rtp/rtcp/report_stats.h"

#include <algorithm>
#include <cstdlib>

namespace hg {

void ReceiverStats::OnPacket(std::uint16_t seq, std::uint32_t timestamp,
                             Timestamp arrival) {
  const std::uint64_t before = extender_.highest();
  const std::uint64_t extended_seq = extender_.Extend(seq);
  const bool first = received_++ == 0;
  if (first) first_ = extended_seq;
  // A.8, but a late or repeated packet says nothing of the network's jitter.
  if (!first && extended_seq > before) {
    const std::uint32_t passed =
        ToRtpTicks(arrival - last_arrival_, clock_rate_);
    const std::int64_t transit_change =
        TimestampDiff(passed, timestamp - last_timestamp_);
    const auto d = static_cast<std::uint32_t>(
        std::min<std::int64_t>(std::abs(transit_change), kMaxTransitChange));
    jitter_q4_ += d - ((jitter_q4_ + 8) >> 4);
  }
  if (first || extended_seq > before) {
    last_timestamp_ = timestamp;
    last_arrival_ = arrival;
  }
}

void ReceiverStats::OnSenderReport(NtpTime ntp, Timestamp arrival) {
  last_sr_ = ToCompactNtp(ntp);
  last_sr_arrival_ = arrival;
}

std::optional<ReportBlock> ReceiverStats::MakeReport(std::uint32_t ssrc,
                                                     Timestamp now) {
  if (received_ == 0) return std::nullopt;
  const std::uint64_t expected = Expected() - expected_at_report_;
  const std::uint64_t received = received_ - received_at_report_;
  expected_at_report_ = Expected();
  received_at_report_ = received_;

  ReportBlock block;
  block.ssrc = ssrc;
  if (expected > received)
    block.fraction_lost = static_cast<std::uint8_t>(
        std::min<std::uint64_t>((expected - received) * 256 / expected, 255));
  block.lost = static_cast<std::int32_t>(
      std::clamp<std::int64_t>(lost(), -0x800000, 0x7fffff));
  // The extender counts the first lap as 1, RFC 3550 as 0.
  block.highest_seq =
      static_cast<std::uint32_t>(extender_.highest() - 0x10000u);
  block.jitter = jitter_q4_ >> 4;
  block.last_sr = last_sr_;
  if (last_sr_ != 0)
    block.delay_since_last_sr = ToCompactNtp(now - last_sr_arrival_);
  return block;
}

void ReceiverStats::Reset() { *this = ReceiverStats(clock_rate_); }

std::int64_t ReceiverStats::lost() const {
  return static_cast<std::int64_t>(Expected()) -
         static_cast<std::int64_t>(received_);
}

Duration ReceiverStats::jitter() const {
  if (clock_rate_ == 0) return Duration::zero();
  return Duration(static_cast<std::int64_t>(std::uint64_t{jitter_q4_ >> 4} *
                                            1'000'000'000 / clock_rate_));
}

std::uint64_t ReceiverStats::Expected() const {
  if (received_ == 0) return 0;
  return extender_.highest() - first_ + 1;
}

std::optional<Duration> RoundTrip(const ReportBlock& block, NtpTime now) {
  if (block.last_sr == 0) return std::nullopt;
  const CompactNtp sent_ago = ToCompactNtp(now) - block.last_sr;
  // More than half a lap: the peer's figures cannot be true, or a rounding
  // error made it less than nothing.
  const CompactNtp round_trip = sent_ago - block.delay_since_last_sr;
  if (round_trip >= 0x80000000u) return Duration::zero();
  return FromCompactNtp(round_trip);
}

}  // namespace hg
