// Taps and injectors of whole engines: real sockets and threads.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "loop/engine.h"
#include "native/loop/engine_rig.h"
#include "native/rtp/packets.h"

namespace hg::test {
namespace {

using Packets = std::vector<PacketRef>;

// The payload of rtp_stream.h tells which packet it was made for.
std::uint64_t IdOf(const PacketRef& packet) {
  return LoadU64(&packet->bytes()[12 + 7]);
}

// How often an event of an object comes from now on.
std::shared_ptr<int> Count(EngineRig& rig, std::uint32_t object,
                           EventType type) {
  auto count = std::make_shared<int>(0);
  rig.Watch(object, [count, type](const Event& event) {
    if (event.type == type) ++*count;
  });
  return count;
}

bool ReadUntil(EngineRig& rig, const Taps::Handle& tap, Packets& packets,
               std::size_t count) {
  return rig.RunUntil([&] {
    tap.queue->Read(packets);
    return packets.size() >= count;
  });
}

SourceConfig Injected() {
  SourceConfig config;
  config.video = true;
  config.codec = "vp8";
  config.clock_rate = 90000;
  return config;
}

bool Inject(EngineRig& rig, const Injectors::Handle& injector,
            std::uint16_t first_seq, std::size_t count) {
  std::vector<hg::ByteVector> packets;
  for (std::size_t i = 0; i < count; ++i) {
    hg::RtpFields fields;
    fields.seq = Plus(first_seq, static_cast<int>(i));
    fields.payload = {0x10, 1, 0, 0, 5};
    packets.push_back(fields.Build());
  }
  const std::vector<Bytes> views(packets.begin(), packets.end());
  return rig.engine().Inject(injector, views);
}

TEST_CASE("taps of sources on any thread get every packet") {
  for (const unsigned threads : {1u, 3u}) {
    CAPTURE(threads);
    EngineRig rig({.media_threads = threads});
    Taps& taps = rig.engine().taps();
    std::vector<Engine::SourceHandle> sources;
    std::vector<Taps::Handle> handles;
    std::deque<TestSender> senders;
    for (int i = 0; i < 3; ++i) {
      sources.push_back(rig.OpenSource());
      handles.push_back(taps.Create(1024));
      taps.Link(handles[i], sources[i].info);
    }
    // It was on the thread of the first.
    handles.push_back(taps.Create(1024));
    taps.Link(handles[3], sources[0].info);
    taps.Link(handles[3], sources[2].info);
    for (const auto& source : sources)
      senders.emplace_back(source, TestSender::Options{});
    rig.RunUntil([&] {
      return sources[1].info->stats.viewers == 1 &&
             sources[2].info->stats.viewers == 2;
    });

    std::vector<Packets> read(4);
    for (std::size_t i = 1; i <= 1000; ++i) {
      for (TestSender& sender : senders) sender.Send();
      // Sockets and the ways between threads hold that much, however slow.
      if (i % 20 != 0) continue;
      for (int n = 0; n < 4; ++n) {
        CAPTURE(n);
        REQUIRE(ReadUntil(rig, handles[n], read[n], i));
      }
    }

    for (int n = 0; n < 4; ++n) {
      CAPTURE(n);
      REQUIRE(read[n].size() == 1000);
      for (std::size_t i = 0; i < 1000; ++i) {
        if (IdOf(read[n][i]) != i) FAIL("packet " << i << " is wrong");
      }
      CHECK(handles[n].queue->stats.dropped.value() == 0);
    }
  }
}

TEST_CASE("an application is told once of packets until it asks again") {
  EngineRig rig({.media_threads = 2});
  Taps& taps = rig.engine().taps();
  const auto source = rig.OpenSource();
  TestSender sender(source, {});
  Taps::Handle tap = taps.Create(64);
  taps.Link(tap, source.info);
  rig.RunUntil([&] { return source.info->stats.viewers == 1; });
  const auto told = Count(rig, 0, EventType::kTapsReady);

  Packets packets;
  for (int i = 0; i < 5; ++i) sender.Send();
  CHECK(ReadUntil(rig, tap, packets, 5));
  sender.Send();
  CHECK(ReadUntil(rig, tap, packets, 6));
  CHECK(rig.RunUntil([&] { return *told == 1; }));

  taps.Arm();
  CHECK(tap.queue->Read(packets) == 0);
  sender.Send();
  CHECK(rig.RunUntil([&] { return *told == 2; }));
  CHECK(ReadUntil(rig, tap, packets, 7));
  sender.Send();
  CHECK(ReadUntil(rig, tap, packets, 8));
  rig.RunFor(5ms);
  CHECK(*told == 2);
}

TEST_CASE("a tap that nobody reads costs a viewer nothing") {
  EngineRig rig({});
  Taps& taps = rig.engine().taps();
  const auto source = rig.OpenSource();
  TestSender sender(source, {});
  Viewer& viewer = rig.AddViewer(source);
  REQUIRE(rig.AllConnected());
  Taps::Handle tap = taps.Create(128);
  taps.Link(tap, source.info);
  rig.RunUntil([&] { return source.info->stats.viewers == 2; });

  for (int i = 0; i < 1000; ++i) {
    sender.Send();
    if (i % 10 == 9) rig.RunFor(2ms);
  }

  CHECK(rig.RunUntil([&] { return viewer.Has(999); }));
  CHECK(viewer.MissingUntil(999) == 0);
  CHECK(tap.queue->waiting() == 128);
  CHECK(tap.queue->stats.dropped.value() == 1000 - 128);
}

// A source of the application's, one after the other on each thread.
void InjectAndRead(EngineRig& rig) {
  Taps& taps = rig.engine().taps();
  for (int round = 0; round < 3; ++round) {
    CAPTURE(round);
    const auto injector = rig.engine().CreateInjector(Injected());
    Taps::Handle tap = taps.Create(4096);
    taps.Link(tap, injector.info);

    Packets packets;
    std::size_t sent = 0;
    for (int i = 0; i < 20; ++i, sent += 500) {
      const auto first = static_cast<std::uint16_t>(65000 + sent);
      CHECK(rig.RunUntil([&] { return Inject(rig, injector, first, 500); }));
      CHECK(ReadUntil(rig, tap, packets, sent + 500));
    }

    REQUIRE(packets.size() == sent);
    for (std::size_t i = 0; i < sent; ++i) {
      if (LoadU16(&packets[i]->bytes()[2]) !=
          static_cast<std::uint16_t>(65000 + i))
        FAIL("packet " << i << " is wrong");
    }
    CHECK(injector.info->stats.invalid.value() == 0);
    Engine::SourceHandle source;
    source.info = injector.info;
    rig.engine().CloseSource(source);
  }
}

TEST_CASE("what is injected comes out of a tap, on any thread") {
  for (const unsigned threads : {1u, 3u}) {
    CAPTURE(threads);
    EngineRig rig({.media_threads = threads});
    InjectAndRead(rig);
  }
}

TEST_CASE("a viewer's keyframe request reaches whoever injects") {
  EngineRig rig({.media_threads = 2});
  const auto injector = rig.engine().CreateInjector(Injected());
  const auto asked =
      Count(rig, injector.info->config.id, EventType::kKeyframeWanted);
  Taps::Handle tap = rig.engine().taps().Create(64);

  rig.engine().taps().Link(tap, injector.info);

  CHECK(rig.RunUntil([&] { return *asked == 1; }));
}

TEST_CASE("whoever was refused is told of room") {
  EngineRig rig({});
  const auto injector = rig.engine().CreateInjector(Injected());

  const auto told =
      Count(rig, injector.info->config.id, EventType::kInjectorLow);

  std::uint16_t next = 0;
  while (Inject(rig, injector, next, InjectionQueue::kMaxBatch))
    next = Plus(next, InjectionQueue::kMaxBatch);

  CHECK(rig.RunUntil([&] { return *told == 1; }));
  CHECK(Inject(rig, injector, next, InjectionQueue::kMaxBatch));
}

TEST_CASE("what was injected before the end goes out") {
  EngineRig rig({.media_threads = 1});
  const auto injector = rig.engine().CreateInjector(Injected());
  Taps::Handle tap = rig.engine().taps().Create(4096);
  rig.engine().taps().Link(tap, injector.info);
  CHECK(Inject(rig, injector, 0, 1000));
  CHECK(Inject(rig, injector, 1000, 1000));

  Engine::SourceHandle source;
  source.info = injector.info;
  rig.engine().CloseSource(source);

  CHECK(tap.queue->waiting() == 2000);
  Inject(rig, injector, 2000, 1);  // for nobody
  rig.engine().taps().Close(tap);
}

TEST_CASE("an engine stops with taps and injectors open and at work") {
  EngineRig rig({.media_threads = 3});
  Taps& taps = rig.engine().taps();
  std::vector<Taps::Handle> handles;
  std::vector<Injectors::Handle> injectors;
  for (int i = 0; i < 6; ++i) {
    injectors.push_back(rig.engine().CreateInjector(Injected()));
    handles.push_back(taps.Create(1024));
    taps.Link(handles[i], injectors[i].info);
    if (i % 2 == 1) taps.Link(handles[i], injectors[i - 1].info);
    Inject(rig, injectors[i], 0, 500);
  }
  taps.Close(handles[0]);
  taps.SetPaused(handles[1], true);

  rig.engine().Stop();

  Packets packets;
  for (const auto& tap : handles) tap.queue->Read(packets);
  CHECK_FALSE(Inject(rig, injectors[0], 500, 1));
  taps.Link(handles[2], nullptr);
  taps.SetPaused(handles[2], true);
  taps.Close(handles[2]);
  taps.Arm();
}

}  // namespace
}  // namespace hg::test
