#include "base/pool.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "base/mailbox.h"

namespace hg {
namespace {

PacketRef Make(PacketPool& pool, std::uint32_t number) {
  PacketDraft draft = pool.Allocate();
  if (!draft) return {};
  StoreU32(draft->buffer().data(), number);
  draft->set_size(4);
  draft->info.ssrc = number;
  return std::move(draft).Seal();
}

}  // namespace

TEST_CASE("a sealed packet shows what was put into the draft") {
  PacketPool pool({.slab_packets = 4, .max_packets = 8});
  PacketDraft draft = pool.Allocate();
  REQUIRE(draft);
  std::fill_n(draft->buffer().begin(), 20, std::uint8_t{7});
  draft->set_size(20);
  draft->info.payload_offset = 12;
  draft->info.payload_size = 8;
  draft->info.extended_seq = 0x12345;

  const PacketRef packet = std::move(draft).Seal();

  CHECK_FALSE(draft);
  CHECK(packet->size() == 20);
  CHECK(packet->header_size() == 12);
  CHECK(packet->payload().size() == 8);
  CHECK(packet->payload().data() == packet->bytes().data() + 12);
  CHECK(packet->seq() == 0x2345);
}

TEST_CASE("offsets outside the packet give no bytes") {
  PacketPool pool({.slab_packets = 1, .max_packets = 1});
  PacketDraft draft = pool.Allocate();
  draft->set_size(10);
  draft->info.payload_offset = 4;
  draft->info.payload_size = 7;
  draft->info.extension_offset = 0xffff;
  draft->info.extension_size = 0xffff;

  CHECK(draft->payload().empty());
  CHECK(draft->extension().empty());
}

TEST_CASE("a block comes back only when its last reference is gone") {
  PacketPool pool({.slab_packets = 1, .max_packets = 1});
  PacketRef a = Make(pool, 1);
  PacketRef b = a;

  CHECK_FALSE(pool.Allocate());
  a.reset();
  CHECK_FALSE(pool.Allocate());
  CHECK(b->info.ssrc == 1);
  b.reset();
  CHECK(pool.Allocate());
  CHECK(pool.exhausted() == 2);
}

TEST_CASE("a moved or assigned reference counts once") {
  PacketPool pool({.slab_packets = 2, .max_packets = 2});
  PacketRef a = Make(pool, 1);
  PacketRef b = std::move(a);
  CHECK_FALSE(a);
  a = Make(pool, 2);
  b = a;  // lets go of the first
  a = a;
  CHECK(b->info.ssrc == 2);

  CHECK(pool.Allocate());
}

TEST_CASE("a draft that is dropped, or assigned over, gives its block back") {
  PacketPool pool({.slab_packets = 2, .max_packets = 2});
  {
    PacketDraft a = pool.Allocate();
    PacketDraft b = pool.Allocate();
    a = std::move(b);
  }

  CHECK(pool.Allocate());
  CHECK(pool.exhausted() == 0);
}

TEST_CASE("a used block looks like new") {
  PacketPool pool({.slab_packets = 1, .max_packets = 1});
  Make(pool, 9).reset();

  const PacketDraft draft = pool.Allocate();

  REQUIRE(draft);
  CHECK(draft->size() == 0);
  CHECK(draft->info.ssrc == 0);
  CHECK(draft->header_size() == 0);
}

TEST_CASE("a pool grows by slabs up to its bound") {
  PacketPool pool({.slab_packets = 4, .max_packets = 10});
  std::vector<PacketRef> packets;
  CHECK(pool.blocks() == 4);

  for (std::uint32_t i = 0; i < 10; ++i) packets.push_back(Make(pool, i));

  CHECK(pool.blocks() == 10);
  CHECK(packets.back());
  CHECK_FALSE(pool.Allocate());
  for (std::uint32_t i = 0; i < 10; ++i) CHECK(packets[i]->info.ssrc == i);
}

TEST_CASE("the block that came back last is used next") {
  PacketPool pool({.slab_packets = 4, .max_packets = 16});
  std::vector<PacketRef> packets;
  for (std::uint32_t i = 0; i < 8; ++i) packets.push_back(Make(pool, i));
  std::vector<const PacketBuffer*> blocks;
  for (const PacketRef& packet : packets) blocks.push_back(packet.get());

  packets[3].reset();
  packets[5].reset();
  CHECK(Make(pool, 10).get() == blocks[5]);  // and is back at once
  packets[1].reset();

  for (const int n : {1, 5, 3}) {
    packets[n] = Make(pool, 20);
    CHECK(packets[n].get() == blocks[n]);
  }
  CHECK(pool.blocks() == 8);
}

TEST_CASE("packets outlive their pool") {
  std::vector<PacketRef> packets;
  {
    PacketPool pool({.slab_packets = 2, .max_packets = 8});
    for (std::uint32_t i = 0; i < 5; ++i) packets.push_back(Make(pool, i));
    packets.erase(packets.begin());  // one is back before the pool goes
  }

  for (std::uint32_t i = 0; i < 4; ++i)
    CHECK(LoadU32(packets[i]->bytes().data()) == i + 1);
  packets.clear();  // ASan tells whether the memory went with the last
}

TEST_CASE("packets are released on other threads while more are allocated") {
  constexpr std::uint32_t kCount = 40'000;
  constexpr std::size_t kConsumers = 2;
  std::optional<PacketPool> pool(
      std::in_place, PacketPool::Limits{.slab_packets = 16, .max_packets = 64});
  std::array<SpscRing<PacketRef>, kConsumers> rings{SpscRing<PacketRef>(32),
                                                    SpscRing<PacketRef>(32)};
  std::atomic<bool> done = false;
  std::array<std::uint64_t, kConsumers> received{};
  std::array<bool, kConsumers> intact{true, true};
  std::vector<std::thread> threads;
  for (std::size_t c = 0; c < kConsumers; ++c)
    threads.emplace_back([&, c] {
      std::array<PacketRef, 8> kept;  // so that blocks come back out of order
      while (true) {
        const bool last = done.load();
        PacketRef packet;
        while (auto popped = rings[c].Pop()) {
          packet = *std::move(popped);
          intact[c] =
              intact[c] && LoadU32(packet->bytes().data()) == packet->info.ssrc;
          kept[packet->info.ssrc % kept.size()] = packet;
          ++received[c];
        }
        if (last) break;
        std::this_thread::yield();
      }
    });

  std::uint64_t pushed = 0;
  for (std::uint32_t i = 0; i < kCount; ++i) {
    PacketRef packet = Make(*pool, i);
    if (!packet) {
      std::this_thread::yield();
      continue;
    }
    for (auto& ring : rings) pushed += ring.Push(packet) ? 1 : 0;
  }
  done = true;
  pool.reset();  // while both still hold packets
  for (std::thread& thread : threads) thread.join();

  CHECK(received[0] + received[1] == pushed);
  CHECK(pushed > 0);
  CHECK(intact[0]);
  CHECK(intact[1]);
}

TEST_CASE("of pool and packets, on two threads, either may go first") {
  for (int round = 0; round < 500; ++round) {
    std::optional<PacketPool> pool(
        std::in_place, PacketPool::Limits{.slab_packets = 4, .max_packets = 4});
    std::array<PacketRef, 3> packets;
    for (std::uint32_t i = 0; i < 3; ++i) packets[i] = Make(*pool, i);
    std::thread other([&] {
      for (PacketRef& packet : packets) packet.reset();
    });

    pool.reset();
    other.join();
  }
}

}  // namespace hg
