// What a peer that sends media, and holds the keys, can do to an engine and to
// its other peers: nothing.
#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "native/loop/engine_rig.h"
#include "native/loop/peer_pair.h"
#include "rtp/rtcp/nack.h"
#include "rtp/rtcp/pli.h"
#include "rtp/rtcp/rr.h"
#include "rtp/rtcp/sr.h"
#include "srtp/srtp_session.h"

namespace hg::test {
namespace {

constexpr std::uint32_t kSsrc = 0x30000000;
constexpr std::uint8_t kPayloadType = 96;
constexpr std::uint8_t kRtxPayloadType = 97;

std::uint16_t Next(std::uint16_t seq) {
  return static_cast<std::uint16_t>(seq + 1);
}

// A peer that sends what the test tells it to, one that watches that, and a
// pair of peers that has nothing to do with either.
class Scene {
 public:
  Scene()
      : from(rig.OpenSource()),
        sender(from, {.answers_requests = true}),
        pair(rig, from, {}),
        attacker(rig.AddViewer(from)) {
    SourceConfig config;
    config.video = true;
    config.codec = "vp8";
    config.clock_rate = 90000;
    source = rig.engine().CreatePeerSource(attacker.peer(), config);
    IngressTrackConfig track;
    track.mid = "v";
    track.payload_types = {kPayloadType};
    track.rtx_payload_type = kRtxPayloadType;
    track.nack = track.pli = true;
    track.encodings.push_back({{}, source.info});
    rig.engine().SetIngress(attacker.peer(), {.tracks = {std::move(track)}});
    REQUIRE(rig.AllConnected());
    REQUIRE(rig.RunUntil([&] { return pair.connected(); }));
    rig.Stream(sender, 100, 300ms);
    before = pair.stats().packets.value();
    sent_before = sender.sent();
    REQUIRE(before > 0);
  }

  // Meanwhile the others go on.
  void Run(Duration duration = 20ms) { rig.Stream(sender, 100, duration); }
  // Nothing that the others send or are sent is lost, and nobody has left.
  void CheckOthers() {
    const std::uint64_t sent = sender.sent();
    CHECK(rig.RunUntil([&] {
      return pair.stats().packets.value() - before >= sent - sent_before;
    }));
    CHECK(pair.stats().lost.value() == 0);
    CHECK(pair.stats().restarts.value() == 0);
    CHECK_FALSE(pair.closed());
    CHECK_FALSE(attacker.closed());
  }
  MediaClient& client() { return *attacker.client(); }
  const SourceStats& stats() const { return source.info->stats; }
  const PeerStats& peer_stats() const { return *attacker.peer().stats; }

