// The ring of a tap and the sink in front of it.
#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "native/route/fakes.h"
#include "native/rtp/packets.h"
#include "route/replica.h"
#include "route/tap_queue.h"
#include "route/tap_track.h"

namespace hg::test {
namespace {

class ReaderStub final : public RingReader {
 public:
  void Wake() override { wakes.fetch_add(1); }
  std::atomic<int> wakes{0};
};

class Rig {
 public:
  std::vector<PacketRef> Burst(std::size_t count) {
    std::vector<PacketRef> burst;
    for (std::size_t i = 0; i < count; ++i) {
      RtpFields fields;
      fields.seq = next_seq_++;
      burst.push_back(Seal(pool, fields));
    }
    return burst;
  }
  std::vector<PacketRef> Read(TapQueue& queue) {
    std::vector<PacketRef> packets;
    const std::size_t count = queue.Read(packets);
    CHECK(count == packets.size());
    return packets;
  }

  PacketPool pool{{}};
  TapBudget budget;
  ReaderStub reader;

 private:
  std::uint16_t next_seq_ = 65530;
};

TEST_CASE("what is read from a tap are the packets that were pushed") {
  Rig rig;
  TapQueue queue(64, rig.budget, rig.reader);
  const auto one = rig.Burst(10);
  const auto two = rig.Burst(20);

  queue.Push(one);
  queue.Push(two);

  CHECK(rig.reader.wakes == 2);
  CHECK(queue.waiting() == 30);
  CHECK(rig.budget.packets == 30);
  const auto read = rig.Read(queue);
  REQUIRE(read.size() == 30);
  for (std::size_t i = 0; i < 30; ++i)
    CHECK(read[i].get() == (i < 10 ? one[i] : two[i - 10]).get());
  CHECK(queue.stats.packets.value() == 30);
  CHECK(queue.stats.bytes.value() == 30 * one[0]->size());
  CHECK(queue.stats.dropped.value() == 0);
  CHECK(rig.budget.packets == 0);
  CHECK(rig.Read(queue).empty());
}

TEST_CASE("a tap that is full drops the newest, counts, and goes on") {
  Rig rig;
  TapQueue queue(16, rig.budget, rig.reader);
  const auto first = rig.Burst(10);
  const auto second = rig.Burst(10);

  queue.Push(first);
  queue.Push(second);
  queue.Push(rig.Burst(5));

  CHECK(queue.stats.dropped.value() == 9);
  CHECK(rig.reader.wakes == 2);  // the last brought nothing
  CHECK(rig.budget.packets == 16);
  const auto read = rig.Read(queue);
  REQUIRE(read.size() == 16);
  CHECK(read[15].get() == second[5].get());
  CHECK(rig.budget.packets == 0);
  queue.Push(second);
  CHECK(rig.Read(queue).size() == 10);
  CHECK(queue.stats.dropped.value() == 9);
}

TEST_CASE("all taps together keep no more than their budget") {
  Rig rig;
  std::vector<std::unique_ptr<TapQueue>> queues;
  for (int i = 0; i < 20; ++i)
    queues.push_back(std::make_unique<TapQueue>(1024, rig.budget, rig.reader));
  const auto burst = rig.Burst(64);

  for (const auto& queue : queues)
    for (int i = 0; i < 16; ++i) queue->Push(burst);

  CHECK(rig.budget.packets == TapBudget::kMaxPackets);
  CHECK(queues[15]->stats.dropped.value() == 0);
  CHECK(queues[16]->stats.dropped.value() == 1024);
  // What is read, and what goes with its tap, is free again.
  rig.Read(*queues[0]);
  queues[1].reset();
  CHECK(rig.budget.packets == TapBudget::kMaxPackets - 2048);
  queues[16]->Push(burst);
  CHECK(queues[16]->stats.dropped.value() == 1024);
  CHECK(queues[16]->waiting() == 64);
  queues.clear();
  CHECK(rig.budget.packets == 0);
}

TEST_CASE("with a thread at each end every packet is read or counted") {
  constexpr std::uint64_t kBursts = 20'000;
  constexpr std::size_t kSize = 8;
  Rig rig;
  TapQueue queue(256, rig.budget, rig.reader);
  std::atomic<bool> done{false};

  std::thread media([&] {
    PacketPool pool{{}};
    std::uint32_t next = 0;
    std::array<PacketRef, kSize> burst;
    for (std::uint64_t i = 0; i < kBursts; ++i) {
      for (PacketRef& packet : burst) {
        RtpFields fields;
        fields.timestamp = next++;
        packet = Seal(pool, fields);
      }
      queue.Push(burst);
    }
    done = true;
  });
  std::uint64_t read = 0;
  std::uint64_t order = 0;  // breaks of it
  std::uint32_t newest = 0;
  std::vector<PacketRef> packets;
  for (bool last = false; !last;) {
    last = done;
    queue.Read(packets);
    for (const PacketRef& packet : packets) {
      const std::uint32_t number = LoadU32(&packet->bytes()[4]);
      if (read > 0 && number <= newest) ++order;
      newest = number;
      ++read;
    }
    packets.clear();
  }
  media.join();

  CHECK(order == 0);
  CHECK(read > 0);
  CHECK(read == queue.stats.packets.value());
  CHECK(read + queue.stats.dropped.value() == kBursts * kSize);
  CHECK(rig.budget.packets == 0);
}

TEST_CASE("a tap gets what its source sends, but for pauses") {
  Rig rig;
  UpstreamStub upstream;
  const auto info = std::make_shared<SourceInfo>(VideoConfig());
  auto replica = std::make_unique<Replica>(info, upstream);
  Replica other(std::make_shared<SourceInfo>(VideoConfig()), upstream);
  const auto queue = std::make_shared<TapQueue>(64, rig.budget, rig.reader);
  auto track = std::make_unique<TapTrack>(queue);
  const Timestamp now{5s};

  track->SetPaused(true, now);
  track->SetPaused(false, now);
  track->Link(replica.get(), now);
  track->Link(replica.get(), now);
  CHECK(upstream.requests == 1);
  CHECK(info->stats.viewers == 1);
  replica->OnBurst(rig.Burst(3));
  CHECK(rig.Read(*queue).size() == 3);

  track->SetPaused(true, now);
  replica->OnBurst(rig.Burst(3));
  CHECK(rig.Read(*queue).empty());
  CHECK(upstream.requests == 1);
  track->SetPaused(false, now);
  CHECK(upstream.requests == 2);
  replica->OnBurst(rig.Burst(3));
  CHECK(rig.Read(*queue).size() == 3);

  track->Link(&other, now);
  replica->OnBurst(rig.Burst(3));
  CHECK(rig.Read(*queue).empty());
  other.OnBurst(rig.Burst(4));
  CHECK(rig.Read(*queue).size() == 4);
  CHECK(info->stats.viewers == 0);

  // Its source closes, also while it pauses.
  track->Link(replica.get(), now);
  track->SetPaused(true, now);
  replica->OnSourceClosed();
  replica.reset();
  track->SetPaused(false, now);
  track->Link(&other, now);
  track.reset();
  CHECK(other.empty());
  CHECK(queue->stats.dropped.value() == 0);
}

TEST_CASE("a tap that joins gets what is kept since the keyframe") {
  Rig rig;
  UpstreamStub upstream;
  SourceConfig config = VideoConfig();
  config.keyframe_buffer_span = 5s;
  Replica replica(std::make_shared<SourceInfo>(config), upstream);
  PacketInfo keyframe;
  keyframe.keyframe = true;
  keyframe.extended_seq = 1 << 16;
  const std::array burst = {Seal(rig.pool, {}, keyframe)};
  replica.OnBurst(burst);
  const auto queue = std::make_shared<TapQueue>(64, rig.budget, rig.reader);
  TapTrack track(queue);

  track.Link(&replica, Timestamp{6s});

  const auto read = rig.Read(*queue);
  REQUIRE(read.size() == 1);
  CHECK(read[0].get() == burst[0].get());
  CHECK(upstream.requests == 0);
}

}  // namespace
}  // namespace hg::test
