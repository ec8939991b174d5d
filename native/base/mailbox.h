// A bounded ring from one producer thread to one consumer thread, lock-free:
// how a source hands packets to a replica or a service thread. When it is full
// the producer drops, and the ring counts. It wakes nobody: the owner signals
// an eventfd once after a burst.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <memory>
#include <new>
#include <optional>
#include <utility>

#include "base/check.h"
#include "base/counter.h"

namespace hg {

// Two lines: x86 prefetches cache lines in pairs.
inline constexpr std::size_t kNoFalseSharing = 128;

// T is default-constructible and movable. A popped slot keeps a moved-from T,
// so a smart handle must be empty after a move.
template <typename T>
class SpscRing {
 public:
  // `capacity`: how many elements fit; a power of two.
  explicit SpscRing(std::size_t capacity)
      : mask_(capacity - 1), slots_(std::make_unique<T[]>(capacity)) {
    HG_CHECK(std::has_single_bit(capacity));
  }
  SpscRing(const SpscRing&) = delete;
  SpscRing& operator=(const SpscRing&) = delete;

  // Producer. False when full: `value` is then untouched, and counted.
  bool Push(T&& value) {
    const std::size_t tail = tail_.load(std::memory_order_relaxed);
    if (tail - head_seen_ > mask_) {
      head_seen_ = head_.load(std::memory_order_acquire);
      if (tail - head_seen_ > mask_) {
        dropped_.Add();
        return false;
      }
    }
    slots_[tail & mask_] = std::move(value);
    tail_.store(tail + 1, std::memory_order_release);
    return true;
  }
  bool Push(const T& value) { return Push(T(value)); }

  // Consumer.
  std::optional<T> Pop() {
    const std::size_t head = head_.load(std::memory_order_relaxed);
    if (head == tail_seen_) {
      tail_seen_ = tail_.load(std::memory_order_acquire);
      if (head == tail_seen_) return std::nullopt;
    }
    std::optional<T> value(std::move(slots_[head & mask_]));
    head_.store(head + 1, std::memory_order_release);
    return value;
  }

  // Any thread; exact only when the other side rests.
  std::size_t size() const {
    const std::size_t head = head_.load(std::memory_order_acquire);
    return tail_.load(std::memory_order_acquire) - head;
  }
  bool empty() const { return size() == 0; }
  std::size_t capacity() const { return mask_ + 1; }
  // How often Push found it full. Any thread.
  std::uint64_t dropped() const { return dropped_.value(); }

 private:
  const std::size_t mask_;
  const std::unique_ptr<T[]> slots_;
  // Producer's line: its index, and the consumer's as last seen.
  alignas(kNoFalseSharing) std::atomic<std::size_t> tail_{0};
  std::size_t head_seen_ = 0;
  Counter dropped_;
  // Consumer's line.
  alignas(kNoFalseSharing) std::atomic<std::size_t> head_{0};
  std::size_t tail_seen_ = 0;
};

}  // namespace hg
