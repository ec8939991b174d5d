// Arithmetic on the counters of RTP that wrap: 16-bit sequence numbers and
// 32-bit timestamps (RFC 1982 in the form RFC 3550 uses it). Exactly half a lap
// apart counts as behind.
#pragma once

#include <cstdint>

namespace hg {

// How far `a` is ahead of `b`; negative if behind.
constexpr std::int16_t SeqDiff(std::uint16_t a, std::uint16_t b) {
  return static_cast<std::int16_t>(static_cast<std::uint16_t>(a - b));
}
constexpr bool SeqNewer(std::uint16_t a, std::uint16_t b) {
  return SeqDiff(a, b) > 0;
}
constexpr std::int32_t TimestampDiff(std::uint32_t a, std::uint32_t b) {
  return static_cast<std::int32_t>(a - b);
}
constexpr bool TimestampNewer(std::uint32_t a, std::uint32_t b) {
  return TimestampDiff(a, b) > 0;
}

// `seq` as the 64-bit number closest to `near` (which is at least 32768).
constexpr std::uint64_t ExtendSeq(std::uint16_t seq, std::uint64_t near) {
  const std::int16_t diff = SeqDiff(seq, static_cast<std::uint16_t>(near));
  return near + static_cast<std::uint64_t>(std::int64_t{diff});
}

// Counts the laps. The first number gets lap 1, so that a packet which was
// reordered before it does not wrap below zero.
class SeqExtender {
 public:
  std::uint64_t Extend(std::uint16_t seq) {
    if (highest_ == 0) return highest_ = 0x10000u + seq;
    const std::uint64_t extended = ExtendSeq(seq, highest_);
    if (extended > highest_) highest_ = extended;
    return extended;
  }
  // 0 before the first Extend().
  std::uint64_t highest() const { return highest_; }
  void Reset() { highest_ = 0; }

 private:
  std::uint64_t highest_ = 0;
};

}  // namespace hg
