// Statistics of one object: written by the one thread that owns the object,
// read by any thread (metrics, admin) without waiting. A reader sees each value
// whole, but two values need not be of the same moment.
#pragma once

#include <atomic>
#include <cstdint>

namespace hg {

// Only grows.
class Counter {
 public:
  // Single writer, so a plain load and store: a locked add would cost 5 ns.
  void Add(std::uint64_t n = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + n,
                 std::memory_order_relaxed);
  }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

// Goes up and down.
class Gauge {
 public:
  void Set(std::uint64_t v) { value_.store(v, std::memory_order_relaxed); }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

}  // namespace hg
