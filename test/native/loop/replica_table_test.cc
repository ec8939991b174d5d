#include "loop/replica_table.h"

#include <doctest/doctest.h>

#include <memory>
#include <vector>

#include "native/loop/sockets.h"
#include "native/route/fakes.h"
#include "rtp/rtcp/registry.h"
#include "rtp/rtcp/sdes.h"
#include "support/rtp_stream.h"

namespace hg::test {
namespace {

// What the source's sender hears by RTCP.
struct SenderEar : FeedbackHandler {
  void OnPli(const Pli& pli) override {
    ++plis;
    media_ssrc = pli.media_ssrc;
  }
  void OnRemb(const Remb& remb) override { rembs.push_back(remb.bitrate_bps); }

  int plis = 0;
  std::uint32_t media_ssrc = 0;
  std::vector<std::uint64_t> rembs;
};

// Media threads, played one after the other in virtual time.
struct Shards {
  explicit Shards(unsigned count) : mesh(count) {
    for (unsigned i = 0; i < count; ++i)
      shards.push_back(std::make_unique<Shard>(i, mesh, events));
    Step();
  }

  struct Shard {
    Shard(unsigned index, ShardMesh& mesh, EventSink& events)
        : turn(events), table(index, mesh, turn) {
      mesh.SetPoller(index, turn.poller);
    }
    Turn turn;
    ReplicaTable table;
  };

  // A turn of each thread, without its commands.
  void Turn(unsigned i) {
    Shard& shard = *shards[i];
    shard.turn.poller.Poll(MonotonicNow(), shard.turn.now);
    shard.turn.now = now;
    shard.table.ReadMesh();
    shard.turn.timers.RunDue(now);
    mesh.Flush(i);
  }
  // Until everybody has heard everything.
  void Step() {
    for (auto& shard : shards) shard->turn.now = now;
    for (int round = 0; round < 4; ++round)
      for (unsigned i = 0; i < shards.size(); ++i) Turn(i);
  }
  // The once-a-second work of each thread.
  void Second() {
    now += 1s;
    Step();
    for (auto& shard : shards) shard->table.OnSecond(now);
    for (unsigned i = 0; i < shards.size(); ++i) mesh.Flush(i);
    Step();
  }
  ReplicaTable& table(unsigned i) { return shards[i]->table; }

  EventList events;
  ShardMesh mesh;
  Timestamp now = MonotonicNow();
  std::vector<std::unique_ptr<Shard>> shards;
};

// A source at home on shard 0 of three, with its sender.
struct Rig {
  explicit Rig(SourceConfig config = VideoConfig())
      : info(std::make_shared<SourceInfo>(std::move(config))) {}

  void Open() {
    UdpSocket rtp({.address = "127.0.0.1"});
    UdpSocket rtcp({.address = "127.0.0.1"});
    rtp_port = rtp.port();
    rtcp_port = rtcp.port();
    shards.table(0).AddSource(info, std::move(rtp), std::move(rtcp));
  }
  void Send(std::uint64_t id, bool keyframe = false) {
    sender.SendTo(rtp_port,
                  MakeRtp({.ssrc = 5,
                           .seq = static_cast<std::uint16_t>(id),
                           .timestamp = static_cast<std::uint32_t>(id * 900),
                           .keyframe = keyframe,
                           .id = id}));
    shards.Step();
  }
  // A sender report, by which the source learns where to send RTCP.
  void SendReport(NtpTime ntp = 1000) {
    std::array<std::uint8_t, 100> buffer;
    RtcpWriter writer(buffer);
    WriteSenderReport(writer, 5, {.ntp = ntp, .rtp_timestamp = 900});
    rtcp_sender.SendTo(rtcp_port, writer.bytes());
    shards.Step();
  }
  SenderEar Hear() {
    SenderEar ear;
    while (const auto datagram = rtcp_sender.Receive())
      DispatchRtcp(*datagram, ear);
    return ear;
  }
  // Links a viewer on a shard, as a track does.
  void Link(unsigned shard, SinkStub& sink) {
    shards.table(shard).Obtain(info).AddSink(sink);
  }

