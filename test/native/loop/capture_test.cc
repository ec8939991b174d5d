// Captures of whole engines: real sockets, threads and files.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "loop/engine.h"
#include "native/loop/engine_rig.h"
#include "native/loop/peer_pair.h"
#include "native/work/folder.h"
#include "native/work/pcap.h"

namespace hg::test {
namespace {

// A sender, and a peer that sends what it sends to another peer.
struct CaptureRig {
  explicit CaptureRig(unsigned threads = 2)
      : rig({.media_threads = threads}), source(rig.OpenSource()) {}

  std::unique_ptr<PeerPair> Connect() {
    auto pair = std::make_unique<PeerPair>(rig, source, PeerPair::Options{});
    REQUIRE(rig.RunUntil([&] { return pair->connected(); }));
    return pair;
  }
  Captures& captures() { return rig.engine().captures(); }
  Captures::Handle Create(const std::string& name, std::size_t truncate = 0) {
    CaptureOptions options;
    options.path = folder / name;
    options.truncate = truncate;
    return captures().Create(options);
  }
  bool Add(Captures::Handle& handle, const Engine::PeerHandle& peer) {
    return captures().Add(handle, peer.shard, peer.id);
  }
  // Until the pair has carried so many.
  void Send(const PeerPair& pair, std::uint64_t count) {
    const std::uint64_t before = pair.stats().packets.value();
    REQUIRE(rig.RunUntil([&] {
      sender.Send();
      rig.RunFor(2ms);
      return pair.stats().packets.value() >= before + count;
    }));
  }

  Folder folder;
  EngineRig rig;
  Engine::SourceHandle source;
  TestSender sender{source, {}};
};

std::vector<PcapContent::Packet> Select(const PcapContent& content, bool in,
                                        bool rtcp) {
  std::vector<PcapContent::Packet> found;
  std::ranges::copy_if(content.packets, std::back_inserter(found),
                       [&](const PcapContent::Packet& packet) {
                         return packet.in == in && packet.rtcp() == rtcp;
                       });
  return found;
}

TEST_CASE("both ends of a transport capture the same packets") {
  CaptureRig rig;
  const auto pair = rig.Connect();
  auto left = rig.Create("left");
  auto right = rig.Create("right");
  CHECK(rig.Add(left, pair->sender()));
  CHECK(rig.Add(right, pair->receiver()));

  rig.Send(*pair, 300);
  rig.rig.RunFor(1200ms);  // a report of each
  rig.captures().Close(left);
  rig.captures().Close(right);

  const auto files = [&] {
    return ReadPcap(rig.folder / "left").packets.size() > 300 &&
           ReadPcap(rig.folder / "right").packets.size() > 300;
  };
  REQUIRE(rig.rig.RunUntil(files));
  rig.rig.engine().Stop();
  const PcapContent out = ReadPcap(rig.folder / "left");
  const PcapContent in = ReadPcap(rig.folder / "right");
  CHECK(out.whole);
  CHECK(in.whole);
  const auto media_out = Select(out, false, false);
  const auto media_in = Select(in, true, false);
  REQUIRE(media_in.size() >= 300);
  CHECK(Select(out, true, false).empty());
  for (std::size_t i = 0; i < std::min(media_out.size(), media_in.size()); ++i)
    CHECK(media_out[i].bytes == media_in[i].bytes);
  CHECK_FALSE(Select(out, false, true).empty());
  CHECK_FALSE(Select(out, true, true).empty());
  CHECK_FALSE(Select(in, false, true).empty());
  CHECK_FALSE(Select(in, true, true).empty());
  CHECK(left.capture->stats.dropped.value() == 0);
}

TEST_CASE("a capture goes on with the next peer, on whatever thread") {
  CaptureRig rig(3);
  auto handle = rig.Create("a", 40);
  std::vector<std::uint32_t> ids;
  for (int i = 0; i < 3; ++i) {
    const auto pair = rig.Connect();
    REQUIRE(rig.Add(handle, pair->sender()));
    rig.Send(*pair, 50);
    rig.rig.engine().ClosePeer(pair->sender());
    REQUIRE(rig.rig.RunUntil([&] { return pair->closed(); }));
  }

  rig.captures().Close(handle);
  rig.rig.engine().Stop();

  const PcapContent content = ReadPcap(rig.folder / "a");
  CHECK(content.whole);
  CHECK(Select(content, false, false).size() >= 150);
  for (const auto& packet : content.packets) {
    CHECK(packet.bytes.size() <= 40);
    CHECK(packet.size >= packet.bytes.size());
  }
}

TEST_CASE("a peer that ends lets go of its ring, and the file is whole") {
  CaptureRig rig;
  const auto pair = rig.Connect();
  auto handle = rig.Create("a");
  REQUIRE(rig.Add(handle, pair->sender()));
  rig.Send(*pair, 20);
  const auto queue = handle.feeds[0].queue;

  rig.rig.engine().ClosePeer(pair->sender());

  CHECK(rig.rig.RunUntil([&] { return queue.expired(); }));
  CHECK(ReadPcap(rig.folder / "a").whole);
  rig.captures().Close(handle);
  rig.rig.engine().Stop();
  CHECK(ReadPcap(rig.folder / "a").packets.size() >= 20);
}

TEST_CASE("a second capture of a peer is in the place of the first") {
  CaptureRig rig;
  const auto pair = rig.Connect();
  auto first = rig.Create("first");
  auto second = rig.Create("second");
  REQUIRE(rig.Add(first, pair->sender()));
  rig.Send(*pair, 20);
  REQUIRE(rig.Add(second, pair->sender()));
  rig.captures().Close(first);

  rig.Send(*pair, 20);
  rig.rig.engine().Stop();

  CHECK(ReadPcap(rig.folder / "first").packets.size() >= 20);
  CHECK(ReadPcap(rig.folder / "second").packets.size() >= 20);
}

TEST_CASE("the memory of all captures together has an end") {
  CaptureRig rig;
  const auto pair = rig.Connect();
  std::vector<Captures::Handle> handles;
  for (std::size_t i = 0; i < CaptureBudget::kMaxRings; ++i)
    handles.push_back(rig.Create(std::to_string(i)));
  auto more = rig.Create("more");
  // The command of each keeps its ring until it has run.
  std::size_t added = 0;
  rig.rig.engine().loops()[pair->sender().shard]->Post(
      [](MediaLoop&) { std::this_thread::sleep_for(100ms); });
  for (auto& handle : handles) added += rig.Add(handle, pair->sender()) ? 1 : 0;

  CHECK(added == CaptureBudget::kMaxRings);
  CHECK_FALSE(rig.Add(more, pair->sender()));
  for (auto& handle : handles) rig.captures().Close(handle);
  CHECK(rig.rig.RunUntil([&] { return rig.Add(more, pair->sender()); }));
}

TEST_CASE("captures outlive neither their peer nor the engine") {
  CaptureRig rig;
  auto handle = rig.Create("a");
  Engine::PeerHandle nobody;
  nobody.id = 99999;
  CHECK(rig.Add(handle, nobody));
  CHECK(rig.rig.RunUntil([&] { return handle.feeds[0].queue.expired(); }));

  rig.rig.engine().Stop();

  CHECK_FALSE(rig.Add(handle, nobody));
  rig.captures().Close(handle);
  const std::vector<Event> events = rig.rig.inbox().Take();
  CHECK(std::ranges::count(events, EventType::kCaptureClosed, &Event::type) ==
        1);
}

}  // namespace
}  // namespace hg::test
