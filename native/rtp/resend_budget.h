// Limits what resends may add to a viewer's bitrate: a token bucket filled by a
// share of what is sent, and by a floor, so that a paused stream's last packets
// can still be repaired. Without it a viewer's NACKs multiply its own load.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/clock.h"

namespace hg {

class ResendBudget {
 public:
  struct Limits {
    std::uint32_t share_percent = 50;   // of the bytes sent for the first time
    std::uint64_t floor_bps = 100'000;  // bit/s
    std::size_t burst_bytes = 64 * 1024;  // what can be saved up
  };

  ResendBudget(const Limits& limits, Timestamp now)
      : limits_(limits), tokens_(limits.burst_bytes), filled_at_(now) {}

  // A packet of `bytes` went out for the first time.
  void OnSent(std::size_t bytes) { Fill(bytes * limits_.share_percent / 100); }
  // True, and spent, if a resend of `bytes` fits; counted if it does not.
  bool Take(std::size_t bytes, Timestamp now) {
    FillFloor(now);
    if (bytes > tokens_) {
      ++refused_;
      return false;
    }
    tokens_ -= bytes;
    return true;
  }
  std::uint64_t refused() const { return refused_; }

 private:
  void Fill(std::size_t bytes) {
    tokens_ = std::min(tokens_ + bytes, limits_.burst_bytes);
  }
  void FillFloor(Timestamp now) {
    const Duration elapsed = now - filled_at_;
    if (elapsed >= 1s) {
      filled_at_ = now;
      Fill(limits_.floor_bps / 8);
      return;
    }
    if (elapsed <= 0s) return;
    const std::uint64_t bytes = limits_.floor_bps *
                                static_cast<std::uint64_t>(ToMicros(elapsed)) /
                                8'000'000;
    if (bytes == 0) return;
    // Only the time that these whole bytes are worth: the rest counts later.
    filled_at_ += Duration(
        static_cast<std::int64_t>(bytes * 8'000'000'000 / limits_.floor_bps));
    Fill(bytes);
  }

  Limits limits_;
  std::size_t tokens_;
  Timestamp filled_at_;
  std::uint64_t refused_ = 0;
};

}  // namespace hg