  Shards shards{3};
  const std::shared_ptr<SourceInfo> info;
  TestSocket sender;
  TestSocket rtcp_sender;
  std::uint16_t rtp_port = 0;
  std::uint16_t rtcp_port = 0;
  // Here, so that they outlive the replicas they are linked to.
};

std::vector<std::uint64_t> IdsOf(const SinkStub& sink) {
  std::vector<std::uint64_t> ids;
  for (const PacketRef& packet : sink.packets)
    ids.push_back(IdOf(packet->payload()));
  return ids;
}

SourceConfig WithKeyframeBuffer() {
  SourceConfig config = VideoConfig();
  config.keyframe_buffer_span = 10s;
  return config;
}

using Ids = std::vector<std::uint64_t>;

TEST_CASE("viewers on all threads get all packets, in order") {
  SinkStub sinks[3];
  Rig rig;
  rig.Open();
  for (unsigned i = 0; i < 3; ++i) rig.Link(i, sinks[i]);
  rig.shards.Step();

  Ids expected;
  for (std::uint64_t id = 0; id < 300; ++id) {
    rig.Send(id, id % 50 == 0);
    expected.push_back(id);
  }

  for (const SinkStub& sink : sinks) CHECK(IdsOf(sink) == expected);
  CHECK(rig.info->stats.viewers == 3);
}

TEST_CASE("a burst reaches another thread's viewers as a burst") {
  SinkStub sinks[2];
  Rig rig;
  rig.Open();
  rig.Link(0, sinks[0]);
  rig.Link(1, sinks[1]);
  rig.shards.Step();

  for (std::uint16_t i = 0; i < 20; ++i)
    rig.sender.SendTo(rig.rtp_port, MakeRtp({.seq = i}));
  rig.shards.Step();

  for (const SinkStub& sink : sinks) {
    CHECK(sink.packets.size() == 20);
    CHECK(sink.bursts == 1);
  }
}

TEST_CASE("keyframe requests of all threads reach the sender as one") {
  SinkStub sinks[3];
  Rig rig;
  rig.Open();
  rig.Send(0);
  rig.SendReport();
  for (unsigned i = 0; i < 3; ++i) rig.Link(i, sinks[i]);
  rig.shards.Step();

  for (int i = 0; i < 50; ++i)
    rig.shards.table(static_cast<unsigned>(i) % 3)
        .Obtain(rig.info)
        .RequestKeyframe();
  rig.shards.Step();

  const SenderEar ear = rig.Hear();
  CHECK(ear.plis == 1);
  CHECK(ear.media_ssrc == 5);
  // The others wait for the interval to be over, not longer.
  rig.shards.now += 999ms;
  rig.shards.Step();
  CHECK(rig.Hear().plis == 0);
  rig.shards.now += 1ms;
  rig.shards.Step();
  CHECK(rig.Hear().plis == 1);
  CHECK(rig.info->stats.keyframe_requests.value() == 2);
}

TEST_CASE("without a word by RTCP there is nobody to ask") {
  Rig rig;
  rig.Open();
  rig.Send(0);

  rig.shards.table(0).Obtain(rig.info).RequestKeyframe();
  rig.shards.Step();

  CHECK(rig.Hear().plis == 0);
}

TEST_CASE("a subscription that overtakes its source's creation is kept") {
  // The command that makes the source was posted before the viewer's thread
  // asked, but the home thread looks into its mailbox first.
  SinkStub sink;
  Rig rig;
  rig.Link(1, sink);
  rig.shards.mesh.Flush(1);
  rig.shards.Turn(0);

  rig.Open();
  rig.SendReport();
  rig.Send(1);

  CHECK(sink.closed == 0);
  CHECK(IdsOf(sink) == Ids{1});
}

TEST_CASE("a viewer of a source that is gone is told so, on every thread") {
  SinkStub sinks[3];
  Rig rig;
  rig.Open();
  rig.shards.table(0).RemoveSource(rig.info->config.id);

  for (unsigned i = 0; i < 3; ++i) rig.Link(i, sinks[i]);
  for (int i = 0; i < 3; ++i) rig.shards.Second();

  CHECK(sinks[1].closed == 1);
  CHECK(sinks[2].closed == 1);
  CHECK(sinks[0].closed == 1);
  CHECK(rig.info->stats.viewers == 0);
}

TEST_CASE(
    "when a source closes, the viewers of all threads are told, and its"
    " ports are free") {
  SinkStub sinks[3];
  Rig rig;
  rig.Open();
  for (unsigned i = 0; i < 3; ++i) rig.Link(i, sinks[i]);
  rig.shards.Step();

  rig.shards.table(0).RemoveSource(rig.info->config.id);

  CHECK(TestSocket("127.0.0.1", rig.rtp_port).ok());
  CHECK(TestSocket("127.0.0.1", rig.rtcp_port).ok());
  rig.shards.mesh.Flush(0);
  rig.shards.Step();
  for (const SinkStub& sink : sinks) CHECK(sink.closed == 1);
  CHECK(rig.info->stats.viewers == 0);
}

TEST_CASE("the kept keyframe's group goes to the first viewer of a thread") {
  SinkStub here;
  SinkStub there;
  Rig rig(WithKeyframeBuffer());
  rig.Open();
  for (std::uint64_t id = 0; id < 5; ++id) rig.Send(id, id == 2);

  rig.Link(0, here);
  rig.Link(2, there);
  rig.shards.Step();
  rig.Send(5);

  CHECK(IdsOf(here) == Ids{2, 3, 4, 5});
  CHECK(IdsOf(there) == Ids{2, 3, 4, 5});
}

TEST_CASE(
    "a thread without viewers gets no packets any more, until the next"
    " comes") {
  SinkStub first;
  SinkStub second;
  Rig rig(WithKeyframeBuffer());
  rig.Open();
  rig.Link(1, first);
  rig.shards.Step();
  rig.Send(0, true);
  rig.shards.table(1).Obtain(rig.info).RemoveSink(first);

  rig.shards.Second();
  rig.Send(1);
  rig.Send(2);
  rig.Link(1, second);
  rig.shards.Step();
  rig.Send(3);

  CHECK(IdsOf(first) == Ids{0});
  CHECK(IdsOf(second) == Ids{0, 1, 2, 3});
  CHECK(rig.info->stats.viewers == 1);
}

TEST_CASE("the sender's clock reaches all threads, and late viewers too") {
  SinkStub sinks[3];
  Rig rig;
  rig.Open();
  rig.Send(1);
  rig.Link(0, sinks[0]);
  rig.Link(1, sinks[1]);
  rig.shards.Step();

  rig.SendReport(77);
  rig.Link(2, sinks[2]);
  rig.shards.Step();

  for (unsigned i = 0; i < 3; ++i) {
    CAPTURE(i);
    const auto& clock = rig.shards.table(i).Obtain(rig.info).sender_clock();
    REQUIRE(clock);
    CHECK(clock->ntp == 77);
  }
}

TEST_CASE(
    "the lowest bandwidth of all threads' viewers is told to the sender") {
  SinkStub sinks[3];
  Rig rig;
  rig.Open();
  rig.Send(1);
  rig.SendReport();
  for (unsigned i = 0; i < 3; ++i) rig.Link(i, sinks[i]);
  rig.shards.Step();
  sinks[0].bitrate = 900'000;
  sinks[1].bitrate = 500'000;
  sinks[2].bitrate = 700'000;

  rig.shards.Second();
  rig.shards.Second();
  auto heard = rig.Hear().rembs;
  REQUIRE_FALSE(heard.empty());
  CHECK(heard.back() == 500'000);
  // Who leaves has no say any more.
  rig.shards.table(1).Obtain(rig.info).RemoveSink(sinks[1]);
  rig.shards.Second();
  rig.shards.Second();
  heard = rig.Hear().rembs;

  REQUIRE_FALSE(heard.empty());
  CHECK(heard.back() == 700'000);
}

TEST_CASE(
    "when all packet memory is in use a source drops, empties its socket,"
    " and goes on") {
  SinkStub sink;
  Rig rig;
  rig.Open();
  rig.Link(0, sink);
  PacketPool& pool = rig.shards.shards[0]->turn.pool;
  std::vector<PacketDraft> taken;
  while (PacketDraft draft = pool.Allocate()) taken.push_back(std::move(draft));

  for (std::uint64_t id = 0; id < 10; ++id) rig.Send(id);
  for (int i = 0; i < 10; ++i) rig.shards.Step();
  CHECK(rig.info->stats.dropped.value() == 10);
  taken.clear();
  rig.Send(10);

  CHECK(IdsOf(sink) == Ids{10});
  CHECK(pool.exhausted() >= 10);
}

TEST_CASE("garbage on the RTCP port is counted and answered to nobody") {
  Rig rig;
  rig.Open();
  rig.Send(1);
  const TestSocket stranger;
  stranger.SendTo(rig.rtcp_port, std::vector<std::uint8_t>(500, 0xee));
  stranger.SendTo(rig.rtcp_port, {});
  rig.shards.Step();

  rig.shards.table(0).Obtain(rig.info).RequestKeyframe();

  CHECK(rig.info->stats.invalid.value() == 2);
  CHECK_FALSE(stranger.Receive());
}

}  // namespace
}  // namespace hg::test
