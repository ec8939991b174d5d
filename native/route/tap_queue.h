// What the two threads of a tap share: the ring that packets go through from a
// media thread to the application, and the statistics. The packets are not
// copied; the media thread never waits: what finds the ring full is dropped and
// counted.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/counter.h"
#include "base/mailbox.h"
#include "base/pool.h"
#include "base/ring_reader.h"

namespace hg {

struct TapStats {
  Counter packets;  // read
  Counter bytes;    // of them
  Counter dropped;  // found the ring full
};

// What all taps of an engine together may keep waiting. A packet that waits is
// missing in the pool of its media thread, which has 65536.
struct TapBudget {
  static constexpr std::int64_t kMaxPackets = 16384;
  std::atomic<std::int64_t> packets{0};
};

class TapQueue {
 public:
  // `capacity`: packets, a power of two. `budget` and `reader` must outlive it.
  TapQueue(std::size_t capacity, TapBudget& budget, RingReader& reader)
      : budget_(budget), reader_(reader), ring_(capacity) {}
  ~TapQueue();
  TapQueue(const TapQueue&) = delete;
  TapQueue& operator=(const TapQueue&) = delete;

  // The media thread.
  void Push(std::span<const PacketRef> burst);

  // The application: adds what waits to `out`, and returns how much that was.
  std::size_t Read(std::vector<PacketRef>& out);

  // Any thread.
  std::size_t waiting() const { return ring_.size(); }
  TapStats stats;

 private:
  TapBudget& budget_;
  RingReader& reader_;
  SpscRing<PacketRef> ring_;
};

}  // namespace hg
