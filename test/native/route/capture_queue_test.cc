#include "route/capture_queue.h"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace hg::test {
namespace {

using Packet = std::vector<std::uint8_t>;

class ReaderStub final : public RingReader {
 public:
  void Wake() override { ++wakes; }
  std::atomic<int> wakes{0};
};

struct Rig {
  explicit Rig(std::size_t truncate = 0, std::size_t size = 1024)
      : queue(truncate, size, budget, reader) {}

  void Push(const Packet& packet) {
    queue.Push(CaptureDirection::kIn, CaptureKind::kRtp, packet, Timestamp(1s));
  }
  std::size_t Count() {
    std::size_t count = 0;
    while (queue.Pop(bytes)) ++count;
    return count;
  }

  CaptureBudget budget;
  ReaderStub reader;
  CaptureQueue queue;
  std::vector<std::uint8_t> bytes;
};

TEST_CASE("what is captured comes out as it went in, around the ring's end") {
  Rig rig;
  for (std::uint8_t i = 0; i < 250; ++i) {
    const Packet packet(100 + i % 7, i);
    const auto direction =
        i % 2 == 0 ? CaptureDirection::kIn : CaptureDirection::kOut;
    const auto kind = i % 3 == 0 ? CaptureKind::kRtp : CaptureKind::kRtcp;
    rig.queue.Push(direction, kind, packet, Timestamp(1ms * i));

    const auto head = rig.queue.Pop(rig.bytes);
    REQUIRE(head);
    CHECK(head->time == Timestamp(1ms * i));
    CHECK(head->size == packet.size());
    CHECK(head->kept == packet.size());
    CHECK(head->direction == direction);
    CHECK(head->kind == kind);
    CHECK(rig.bytes == packet);
  }
  CHECK_FALSE(rig.queue.Pop(rig.bytes));
  CHECK(rig.queue.dropped() == 0);
}

TEST_CASE("of long packets the first bytes are kept, if that is wished") {
  Rig rig(40);
  rig.Push(Packet(1200, 7));
  rig.Push(Packet(40, 8));
  rig.Push(Packet(12, 9));

  const auto first = rig.queue.Pop(rig.bytes);
  CHECK(first->size == 1200);
  CHECK(first->kept == 40);
  CHECK(rig.bytes == Packet(40, 7));
  CHECK(rig.queue.Pop(rig.bytes)->kept == 40);
  CHECK(rig.queue.Pop(rig.bytes)->kept == 12);
}

TEST_CASE("a full ring drops the newest, counts, and has called in time") {
  Rig rig;
  for (int i = 0; i < 20; ++i) rig.Push(Packet(100, 1));

  CHECK(rig.reader.wakes == 2);
  const std::size_t fit = 1024 / (100 + sizeof(CapturedPacket));
  CHECK(rig.queue.dropped() == 20 - fit);
  CHECK(rig.Count() == fit);
  rig.Push(Packet(100, 2));
  CHECK(rig.Count() == 1);
}

TEST_CASE("rings are counted while they are there") {
  Rig rig;
  {
    const CaptureQueue other(0, 1024, rig.budget, rig.reader);
    CHECK(rig.budget.rings == 2);
  }
  CHECK(rig.budget.rings == 1);
}

TEST_CASE("two threads share a ring, and nothing is torn") {
  constexpr std::uint32_t kPackets = 100000;
  Rig rig(0, 1 << 14);
  std::thread producer([&] {
    Packet packet;
    for (std::uint32_t i = 0; i < kPackets; ++i) {
      packet.assign(1 + i % 300, static_cast<std::uint8_t>(i));
      rig.Push(packet);
    }
    rig.queue.End();
  });

  std::uint32_t taken = 0;
  for (;;) {
    const bool ended = rig.queue.ended();
    while (const auto head = rig.queue.Pop(rig.bytes)) {
      ++taken;
      for (const std::uint8_t byte : rig.bytes) {
        if (byte != rig.bytes[0]) FAIL("a packet is torn");
      }
    }
    if (ended) break;
  }
  producer.join();

  CHECK(taken + rig.queue.dropped() == kPackets);
}

}  // namespace
}  // namespace hg::test
