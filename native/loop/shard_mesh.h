// The ways between media threads: one bounded SPSC ring for each ordered pair
// of shards that has something to say. Packets are dropped (and counted) when a
// ring is full; everything else waits in the sender until there is room, so no
// order is lost.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "base/counter.h"
#include "base/mailbox.h"
#include "base/pool.h"

namespace hg {

class Poller;

struct ShardMessage {
  enum class Kind : std::uint8_t {
    kNone,
    // From a source's home shard to a replica.
    kPacket,
    kSenderClock,  // a: NTP, b: NTP of arrival, c: RTP timestamp
    kSourceClosed,
    // From a replica to its source's home shard.
    kSubscribe,
    kUnsubscribe,
    kKeyframeWanted,
    kRemb,  // a: the lowest of the shard's viewers, bit/s
  };
  Kind kind = Kind::kNone;
  std::uint32_t source = 0;
  PacketRef packet;
  std::uint64_t a = 0;
  std::uint64_t b = 0;
  std::uint32_t c = 0;
};

class ShardMesh {
 public:
  explicit ShardMesh(unsigned shards);
  ~ShardMesh();
  ShardMesh(const ShardMesh&) = delete;
  ShardMesh& operator=(const ShardMesh&) = delete;

  unsigned shards() const { return shards_; }
  // Before any thread runs: who to wake for shard `index`.
  void SetPoller(unsigned index, Poller& poller);

  // On the thread of `from`.
  void Post(unsigned from, unsigned to, ShardMessage message);
  // Sends on what waited for room and wakes who was sent something. Once a
  // turn. True if something still waits.
  bool Flush(unsigned from);
  // On the thread of `to`: the next message from `from`.
  std::optional<ShardMessage> Take(unsigned from, unsigned to);

  // Any thread.
  std::uint64_t dropped(unsigned from) const;
  // How many pairs have a ring by now.
  unsigned ways() const;

 private:
  // A power of two. 200 KB; 40 ms of what one thread can take in.
  static constexpr std::size_t kRingSize = 4096;

  struct Way {
    Way() : ring(kRingSize) {}
    SpscRing<ShardMessage> ring;
    std::deque<ShardMessage> waiting;  // sender's thread only
    bool wake = false;
    Counter dropped;
  };
  // Null until the sender has made it: with 64 shards all of them would take
  // 800 MB.
  Way* Find(unsigned from, unsigned to) const {
    return ways_[from * shards_ + to].load(std::memory_order_acquire);
  }
  Way& Make(unsigned from, unsigned to);

  const unsigned shards_;
  const std::unique_ptr<std::atomic<Way*>[]> ways_;
  std::vector<Poller*> pollers_;
};

}  // namespace hg
