// What the threads of one recording share: the ring that packets go through
// from a media thread (or messages, from JavaScript) to the file
// thread, and the statistics.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/counter.h"
#include "base/mailbox.h"
#include "base/pool.h"
#include "base/ring_reader.h"

namespace hg {

// `dropped` is written by whoever pushes, the others by the file thread; read
// by any.
struct RecordingStats {
  Counter packets;    // written, or to be within a second
  Counter dropped;    // found the ring full, or the file broken
  Gauge bytes;        // of the file
  Gauge duration_ms;  // from the first to the newest
};

// What all recordings of an engine together may keep waiting. A packet that
// waits for a slow disk is missing in the pool of its media thread, which has
// 65536.
struct RecorderBudget {
  static constexpr std::int64_t kMaxPackets = 16384;
  static constexpr std::int64_t kMaxMessageBytes = 16 << 20;
  std::atomic<std::int64_t> packets{0};
  std::atomic<std::int64_t> message_bytes{0};
};

class Recording {
 public:
  struct Item {
    // One of the two.
    PacketRef packet;
    std::unique_ptr<std::vector<std::uint8_t>> message;
    Timestamp time{};  // of arrival
    // Of the packet, as they shall be written.
    std::uint32_t timestamp = 0;
    std::uint16_t seq = 0;
  };

  // 4 s of 5 Mbit/s video; 10 s of 20 ms audio.
  static constexpr std::size_t kVideoRing = 2048;
  static constexpr std::size_t kOtherRing = 512;

  // `budget` and `reader` must outlive it.
  Recording(std::uint32_t number, std::size_t ring_size, RecorderBudget& budget,
            RingReader& reader)
      : id(number), budget_(budget), reader_(reader), ring_(ring_size) {}
  ~Recording() {
    while (Pop()) {
    }
  }
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;

  // ---- the one thread that pushes -------------------------------------------

  // False: dropped, and counted.
  bool Push(Item&& item) {
    auto& held = item.packet ? budget_.packets : budget_.message_bytes;
    const std::int64_t limit = item.packet ? RecorderBudget::kMaxPackets
                                           : RecorderBudget::kMaxMessageBytes;
    const std::int64_t weight = WeightOf(item);
    if (broken() || held.load(std::memory_order_relaxed) + weight > limit ||
        !ring_.Push(std::move(item))) {
      stats.dropped.Add();
      return false;
    }
    held.fetch_add(weight, std::memory_order_relaxed);
    // The reader comes by itself now and then; a ring that fills calls it.
    if (++pushed_ % (ring_.capacity() / 4) == 0) reader_.Wake();
    return true;
  }
  // Nothing is pushed any more: the file is finished when the ring is empty.
  void End() {
    ended_.store(true, std::memory_order_release);
    reader_.Wake();
  }
  // The file cannot be written any more.
  bool broken() const { return broken_.load(std::memory_order_relaxed); }

  // ---- the file thread ------------------------------------------------------

  std::optional<Item> Pop() {
    auto item = ring_.Pop();
    if (item)
      (item->packet ? budget_.packets : budget_.message_bytes)
          .fetch_sub(WeightOf(*item), std::memory_order_relaxed);
    return item;
  }
  // To be asked before the ring is emptied.
  bool ended() const { return ended_.load(std::memory_order_acquire); }
  void SetBroken() { broken_.store(true, std::memory_order_relaxed); }
  bool empty() const { return ring_.empty(); }

  const std::uint32_t id;
  RecordingStats stats;

 private:
  static std::int64_t WeightOf(const Item& item) {
    return item.packet ? 1 : static_cast<std::int64_t>(item.message->size());
  }

  RecorderBudget& budget_;
  RingReader& reader_;
  SpscRing<Item> ring_;
  std::uint64_t pushed_ = 0;
  std::atomic<bool> ended_{false};
  std::atomic<bool> broken_{false};
};

}  // namespace hg
