#include "route/replica.h"

#include <doctest/doctest.h>

#include "native/route/fakes.h"
#include "support/rtp_stream.h"

namespace hg::test {
namespace {

constexpr Timestamp kStart{1000s};

struct Rig {
  explicit Rig(SourceConfig config = VideoConfig())
      : info(std::make_shared<SourceInfo>(std::move(config))),
        replica(info, upstream) {}

  // A packet every 10 ms, numbered from 0.
  PacketRef Packet(std::uint64_t n, bool keyframe = false) {
    return MakePacket(pool, {.extended_seq = 0x10000 + n,
                             .timestamp = static_cast<std::uint32_t>(n * 900),
                             .arrival = kStart + n * 10ms,
                             .keyframe = keyframe,
                             .id = n});
  }
  // The start of a keyframe, after packets that are after it.
  PacketRef Late(std::uint64_t n) {
    return MakePacket(pool, {.extended_seq = 0x10000 + n,
                             .timestamp = static_cast<std::uint32_t>(n * 900),
                             .arrival = kStart + 90ms,
                             .keyframe = true,
                             .late = true,
                             .id = n});
  }
  void Send(const PacketRef& packet) { replica.OnBurst({&packet, 1}); }
  std::int64_t viewers() const { return info->stats.viewers; }