  EngineRig rig{{}};
  Engine::SourceHandle from;
  TestSender sender;
  PeerPair pair;
  Viewer& attacker;
  Engine::SourceHandle source;
  std::uint64_t before = 0;
  std::uint64_t sent_before = 0;
};

TEST_CASE("100,000 SSRCs of one peer: few are let in, others go on") {
  Scene scene;
  const std::size_t resident = ResidentBytes();
  constexpr std::uint32_t kCount = 100'000 / kSlow;
  // Of the packets of other SSRCs only the unprotected head matters: they are
  // refused by it.
  std::vector<std::uint8_t> foreign = MakeRtp({.payload_size = 40});
  const auto& selected = scene.client().ice().selected();

  for (std::uint32_t i = 0; i < kCount; ++i) {
    const std::uint32_t ssrc = kSsrc + i;
    if (i < 2 * SrtpSession::kMaxInboundSsrcs) {
      scene.client().SendRtp(
          MakeRtp({.ssrc = ssrc, .seq = 1, .payload_type = kPayloadType}));
    } else {
      StoreU32(foreign.data() + 8, ssrc);
      sendto(selected.fd, foreign.data(), foreign.size(), 0,
             selected.remote.get(), selected.remote.length);
    }
    if (i % 100 == 0) scene.Run(5ms);
  }
  scene.Run(200ms);

  CHECK(scene.stats().packets.value() <= SrtpSession::kMaxInboundSsrcs);
  CHECK(scene.stats().packets.value() > SrtpSession::kMaxInboundSsrcs / 2);
  CHECK(scene.stats().restarts.value() + 1 == scene.stats().packets.value());
  CHECK(scene.peer_stats().srtp_failures.value() > kCount / 2);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  CHECK(ResidentBytes() < resident + (16 << 20));
#else
  (void)resident;
#endif
  scene.CheckOthers();
}

TEST_CASE("of packets that come as one message each is taken by itself") {
  Scene scene;
  std::vector<std::vector<std::uint8_t>> run;
  const auto add = [&](std::uint32_t ssrc, std::uint16_t seq,
                       std::size_t size) {
    run.push_back(MakeRtp({.ssrc = ssrc,
                           .seq = seq,
                           .timestamp = 9000,
                           .payload_type = kPayloadType,
                           .payload_size = size}));
  };
  for (std::uint16_t seq = 1; seq <= 8; ++seq) add(kSsrc, seq, 500);
  run[4][1] = 50;  // a payload type nobody agreed to
  add(kSsrc, 9, 100);
  const std::uint64_t unexpected = scene.peer_stats().unexpected.value();

  scene.client().SendRtpRun(run);

  CHECK(scene.rig.RunUntil(
      [&] { return scene.stats().packets.value() >= run.size() - 1; }));
  scene.Run(100ms);
  CHECK(scene.stats().packets.value() == run.size() - 1);
  CHECK(scene.stats().lost.value() <= 1);
  CHECK(scene.peer_stats().unexpected.value() == unexpected + 1);
  CHECK(scene.peer_stats().packets_received.value() >= run.size());
  scene.CheckOthers();
}

TEST_CASE("packets of every wrong kind are counted, and the right ones pass") {
  Scene scene;
  Viewer& viewer = scene.rig.AddViewer(scene.source);
  REQUIRE(scene.rig.AllConnected());
  MediaClient& client = scene.client();
  std::uint16_t seq = 65'500;
  const auto send = [&](bool keyframe) {
    client.SendRtp(MakeRtp({.ssrc = kSsrc,
                            .seq = ++seq,
                            .timestamp = 9000,
                            .payload_type = kPayloadType,
                            .keyframe = keyframe,
                            .id = seq}));
  };
  for (int i = 0; i < 5; ++i) {
    send(true);
    scene.Run();
  }
  const std::uint64_t unexpected = scene.peer_stats().unexpected.value();
  const std::uint64_t packets = scene.stats().packets.value();
  const std::uint64_t seen = viewer.received();
  REQUIRE(seen > 0);

  constexpr unsigned kRounds = 100;
  for (unsigned i = 0; i < kRounds; ++i) {
    auto packet = MakeRtp({.ssrc = kSsrc + 3, .payload_size = 1000});
    StoreU16(packet.data() + 2, static_cast<std::uint16_t>(i));
    packet[1] = 50;  // a payload type nobody agreed to
    client.SendRtp(packet);
    packet[1] = kRtxPayloadType;  // of three sizes
    StoreU32(packet.data() + 8, kSsrc + 1);
    for (const std::size_t payload : {0u, 1u, 2u}) {
      StoreU16(packet.data() + 2, static_cast<std::uint16_t>(i * 3 + payload));
      client.SendRtp(Bytes(packet).first(12 + payload));
    }
    packet = MakeRtp({.ssrc = kSsrc + 2, .payload_type = kPayloadType});
    packet[0] |= 0x20;  // padding
    packet.back() = 0;
    StoreU16(packet.data() + 2, static_cast<std::uint16_t>(i));
    client.SendRtp(packet);
    packet = MakeRtp({.ssrc = kSsrc, .seq = Next(seq), .payload_size = 2200});
    client.SendRtp(packet);  // larger than a buffer
    seq = Next(seq);
    send(false);
    if (i % 5 == 0) scene.Run();
  }
  scene.Run(300ms);

  CHECK(scene.stats().invalid.value() == kRounds);
  CHECK(scene.stats().retransmitted.value() == 3 * kRounds);
  CHECK(scene.peer_stats().unexpected.value() == unexpected + 2 * kRounds);
  CHECK(scene.stats().packets.value() >= packets + kRounds);
  CHECK(viewer.received() >= seen + kRounds);
  CHECK(scene.stats().restarts.value() == 0);
  scene.CheckOthers();
}

TEST_CASE("a storm of NACKs, PLIs and lies in RTCP stays with who sends it") {
  Scene scene;
  MediaClient& client = scene.client();
  client.SendRtp(
      MakeRtp({.ssrc = kSsrc, .seq = 1, .payload_type = kPayloadType}));
  const std::uint64_t asked = scene.from.info->stats.keyframe_requests.value();
  std::mt19937_64 rng(1);
  std::vector<std::uint16_t> seqs(200);
  for (std::size_t i = 0; i < seqs.size(); ++i)
    seqs[i] = static_cast<std::uint16_t>(i);
  const Timestamp start = MonotonicNow();

  for (int i = 0; i < 200; ++i) {
    for (int j = 0; j < 20; ++j) {
      std::array<std::uint8_t, 1200> buffer;
      RtcpWriter writer(buffer);
      const auto about = static_cast<std::uint32_t>(
          j % 2 == 0 ? 0x10000000 : rng());  // its own track, or nothing
      ReportBlock lie;
      lie.ssrc = about;
      lie.lost = -0x800000;
      lie.fraction_lost = 255;
      lie.highest_seq = 0xffffffff;
      lie.last_sr = static_cast<CompactNtp>(rng());
      lie.delay_since_last_sr = static_cast<CompactNtp>(rng());
      std::vector<ReportBlock> lies(31, lie);
      SenderInfo info;
      info.ntp = rng();
      info.rtp_timestamp = static_cast<std::uint32_t>(rng());
      WriteSenderReport(writer, j % 3 == 0 ? kSsrc : about, info, lies);
      WritePli(writer, {1, about});
      WriteNack(writer, 1, about, seqs);
      // More blocks than there are bytes for.
      std::vector<std::uint8_t> compound(writer.bytes().begin(),
                                         writer.bytes().end());
      if (j % 5 == 4) compound[0] = 0x9f, compound.resize(28 + 24);
      client.SendRtcp(compound);
    }
    scene.Run(5ms);
  }
  scene.Run(200ms);

  const double seconds =
      std::chrono::duration<double>(MonotonicNow() - start).count();
  CHECK(static_cast<double>(scene.from.info->stats.keyframe_requests.value() -
                            asked) <= seconds + 2);
  // A share of what it is sent, and the floor.
  CHECK(scene.attacker.egress().retransmitted.value() * 512 <
        scene.attacker.egress().bytes.value() + 80'000 +
            static_cast<std::uint64_t>(seconds * 12'500));
  CHECK(scene.attacker.egress().nacks.value() > 500);
  scene.CheckOthers();
}

}  // namespace
}  // namespace hg::test
