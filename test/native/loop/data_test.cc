// Data channels of whole engines: between peers on any media threads, the SCTP
// thread and the application, with media beside them.
#include <doctest/doctest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "loop/engine.h"
#include "native/loop/engine_rig.h"
#include "native/loop/peer_pair.h"

namespace hg::test {
namespace {

constexpr std::uint16_t kSctpPort = 5000;

// One peer's channels, and what came by them.
struct DataUser {
  DataUser(EngineRig& rig, const Engine::PeerHandle& peer)
      : endpoint(rig.engine().Data(peer)) {
    rig.Watch(peer.id, [this](const Event& event) {
      if (event.type == EventType::kChannelOpen)
        channel = std::static_pointer_cast<DataChannel>(event.attached);
      if (event.type == EventType::kChannelMessage)
        messages.push_back(event.text);
      if (event.type == EventType::kChannelClosed) closed = true;
    });
    endpoint->SetRemotePort(kSctpPort);
  }

  std::shared_ptr<DataEndpoint> endpoint;
  std::shared_ptr<DataChannel> channel;
  std::vector<std::string> messages;
  bool closed = false;
};

bool Send(EngineRig& rig, DataChannel& channel, const std::string& text) {
  const Bytes bytes(reinterpret_cast<const std::uint8_t*>(text.data()),
                    text.size());
  return rig.RunUntil([&] { return channel.Send(true, bytes); });
}

TEST_CASE("messages of peers on any threads arrive in order, beside media") {
  for (const unsigned threads : {1u, 3u}) {
    CAPTURE(threads);
    EngineRig rig({.media_threads = threads});
    const auto from = rig.OpenSource();
    TestSender sender(from, {});
    PeerPair pair(rig, from, {});
    REQUIRE(rig.RunUntil([&] { return pair.connected(); }));
    if (threads > 1) CHECK(pair.sender().shard != pair.receiver().shard);
    DataUser a(rig, pair.sender());
    DataUser b(rig, pair.receiver());
    a.endpoint->Open({.label = "test"});
    REQUIRE(rig.RunUntil([&] { return a.channel && b.channel; }));

    std::vector<std::string> expected;
    for (int i = 0; i < 200 / kSlow; ++i) {
      expected.push_back(std::to_string(i) +
                         std::string(static_cast<std::size_t>(i) * 97, 'x'));
      REQUIRE(Send(rig, *a.channel, expected.back()));
      REQUIRE(Send(rig, *b.channel, expected.back()));
      sender.Send();
    }
    CHECK(rig.RunUntil([&] {
      return a.messages.size() == expected.size() &&
             b.messages.size() == expected.size();
    }));
    CHECK(a.messages == expected);
    CHECK(b.messages == expected);

    a.channel->Close();
    CHECK(rig.RunUntil([&] { return a.closed && b.closed; }));
  }
}

TEST_CASE("an engine stops with data channels open and at work") {
  for (const unsigned threads : {1u, 3u}) {
    CAPTURE(threads);
    EngineRig rig({.media_threads = threads});
    PeerPair pair(rig, rig.OpenSource(), {});
    REQUIRE(rig.RunUntil([&] { return pair.connected(); }));
    DataUser a(rig, pair.sender());
    DataUser b(rig, pair.receiver());
    a.endpoint->Open({.label = "test"});
    REQUIRE(rig.RunUntil([&] { return a.channel && b.channel; }));
    for (int i = 0; i < 50; ++i)
      REQUIRE(Send(rig, *a.channel, std::string(1000, 'x')));

    rig.engine().Stop();

    a.channel->Close();
  }
}

}  // namespace
}  // namespace hg::test
