#include "loop/shard_mesh.h"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "loop/poller.h"
#include "support/rtp_stream.h"

namespace hg::test {
namespace {

using Kind = ShardMessage::Kind;

ShardMessage Control(std::uint32_t source) {
  ShardMessage message;
  message.kind = Kind::kKeyframeWanted;
  message.source = source;
  return message;
}

ShardMessage Packet(PacketPool& pool, std::uint32_t source) {
  ShardMessage message;
  message.kind = Kind::kPacket;
  message.source = source;
  message.packet = MakePacket(pool, {});
  return message;
}

struct Rig {
  explicit Rig(unsigned shards) : mesh(shards), pollers(shards) {
    for (unsigned i = 0; i < shards; ++i) mesh.SetPoller(i, pollers[i]);
  }
  ShardMesh mesh;
  std::vector<Poller> pollers;
  PacketPool pool{{.slab_packets = 64, .max_packets = 65536}};
};

TEST_CASE("messages arrive in order, at their shard only") {
  Rig rig(3);
  for (std::uint32_t i = 0; i < 10; ++i) {
    rig.mesh.Post(0, 2, i % 3 == 0 ? Packet(rig.pool, i) : Control(i));
  }

  CHECK_FALSE(rig.mesh.Flush(0));

  for (std::uint32_t i = 0; i < 10; ++i) {
    const auto message = rig.mesh.Take(0, 2);
    REQUIRE(message);
    CHECK(message->source == i);
    CHECK(static_cast<bool>(message->packet) == (i % 3 == 0));
  }
  CHECK_FALSE(rig.mesh.Take(0, 2));
  CHECK_FALSE(rig.mesh.Take(0, 1));
  CHECK_FALSE(rig.mesh.Take(2, 0));
  CHECK_FALSE(rig.mesh.Take(1, 2));
}

TEST_CASE("a full way drops packets, counts them, and loses nothing else") {
  Rig rig(2);
  std::uint32_t packets = 0;
  while (rig.mesh.dropped(0) == 0)
    rig.mesh.Post(0, 1, Packet(rig.pool, packets++));
  for (std::uint32_t i = 0; i < 5; ++i)
    rig.mesh.Post(0, 1, Control(1'000'000 + i));
  // Behind something that waits nothing overtakes, so this one is lost as well.
  rig.mesh.Post(0, 1, Packet(rig.pool, packets));

  CHECK(rig.mesh.dropped(0) == 2);
  CHECK(rig.mesh.Flush(0));
  for (std::uint32_t i = 0; i + 1 < packets; ++i)
    REQUIRE(rig.mesh.Take(0, 1)->source == i);
  CHECK_FALSE(rig.mesh.Take(0, 1));
  CHECK_FALSE(rig.mesh.Flush(0));
  for (std::uint32_t i = 0; i < 5; ++i)
    CHECK(rig.mesh.Take(0, 1)->source == 1'000'000 + i);
  CHECK_FALSE(rig.mesh.Take(0, 1));
}

TEST_CASE("a flush wakes whoever was sent something, and only those") {
  Rig rig(3);
  rig.mesh.Post(0, 2, Control(1));
  rig.mesh.Flush(0);
  Timestamp now;

  CHECK(rig.pollers[2].Poll(MonotonicNow(), now));
  CHECK_FALSE(rig.pollers[1].Poll(MonotonicNow(), now));
  rig.mesh.Flush(0);
  CHECK_FALSE(rig.pollers[2].Poll(MonotonicNow(), now));
}

TEST_CASE("packets of a mesh that goes return to their pool") {
  PacketPool pool({.slab_packets = 4, .max_packets = 4});
  {
    Rig rig(2);
    for (std::uint32_t i = 0; i < 4; ++i) rig.mesh.Post(0, 1, Packet(pool, i));
    CHECK_FALSE(pool.Allocate());
  }
  CHECK(pool.Allocate());
}

TEST_CASE("pairs of shards that have nothing to say have no ring") {
  Rig rig(64);  // as many threads as a large machine has
  CHECK(rig.mesh.ways() == 0);
  CHECK_FALSE(rig.mesh.Take(3, 4));
  CHECK_FALSE(rig.mesh.Flush(3));

  rig.mesh.Post(3, 4, Control(1));
  rig.mesh.Post(3, 4, Control(2));
  rig.mesh.Post(4, 3, Control(3));

  CHECK(rig.mesh.ways() == 2);
  CHECK(rig.mesh.dropped(5) == 0);
}

TEST_CASE(
    "three threads exchange messages, sleep, wake, and lose no control"
    " message") {
  constexpr unsigned kShards = 3;
  constexpr std::uint32_t kMessages = 30'000;
  Rig rig(kShards);
  std::atomic<unsigned> finished{0};
  std::atomic<bool> in_order{true};
  std::vector<std::uint64_t> packets_seen(kShards);
  std::vector<std::thread> threads;
  for (unsigned self = 0; self < kShards; ++self) {
    threads.emplace_back([&, self] {
      PacketPool pool({.slab_packets = 1024, .max_packets = 65536});
      std::vector<std::uint32_t> next(kShards, 0);
      std::uint32_t sent = 0;
      unsigned complete = 0;
      bool waits = false;
      while (finished < kShards) {
        Timestamp now;
        const bool busy = sent < kMessages || waits;
        rig.pollers[self].Poll(MonotonicNow() + (busy ? 0ms : 1s), now);
        for (int burst = 0; burst < 100 && sent < kMessages; ++burst, ++sent) {
          for (unsigned to = 0; to < kShards; ++to) {
            if (to == self) continue;
            rig.mesh.Post(self, to, Control(sent));
            rig.mesh.Post(self, to, Packet(pool, sent));
          }
        }
        for (unsigned from = 0; from < kShards; ++from) {
          if (from == self) continue;
          while (const auto message = rig.mesh.Take(from, self)) {
            if (message->kind == Kind::kPacket) {
              ++packets_seen[self];
              // Of the control message before it, or the last before a drop.
              if (message->source + 1 != next[from]) in_order = false;
            } else if (message->source != next[from]++) {
              in_order = false;
            } else if (next[from] == kMessages && ++complete == kShards - 1) {
              if (++finished == kShards)
                for (Poller& poller : rig.pollers) poller.Wake();
            }
          }
        }
        waits = rig.mesh.Flush(self);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();

  CHECK(finished == kShards);
  CHECK(in_order);
  std::uint64_t dropped = 0;
  std::uint64_t seen = 0;
  for (unsigned i = 0; i < kShards; ++i) {
    dropped += rig.mesh.dropped(i);
    seen += packets_seen[i];
    while (rig.mesh.Take(i, (i + 1) % kShards)) ++seen;
    while (rig.mesh.Take(i, (i + 2) % kShards)) ++seen;
  }
  CHECK(seen + dropped == std::uint64_t{kMessages} * kShards * (kShards - 1));
}

}  // namespace
}  // namespace hg::test
