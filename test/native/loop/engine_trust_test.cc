// What strangers and ill-behaved peers can do to an engine: nothing.
#include <doctest/doctest.h>

#include <algorithm>
#include <random>

#include "native/loop/bare_client.h"
#include "native/loop/engine_rig.h"
#include "rtp/rtcp/nack.h"
#include "rtp/rtcp/pli.h"
#include "rtp/rtcp/rr.h"

namespace hg::test {
namespace {

struct BareRig {
  explicit BareRig(bool handshake) : client(rig.engine(), handshake) {}

  bool RunUntil(const std::function<bool()>& done) {
    const Timestamp end = MonotonicNow() + kPatience;
    while (!done() && MonotonicNow() < end) {
      for (const Event& event : rig.inbox().Take()) {
        client.OnEvent(event);
        if (event.type == EventType::kPeerClosed) closed = event;
      }
      client.Run(5ms);
    }
    return done();
  }

  EngineRig rig{{.setup_timeout = 1500ms}};
  BareClient client;
  std::optional<Event> closed;
};

TEST_CASE(
    "a client that offers no SRTP is turned away, and nobody else"
    " notices") {
  BareRig bare(true);
  const auto source = bare.rig.OpenSource(true, 10s);

  REQUIRE(bare.RunUntil([&] { return bare.closed.has_value(); }));

  CHECK(bare.client.dtls_connected());  // it did shake hands
  CHECK(static_cast<PeerCloseReason>(bare.closed->a) ==
        PeerCloseReason::kDtlsError);
  CHECK(bare.closed->text.find("SRTP") != std::string::npos);
  Viewer& viewer = bare.rig.AddViewer(source);
  CHECK(bare.rig.AllConnected());
  CHECK_FALSE(viewer.closed());
}

TEST_CASE("a client that connects and never shakes hands is given up") {
  BareRig bare(false);

  REQUIRE(bare.RunUntil([&] { return bare.closed.has_value(); }));

  CHECK(bare.client.ice_connected());
  CHECK(static_cast<PeerCloseReason>(bare.closed->a) ==
        PeerCloseReason::kDtlsTimeout);
}

std::vector<std::uint8_t> Garbage(std::mt19937& rng, std::uint8_t first) {
  std::vector<std::uint8_t> datagram(1 + rng() % 1400);
  for (auto& byte : datagram) byte = static_cast<std::uint8_t>(rng());
  datagram[0] = first;
  return datagram;
}

// A STUN binding request (RFC 8489) of somebody who knows no password.
std::vector<std::uint8_t> ForeignStun(std::mt19937& rng) {
  std::vector<std::uint8_t> request(20 + 12 + 24);
  StoreU16(request.data(), 0x0001);
  StoreU16(request.data() + 2, static_cast<std::uint16_t>(request.size() - 20));
  StoreU32(request.data() + 4, 0x2112a442);
  for (std::size_t i = 8; i < 20; ++i)
    request[i] = static_cast<std::uint8_t>(rng());
  StoreU16(request.data() + 20, 0x0006);  // USERNAME
  StoreU16(request.data() + 22, 8);
  std::fill_n(request.begin() + 24, 8, 'x');
  StoreU16(request.data() + 32, 0x0008);  // MESSAGE-INTEGRITY
  StoreU16(request.data() + 34, 20);
  return request;
}

TEST_CASE("strangers' datagrams are dropped and counted, media goes on") {
  EngineRig rig({});
  const auto source = rig.OpenSource();
  TestSender sender(source, {});
  Viewer& viewer = rig.AddViewer(source);
  REQUIRE(rig.AllConnected());
  rig.Stream(sender, 100, 200ms);
  std::mt19937 rng(1);
  const TestSocket stranger;
  const std::uint16_t port = viewer.server_port();
  constexpr int kEach = 300;

  const PeerStats& stats = *viewer.peer().stats;
  for (int i = 0; i < kEach; ++i) {  // a ClientHello, and media
    stranger.SendTo(port, Garbage(rng, 22));
    stranger.SendTo(port, MakeRtp({.ssrc = 0x10000000}));
    if (i % 10 == 0) rig.Stream(sender, 100, 10ms);
  }
  CHECK(stats.foreign_datagrams.value() >= 2 * kEach * 9 / 10);
  CHECK(stats.foreign_datagrams.value() <= 2 * kEach);
  // What is behind a STUN message libnice may take, and drop, itself.
  for (int i = 0; i < kEach; ++i) {
    stranger.SendTo(port, ForeignStun(rng));
    stranger.SendTo(port, Garbage(rng, static_cast<std::uint8_t>(rng())));
    if (i % 20 == 0) stranger.SendTo(port, {});
    if (i % 10 == 0) rig.Stream(sender, 100, 10ms);
  }
  rig.Stream(sender, 100, 300ms);
  const std::uint64_t sent = sender.sent();
  CHECK(rig.RunUntil([&] { return viewer.newest_id() + 1 == sent; }));

  CHECK(viewer.MissingUntil(sent) == 0);
  CHECK(viewer.breaks() == 0);
  CHECK_FALSE(viewer.closed());
  CHECK(stats.srtp_failures.value() == 0);
  CHECK(stats.unexpected.value() == 0);
  CHECK(viewer.ice_state() == IceState::kConnected);
}

TEST_CASE("a peer's own nonsense is dropped and counted, media goes on") {
  EngineRig rig({});
  const auto source = rig.OpenSource();
  TestSender sender(source, {});
  Viewer& viewer = rig.AddViewer(source);
  REQUIRE(rig.AllConnected());
  rig.Stream(sender, 100, 200ms);
  const PeerStats& stats = *viewer.peer().stats;
  const std::uint64_t failures = stats.srtp_failures.value();
  const std::uint64_t unexpected = stats.unexpected.value();
  std::mt19937 rng(1);
  // From the viewer's own, validated address.
  const auto& selected = viewer.client()->ice().selected();
  const auto send = [&](Bytes datagram) {
    sendto(selected.fd, datagram.data(), datagram.size(), 0,
           selected.remote.get(), selected.remote.length);
  };

  constexpr unsigned kEach = 200;
  for (unsigned i = 0; i < kEach; ++i) {
    auto rtcp = Garbage(rng, 0x80);
    rtcp.resize(std::max<std::size_t>(rtcp.size(), 2));
    rtcp[1] = 205;
    send(rtcp);                           // no SRTCP of ours
    send(MakeRtp({.ssrc = 0x10000000}));  // RTP nobody asked for
    send(MakeRtp({.ssrc = 0xffffffff}));
    send(Garbage(rng, 22));  // no record of ours
    send(std::vector<std::uint8_t>{0x80});
    if (i % 10 == 0) rig.Stream(sender, 100, 10ms);
  }
  rig.Stream(sender, 100, 300ms);
  const std::uint64_t sent = sender.sent();
  CHECK(rig.RunUntil([&] { return viewer.newest_id() + 1 == sent; }));

  CHECK(viewer.MissingUntil(sent) == 0);
  CHECK(viewer.breaks() == 0);
  CHECK_FALSE(viewer.closed());
  CHECK(stats.srtp_failures.value() == failures + kEach);
  CHECK(stats.unexpected.value() == unexpected + 3 * kEach);
  CHECK(stats.foreign_datagrams.value() == 0);
}

TEST_CASE("garbage on the source's ports stops no stream") {
  EngineRig rig({});
  const auto source = rig.OpenSource();
  TestSender sender(source, {});
  Viewer& viewer = rig.AddViewer(source);
  REQUIRE(rig.AllConnected());
  std::mt19937 rng(1);
  const TestSocket stranger;

  std::uint64_t garbage = 0;
  for (int i = 0; i < 500; ++i) {
    // Version 0, 1 or 3: no RTP and no RTCP.
    auto datagram = Garbage(rng, static_cast<std::uint8_t>(rng()));
    if (datagram[0] >> 6 == 2) datagram[0] ^= 0x80;
    stranger.SendTo(source.port, datagram);
    stranger.SendTo(source.rtcp_port, datagram);
    garbage += 2;
    if (i % 10 == 0) rig.Stream(sender, 200, 10ms);
  }
  rig.Stream(sender, 200, 200ms);
  const std::uint64_t sent = sender.sent();
  CHECK(rig.RunUntil([&] { return viewer.newest_id() + 1 == sent; }));

  CHECK(viewer.MissingUntil(sent) == 0);
  CHECK(source.info->stats.invalid.value() == garbage);
}

}  // namespace
}  // namespace hg::test
