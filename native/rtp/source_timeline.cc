#include "rtp/source_timeline.h"

#include <algorithm>
#include <cstdlib>

#include "base/check.h"
#include "rtp/ntp.h"
#include "rtp/seq_num.h"

namespace hg {

SourceTimeline::SourceTimeline(const Limits& limits) : limits_(limits) {
  HG_CHECK(limits.max_misorder < kWindow);  // seen_ tells late from repeated
  HG_CHECK(limits.max_dropout < 0x8000);
}

SourceTimeline::Result SourceTimeline::Add(std::uint32_t ssrc,
                                           std::uint16_t seq,
                                           std::uint32_t timestamp,
                                           Timestamp now) {
  if (!started_) return Start(ssrc, seq, timestamp, now);
  if (IsLeftover(ssrc, seq, timestamp, now)) return {.outcome = Outcome::kOld};
  if (ssrc != run_.ssrc) {
    if (now - last_heard_ < limits_.collision)
      return {.outcome = Outcome::kCollision};
    return Restart(ssrc, seq, timestamp, now);
  }
  last_heard_ = now;
  if (SeqNewer(seq, run_.highest)) return Ahead(seq, timestamp, now);
  return Behind(seq, timestamp, now);
}

SourceTimeline::Result SourceTimeline::AddResent(std::uint32_t ssrc,
                                                 std::uint16_t seq,
                                                 std::uint32_t timestamp,
                                                 Timestamp now) {
  constexpr Result kRefused{.outcome = Outcome::kOld};
  if (!started_ || ssrc != run_.ssrc) return kRefused;
  const int ahead = SeqDiff(seq, run_.highest);
  if (ahead > limits_.max_dropout || -ahead > limits_.max_misorder)
    return kRefused;
  if (ahead <= 0)
    return FillGap(highest_ - static_cast<std::uint64_t>(-ahead), timestamp);
  return TimestampFits(timestamp, now) ? Ahead(seq, timestamp, now) : kRefused;
}

SourceTimeline::Result SourceTimeline::Start(std::uint32_t ssrc,
                                             std::uint16_t seq,
                                             std::uint32_t timestamp,
                                             Timestamp now) {
  started_ = true;
  run_ = {ssrc, seq, timestamp};
  timestamp_arrival_ = last_heard_ = now;
  first_ = highest_ = 0x10000u + seq;  // as SeqExtender
  return Accept(Outcome::kNext, highest_, timestamp);
}

SourceTimeline::Result SourceTimeline::Restart(std::uint32_t ssrc,
                                               std::uint16_t seq,
                                               std::uint32_t timestamp,
                                               Timestamp now) {
  // Sequence numbers that jump after an outage come with timestamps that are
  // still right, and stay in sync with the source's other streams.
  const bool keep_timestamps = ssrc == run_.ssrc &&
                               TimestampNewer(timestamp, run_.timestamp) &&
                               TimestampFits(timestamp, now);
  previous_ = run_;
  restarted_at_ = last_heard_ = now;
  if (!keep_timestamps) Rebase(timestamp, now);
  run_ = {ssrc, seq, timestamp};
  timestamp_arrival_ = now;
  suspect_.reset();
  first_ = ++highest_;
  seen_.reset(highest_ % kWindow);
  Result result = Accept(Outcome::kNext, highest_, timestamp);
  result.restarted = true;
  return result;
}

SourceTimeline::Result SourceTimeline::Ahead(std::uint16_t seq,
                                             std::uint32_t timestamp,
                                             Timestamp now) {
  const auto ahead = static_cast<std::uint32_t>(SeqDiff(seq, run_.highest));
  const bool fits = TimestampFits(timestamp, now);
  if (ahead > limits_.max_dropout || (ahead > 1 && !fits))
    return Restart(run_.ssrc, seq, timestamp, now);

  if (!fits) Rebase(timestamp, now);
  if (!fits || TimestampNewer(timestamp, run_.timestamp)) {
    run_.timestamp = timestamp;
    timestamp_arrival_ = now;
  }
  run_.highest = seq;
  suspect_.reset();
  for (std::uint64_t i = 1; i <= std::min<std::uint64_t>(ahead, kWindow); ++i)
    seen_.reset((highest_ + i) % kWindow);
  highest_ += ahead;
  Result result = Accept(Outcome::kNext, highest_, timestamp);
  result.lost = ahead - 1;
  return result;
}

SourceTimeline::Result SourceTimeline::Behind(std::uint16_t seq,
                                              std::uint32_t timestamp,
                                              Timestamp now) {
  const auto behind = static_cast<std::uint32_t>(-SeqDiff(seq, run_.highest));
  const std::int64_t lateness = TimestampDiff(run_.timestamp, timestamp);
  const std::int64_t max_lateness = Ticks(limits_.max_lateness);
  if (behind <= limits_.max_misorder && std::abs(lateness) <= max_lateness)
    return FillGap(highest_ - behind, timestamp);
  if (lateness > 0 && lateness <= max_lateness)
    return {.outcome = Outcome::kOld};

  if (!TimestampFits(timestamp, now) || suspect_ == seq)
    return Restart(run_.ssrc, seq, timestamp, now);
  suspect_ = static_cast<std::uint16_t>(seq + 1);
  return {.outcome = Outcome::kOld};
}

SourceTimeline::Result SourceTimeline::FillGap(std::uint64_t extended_seq,
                                               std::uint32_t timestamp) {
  if (extended_seq < first_) return {.outcome = Outcome::kOld};
  if (seen_[extended_seq % kWindow]) return {.outcome = Outcome::kDuplicate};
  return Accept(Outcome::kLate, extended_seq, timestamp);
}

SourceTimeline::Result SourceTimeline::Accept(Outcome outcome,
                                              std::uint64_t extended_seq,
                                              std::uint32_t timestamp) {
  seen_.set(extended_seq % kWindow);
  return {.outcome = outcome,
          .extended_seq = extended_seq,
          .timestamp = timestamp + timestamp_offset_};
}

// Sent before the restart, but overtaken by it.
bool SourceTimeline::IsLeftover(std::uint32_t ssrc, std::uint16_t seq,
                                std::uint32_t timestamp, Timestamp now) const {
  if (!previous_ || previous_->ssrc != ssrc) return false;
  if (now - restarted_at_ > limits_.max_lateness) return false;
  const int behind = -SeqDiff(seq, previous_->highest);
  const std::int64_t lateness = TimestampDiff(previous_->timestamp, timestamp);
  return behind >= 0 && behind <= limits_.max_misorder && lateness >= 0 &&
         lateness <= Ticks(limits_.max_lateness);
}

bool SourceTimeline::TimestampFits(std::uint32_t timestamp,
                                   Timestamp now) const {
  const std::int64_t advance = TimestampDiff(timestamp, run_.timestamp);
  const std::int64_t passed = Ticks(now - timestamp_arrival_);
  return advance >= -Ticks(limits_.max_lateness) &&
         std::abs(advance - passed) <= Ticks(limits_.max_timestamp_error);
}

// Makes `timestamp` follow the newest one by the time that passed.
void SourceTimeline::Rebase(std::uint32_t timestamp, Timestamp now) {
  const std::uint32_t passed =
      ToRtpTicks(now - timestamp_arrival_, limits_.clock_rate);
  timestamp_offset_ += run_.timestamp + std::max(passed, 1u) - timestamp;
}

std::int64_t SourceTimeline::Ticks(Duration duration) const {
  constexpr std::int64_t kSecond = Duration(1s).count();
  const std::int64_t ns = std::max<std::int64_t>(duration.count(), 0);
  return ns / kSecond * limits_.clock_rate +
         ns % kSecond * limits_.clock_rate / kSecond;
}

std::optional<SourceTimeline::Original> SourceTimeline::OriginalOf(
    std::uint64_t extended_seq) const {
  if (!started_ || extended_seq < first_ || extended_seq > highest_)
    return std::nullopt;
  const std::uint64_t behind = highest_ - extended_seq;
  if (behind > limits_.max_misorder) return std::nullopt;
  return Original{run_.ssrc, static_cast<std::uint16_t>(run_.highest - behind)};
}

std::optional<std::uint32_t> SourceTimeline::MapTimestamp(
    std::uint32_t ssrc, std::uint32_t timestamp) const {
  if (!started_ || ssrc != run_.ssrc) return std::nullopt;
  return timestamp + timestamp_offset_;
}

std::optional<std::uint32_t> SourceTimeline::ssrc() const {
  if (!started_) return std::nullopt;
  return run_.ssrc;
}

}  // namespace hg