  PacketPool pool{{.slab_packets = 64, .max_packets = 8192}};
  UpstreamStub upstream;
  const std::shared_ptr<SourceInfo> info;
  Replica replica;
};

SourceConfig WithKeyframeBuffer() {
  SourceConfig config = VideoConfig();
  config.keyframe_buffer_span = 10s;
  return config;
}

TEST_CASE("every viewer gets every burst") {
  Rig rig;
  SinkStub a;
  SinkStub b;
  rig.replica.AddSink(a);
  rig.replica.AddSink(b);
  const PacketRef burst[] = {rig.Packet(0, true), rig.Packet(1)};

  rig.replica.OnBurst(burst);
  rig.replica.RemoveSink(a);
  rig.Send(rig.Packet(2));

  CHECK(a.packets.size() == 2);
  CHECK(a.bursts == 1);
  CHECK(b.packets.size() == 3);
}

TEST_CASE("a newcomer starts with the last keyframe's group, and asks nobody") {
  Rig rig(WithKeyframeBuffer());
  rig.Send(rig.Packet(0, true));
  rig.Send(rig.Packet(1));
  rig.Send(rig.Packet(2, true));
  rig.Send(rig.Packet(3));
  SinkStub newcomer;

  rig.replica.AddSink(newcomer);
  rig.Send(rig.Packet(4));

  CHECK(rig.upstream.requests == 0);
  REQUIRE(newcomer.packets.size() == 3);
  for (std::size_t i = 0; i < 3; ++i)
    CHECK(IdOf(newcomer.packets[i]->payload()) == i + 2);
}

TEST_CASE("without a kept keyframe a newcomer asks for one") {
  Rig rig;
  rig.Send(rig.Packet(0, true));
  SinkStub newcomer;

  rig.replica.AddSink(newcomer);

  CHECK(newcomer.packets.empty());
  CHECK(rig.upstream.requests == 1);
}

TEST_CASE("a restart of the source clears the kept group and the clock") {
  Rig rig(WithKeyframeBuffer());
  rig.Send(rig.Packet(0, true));
  rig.replica.OnSenderClock({1, 2, 3});
  REQUIRE(rig.replica.sender_clock());

  rig.Send(MakePacket(rig.pool, {.extended_seq = 0x10001,
                                 .timestamp = 900,
                                 .arrival = kStart,
                                 .discontinuity = true}));

  CHECK(rig.replica.keyframe_group().empty());
  CHECK_FALSE(rig.replica.sender_clock());
}

TEST_CASE("packets are found for a resend until they are too old") {
  Rig rig;
  SinkStub sink;
  rig.replica.AddSink(sink);
  rig.Send(rig.Packet(0, true));
  rig.Send(rig.Packet(2));
  rig.Send(rig.Packet(1));  // late

  const Timestamp now = kStart + 500ms;
  for (std::uint32_t n = 0; n < 3; ++n) {
    const PacketBuffer* packet = rig.replica.Find(0x10000 + n, now);
    REQUIRE(packet != nullptr);
    CHECK(IdOf(packet->payload()) == n);
  }
  CHECK(rig.replica.Find(0x10003, now) == nullptr);
  CHECK(rig.replica.Find(0, now) == nullptr);  // a lap before
  CHECK(rig.replica.Find(0x10000, kStart + 1s) != nullptr);
  CHECK(rig.replica.Find(0x10000, kStart + 1001ms) == nullptr);
}

TEST_CASE("what no sink may be asked for again is not kept") {
  Rig rig;
  SinkStub recording;
  recording.resends = false;
  rig.replica.AddSink(recording);
  rig.Send(rig.Packet(0, true));
  SinkStub viewer;
  rig.replica.AddSink(viewer);
  rig.Send(rig.Packet(1));
  viewer.resends = false;  // paused
  rig.Send(rig.Packet(2));

  CHECK(rig.replica.Find(0x10000, kStart) == nullptr);
  CHECK(rig.replica.Find(0x10001, kStart) != nullptr);
  CHECK(rig.replica.Find(0x10002, kStart) == nullptr);
  CHECK(recording.packets.size() == 3);
}

TEST_CASE("a newcomer can have the kept group resent") {
  Rig rig(WithKeyframeBuffer());
  rig.Send(rig.Packet(0, true));
  rig.Send(rig.Packet(1));
  SinkStub newcomer;
  rig.replica.AddSink(newcomer);

  REQUIRE(newcomer.packets.size() == 2);
  CHECK(rig.replica.Find(0x10000, kStart) != nullptr);
  CHECK(rig.replica.Find(0x10001, kStart) != nullptr);
}

// ---- a keyframe whose first packet comes late

std::vector<std::uint64_t> Ids(std::span<const PacketRef> packets) {
  std::vector<std::uint64_t> ids;
  for (const PacketRef& packet : packets)
    ids.push_back(IdOf(packet->payload()));
  return ids;
}
using Numbers = std::vector<std::uint64_t>;

TEST_CASE("a keyframe that begins late is whole for those who wait for it") {
  Rig rig;
  SinkStub waiting;
  waiting.waits = true;
  SinkStub viewer;
  rig.replica.AddSink(waiting);
  rig.replica.AddSink(viewer);
  rig.Send(rig.Packet(0));
  for (const std::uint64_t n : {2, 3, 5}) rig.Send(rig.Packet(n));
  waiting.packets.clear();
  viewer.packets.clear();
  const int asked = rig.upstream.requests;

  const PacketRef burst[] = {rig.Packet(6), rig.Late(1), rig.Packet(7)};
  rig.replica.OnBurst(burst);

  CHECK(Ids(waiting.packets) == Numbers{6, 1, 2, 3, 5, 6, 7});
  CHECK(Ids(viewer.packets) == Numbers{6, 1, 7});
  CHECK(rig.upstream.requests == asked);
  // Who waits no longer gets what comes, once.
  waiting.waits = false;
  rig.Send(rig.Packet(4));
  CHECK(IdOf(waiting.packets.back()->payload()) == 4);
  CHECK(waiting.packets.size() == 8);
}

TEST_CASE("a keyframe that begins late and is not kept is asked for again") {
  const auto begins_late = [](Rig& rig, SinkStub& waiting) {
    waiting.waits = true;
    waiting.packets.clear();
    const int asked = rig.upstream.requests;
    rig.Send(rig.Late(1));
    CHECK(waiting.packets.empty());
    CHECK(rig.upstream.requests == asked + 1);
    // Another one is as good as ever.
    rig.Send(rig.Packet(10, true));
    CHECK(Ids(waiting.packets) == Numbers{10});
  };
  SUBCASE("the sink came in the middle of it") {
    Rig rig;
    SinkStub waiting;
    for (const std::uint64_t n : {0, 2}) rig.Send(rig.Packet(n));
    rig.replica.AddSink(waiting);
    rig.Send(rig.Packet(3));
    begins_late(rig, waiting);
  }
  SUBCASE("this thread had no sink when it began") {
    Rig rig;
    SinkStub waiting;
    rig.replica.AddSink(waiting);
    rig.Send(rig.Packet(3));
    begins_late(rig, waiting);
  }
  SUBCASE("nobody was to be resent anything in the middle of it") {
    Rig rig;
    SinkStub waiting;
    rig.replica.AddSink(waiting);
    rig.Send(rig.Packet(0));
    waiting.resends = false;
    rig.Send(rig.Packet(2));
    waiting.resends = true;
    rig.Send(rig.Packet(3));
    begins_late(rig, waiting);
  }
  SUBCASE("it comes too late") {
    Rig rig;
    SinkStub waiting;
    rig.replica.AddSink(waiting);
    rig.Send(rig.Packet(0));
    for (std::uint64_t n = 2; n < 120; n += 2) rig.Send(rig.Packet(n));
    waiting.waits = true;
    waiting.packets.clear();
    rig.Send(rig.Late(1));
    CHECK(waiting.packets.empty());
    CHECK(rig.upstream.requests == 2);
  }
  SUBCASE("resends are off") {
    SourceConfig config = VideoConfig();
    config.tuning = TunedTo({});
    Rig rig(config);
    SinkStub waiting;
    rig.replica.AddSink(waiting);
    for (const std::uint64_t n : {0, 2}) rig.Send(rig.Packet(n));
    begins_late(rig, waiting);
  }
}

TEST_CASE("a keyframe that begins late and nobody waits for is not asked for") {
  Rig rig;
  SinkStub viewer;
  rig.replica.AddSink(viewer);
  rig.Send(rig.Packet(2));
  const int asked = rig.upstream.requests;

  rig.Send(rig.Late(1));

  CHECK(rig.upstream.requests == asked);
  CHECK(Ids(viewer.packets) == Numbers{2, 1});
}

TEST_CASE("a kept group whose keyframe begins late is whole, or none") {
  Rig rig(WithKeyframeBuffer());
  for (const std::uint64_t n : {0, 2, 3}) rig.Send(rig.Packet(n));
  rig.Send(rig.Late(1));
  rig.Send(rig.Packet(4));
  CHECK(Ids(rig.replica.keyframe_group()) == Numbers{1, 2, 3, 4});

  SourceConfig config = WithKeyframeBuffer();
  config.tuning = TunedTo({});
  Rig other(config);
  for (const std::uint64_t n : {0, 2, 3}) other.Send(other.Packet(n));
  other.Send(other.Late(1));
  other.Send(other.Packet(4));
  CHECK(other.replica.keyframe_group().empty());
}

TEST_CASE("memory goes back when a source falls silent") {
  Rig rig;
  SinkStub sink;
  rig.replica.AddSink(sink);
  for (std::uint64_t n = 0; n < 100; ++n) rig.Send(rig.Packet(n));
  PacketRef last = rig.Packet(100);
  rig.Send(last);

  rig.replica.OnSecond(kStart + 60s);

  CHECK(rig.replica.Find(0x10000 + 100, last->info.arrival) == nullptr);
}

TEST_CASE("how long packets are kept for resends can be changed") {
  const auto tuning = TunedTo({.max_nack_age = 1s});
  SourceConfig config = VideoConfig();
  config.tuning = tuning;
  Rig rig(config);
  SinkStub sink;
  sink.resends = true;
  rig.replica.AddSink(sink);
  const Timestamp sent = kStart + 10ms;
  rig.Send(rig.Packet(1));
  REQUIRE(rig.replica.Find(0x10001, sent + 300ms) != nullptr);

  tuning->Set({.max_nack_age = 200ms});
  rig.replica.OnSecond(sent);
  CHECK(rig.replica.Find(0x10001, sent + 200ms) != nullptr);
  CHECK(rig.replica.Find(0x10001, sent + 201ms) == nullptr);

  tuning->Set({});
  rig.replica.OnSecond(sent);
  rig.Send(rig.Packet(2));
  CHECK(rig.replica.Find(0x10001, sent) == nullptr);
  CHECK(rig.replica.Find(0x10002, sent) == nullptr);

  tuning->Set({.max_nack_age = 1s});
  rig.replica.OnSecond(sent);
  rig.Send(rig.Packet(3));
  CHECK(rig.replica.Find(0x10003, kStart + 30ms) != nullptr);
}

TEST_CASE("nothing is kept for resends when they are off") {
  SourceConfig config = VideoConfig();
  config.tuning = TunedTo({});
  Rig rig(config);
  SinkStub sink;
  rig.replica.AddSink(sink);
  rig.Send(rig.Packet(0));

  CHECK(rig.replica.Find(0x10000, kStart) == nullptr);
  rig.replica.OnSecond(kStart);
}

TEST_CASE("the lowest reported bandwidth counts, silence does not") {
  Rig rig;
  SinkStub a;
  SinkStub b;
  SinkStub c;
  for (SinkStub* sink : {&a, &b, &c}) rig.replica.AddSink(*sink);
  CHECK(rig.replica.LowestRemb() == 0);

  a.bitrate = 500'000;
  b.bitrate = 300'000;
  CHECK(rig.replica.LowestRemb() == 300'000);
  rig.replica.RemoveSink(b);
  CHECK(rig.replica.LowestRemb() == 500'000);
}

TEST_CASE("viewers are counted over their whole life") {
  const auto info = std::make_shared<SourceInfo>(VideoConfig());
  UpstreamStub upstream;
  SinkStub a;
  SinkStub b;
  {
    Replica replica(info, upstream);
    replica.AddSink(a);
    replica.AddSink(b);
    CHECK(info->stats.viewers == 2);
    replica.RemoveSink(a);
    replica.RemoveSink(a);
    CHECK(info->stats.viewers == 1);
    CHECK_FALSE(replica.empty());
  }
  CHECK(info->stats.viewers == 0);
}

TEST_CASE("when the source closes every viewer hears of it once") {
  Rig rig;
  SinkStub a;
  rig.replica.AddSink(a);

  rig.replica.OnSourceClosed();
  rig.replica.OnSourceClosed();

  CHECK(a.closed == 1);
  CHECK(rig.replica.empty());
  CHECK(rig.viewers() == 0);
}

TEST_CASE(
    "the newest place in time is that of the newest frame's first packet") {
  Rig rig;
  const auto packet = [&](std::uint64_t n, std::uint32_t timestamp,
                          Duration at) {
    return MakePacket(rig.pool, {.extended_seq = 0x10000 + n,
                                 .timestamp = timestamp,
                                 .arrival = kStart + at});
  };
  rig.Send(packet(0, 900, 0ms));
  rig.Send(packet(2, 1800, 10ms));
  rig.Send(packet(3, 1800, 13ms));
  rig.Send(packet(1, 900, 300ms));  // late by far

  REQUIRE(rig.replica.newest());
  CHECK(rig.replica.newest()->timestamp == 1800);
  CHECK(rig.replica.newest()->arrival == kStart + 10ms);
}

}  // namespace
}  // namespace hg::test
