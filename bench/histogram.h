// Latencies in buckets that are 1/32 of their value wide.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "base/clock.h"

namespace hg::bench {

class Histogram {
 public:
  void Add(Duration value) {
    const auto ns = static_cast<std::uint64_t>(
        value < Duration::zero() ? 0 : value.count());
    ++buckets_[BucketOf(ns)];
    ++count_;
    if (ns > max_) max_ = ns;
  }
  void Clear() { *this = Histogram(); }

  // The upper edge of the bucket that holds the quantile, at most the maximum.
  Duration Quantile(double q) const {
    const auto rank =
        static_cast<std::uint64_t>(q * static_cast<double>(count_));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
      seen += buckets_[i];
      if (seen > rank)
        return Duration(
            static_cast<std::int64_t>(std::min(UpperEdge(i), max_)));
    }
    return max();
  }
  Duration max() const { return Duration(static_cast<std::int64_t>(max_)); }
  std::uint64_t count() const { return count_; }

 private:
  static constexpr unsigned kBits = 5;
  static constexpr std::uint64_t kPerOctave = 1u << kBits;

  static std::size_t BucketOf(std::uint64_t ns) {
    if (ns < kPerOctave) return ns;
    const unsigned shift =
        static_cast<unsigned>(std::bit_width(ns)) - (kBits + 1);
    return (shift + 1) * kPerOctave + ((ns >> shift) - kPerOctave);
  }
  static std::uint64_t UpperEdge(std::size_t bucket) {
    if (bucket < kPerOctave) return bucket;
    const std::size_t shift = bucket / kPerOctave - 1;
    return ((kPerOctave + bucket % kPerOctave + 1) << shift) - 1;
  }

  std::array<std::uint64_t, (64 - kBits + 1) * kPerOctave> buckets_{};
  std::uint64_t count_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace hg::bench
