#include "route/injection_queue.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <thread>
#include <utility>
#include <vector>

#include "native/rtp/packets.h"

namespace hg::test {
namespace {

std::vector<ByteVector> Packets(std::size_t count, std::uint32_t first = 0) {
  std::vector<ByteVector> packets;
  for (std::size_t i = 0; i < count; ++i) {
    RtpFields fields;
    fields.timestamp = first + static_cast<std::uint32_t>(i);
    packets.push_back(fields.Build());
  }
  return packets;
}

bool Push(InjectionQueue& queue, const std::vector<ByteVector>& packets,
          PacketPool& pool) {
  const std::vector<Bytes> views(packets.begin(), packets.end());
  return queue.Push(views, pool);
}

TEST_CASE("packets are injected whole and in order") {
  PacketPool pool({});
  InjectionQueue queue;
  const auto packets = Packets(100);

  CHECK(Push(queue, packets, pool));
  CHECK(Push(queue, {}, pool));

  CHECK(queue.waiting() == 100);
  for (const ByteVector& packet : packets) {
    const auto draft = queue.Pop();
    REQUIRE(draft);
    CHECK(std::ranges::equal((*draft)->bytes(), packet));
  }
  CHECK(queue.empty());
  CHECK_FALSE(queue.TakeRoomWanted());
}

TEST_CASE("a batch that finds no room is refused whole, and told of room") {
  PacketPool pool({});
  InjectionQueue queue;
  const auto batch = Packets(InjectionQueue::kMaxBatch);
  CHECK(Push(queue, batch, pool));
  CHECK(Push(queue, Packets(1000), pool));

  CHECK_FALSE(Push(queue, Packets(25), pool));

  CHECK(queue.waiting() == 2024);
  CHECK(queue.refused.value() == 25);
  CHECK(Push(queue, Packets(24), pool));
  CHECK_FALSE(queue.TakeRoomWanted());
  for (int i = 0; i < 1023; ++i) queue.Pop();
  CHECK_FALSE(queue.TakeRoomWanted());
  queue.Pop();
  CHECK(queue.TakeRoomWanted());
  CHECK_FALSE(queue.TakeRoomWanted());
  CHECK(Push(queue, batch, pool));
}

TEST_CASE("when there are no packets left a batch is refused whole") {
  PacketPool pool({.slab_packets = 8, .max_packets = 16});
  InjectionQueue queue;
  CHECK(Push(queue, Packets(10), pool));

  CHECK_FALSE(Push(queue, Packets(7), pool));

  CHECK(queue.waiting() == 10);
  CHECK(queue.TakeRoomWanted());
  // What was taken for the refused batch is back.
  CHECK(Push(queue, Packets(6), pool));
}

TEST_CASE("service is asked for once until it begins") {
  InjectionQueue queue;

  CHECK(queue.WantsService());
  CHECK_FALSE(queue.WantsService());
  queue.BeginService();
  CHECK(queue.WantsService());
}

TEST_CASE("with a thread at each end every packet arrives once, in order") {
  constexpr std::uint32_t kBatches = 5'000;
  constexpr std::uint32_t kSize = 16;
  InjectionQueue queue;
  std::atomic<bool> done{false};

  std::thread application([&] {
    PacketPool pool({});
    for (std::uint32_t i = 0; i < kBatches; ++i) {
      const auto batch = Packets(kSize, i * kSize);
      while (!Push(queue, batch, pool)) std::this_thread::yield();
    }
    done = true;
  });
  std::uint32_t next = 0;
  std::uint32_t wrong = 0;
  for (bool last = false; !last;) {
    last = done;
    while (auto draft = queue.Pop()) {
      if (LoadU32(&(*draft)->bytes()[4]) != next++) ++wrong;
      const PacketRef packet = std::move(*draft).Seal();
    }
  }
  application.join();

  CHECK(next == kBatches * kSize);
  CHECK(wrong == 0);
}

}  // namespace
}  // namespace hg::test
