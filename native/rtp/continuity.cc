#include "rtp/continuity.h"

#include <algorithm>

#include "rtp/ntp.h"
#include "rtp/seq_num.h"

namespace hg {

Continuity::Continuity(std::uint32_t clock_rate, Start start)
    : clock_rate_(clock_rate),
      // A lap ahead, so that a late packet's number cannot go below zero.
      next_out_(0x10000u + start.seq),
      last_timestamp_(start.timestamp) {}

std::optional<Continuity::Out> Continuity::Forward(std::uint64_t extended_seq,
                                                   std::uint32_t timestamp,
                                                   Timestamp arrival) {
  if (join_ == Join::kInSegment && extended_seq > highest_ &&
      extended_seq - highest_ > kMaxGap)
    join_ = Join::kResume;

  if (join_ != Join::kInSegment) {
    BeginSegment(extended_seq, timestamp, arrival);
  } else if (extended_seq > highest_) {
    AdvanceTo(extended_seq);
  } else if (IsTooLate(extended_seq) || handled_[extended_seq % kWindow]) {
    return std::nullopt;
  }
  handled_.set(extended_seq % kWindow);

  const std::uint32_t out_timestamp = timestamp + timestamp_offset_;
  if (TimestampNewer(out_timestamp, last_timestamp_)) {
    last_timestamp_ = out_timestamp;
    last_arrival_ = arrival;
  }
  return Out{static_cast<std::uint16_t>(OutOf(extended_seq)), out_timestamp};
}

void Continuity::Skip(std::uint64_t extended_seq) {
  if (join_ != Join::kInSegment) return;
  if (extended_seq <= highest_) {
    if (!IsTooLate(extended_seq)) handled_.set(extended_seq % kWindow);
    return;
  }
  if (extended_seq - highest_ > kMaxGap) {
    join_ = Join::kResume;
    return;
  }
  AdvanceTo(extended_seq);
  --next_out_;
  handled_.set(extended_seq % kWindow);
  closed_.set(extended_seq % kWindow);
}

void Continuity::Switch() {
  if (join_ != Join::kStart) join_ = Join::kSwitch;
}

void Continuity::Resume() {
  if (join_ == Join::kInSegment) join_ = Join::kResume;
}

std::optional<std::uint32_t> Continuity::timestamp_offset() const {
  if (join_ == Join::kStart || join_ == Join::kSwitch) return std::nullopt;
  return timestamp_offset_;
}

void Continuity::BeginSegment(std::uint64_t extended_seq,
                              std::uint32_t timestamp, Timestamp arrival) {
  if (join_ == Join::kStart) {
    timestamp_offset_ = last_timestamp_ - timestamp;
  } else if (join_ == Join::kSwitch) {
    const std::uint32_t passed =
        ToRtpTicks(arrival - last_arrival_, clock_rate_);
    timestamp_offset_ = last_timestamp_ + std::max(passed, 1u) - timestamp;
  }
  last_timestamp_ = timestamp + timestamp_offset_;
  last_arrival_ = arrival;
  first_ = highest_ = extended_seq;
  ++next_out_;
  handled_.reset();
  closed_.reset();
  join_ = Join::kInSegment;
}

void Continuity::AdvanceTo(std::uint64_t extended_seq) {
  if (extended_seq - highest_ >= kWindow) {
    handled_.reset();
    closed_.reset();
  } else {
    for (std::uint64_t n = highest_ + 1; n <= extended_seq; ++n) {
      handled_.reset(n % kWindow);
      closed_.reset(n % kWindow);
    }
  }
  next_out_ += extended_seq - highest_;
  highest_ = extended_seq;
}

bool Continuity::IsTooLate(std::uint64_t extended_seq) const {
  return extended_seq < first_ || highest_ - extended_seq >= kWindow;
}

// For a packet of the window. Numbers were given to all packets after it but
// those that Skip() closed.
std::uint64_t Continuity::OutOf(std::uint64_t extended_seq) const {
  if (closed_.none()) return next_out_ - 1 - (highest_ - extended_seq);
  std::uint64_t after = 0;
  for (std::uint64_t n = highest_; n > extended_seq; --n)
    if (!closed_[n % kWindow]) ++after;
  return next_out_ - 1 - after;
}

}  // namespace hg
