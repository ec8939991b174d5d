// What a peer that holds the keys can do to its Ingress: nothing that grows.
#include <doctest/doctest.h>

#include <random>
#include <vector>

#include "native/peer/ingress_rig.h"

namespace hg::test {
namespace {

constexpr std::uint32_t kSsrc = 1;
constexpr std::uint32_t kRtxSsrc = 9;

IngressTrackConfig RtxTrack() {
  return VideoTrack(20, {{.ssrc = kSsrc, .rtx_ssrc = kRtxSsrc}});
}
const SourceStats& StatsOf(const IngressTrackConfig& track) {
  return track.encodings[0].source->stats;
}

TEST_CASE("100,000 SSRCs are one track, whose requests stay few") {
  const IngressTrackConfig track = VideoTrack(20);
  IngressRig rig(With({AudioTrack(10), track}));
  rig.thread.keep = false;
  const std::size_t blocks = rig.thread.packet_pool.blocks();

  for (std::uint32_t ssrc = 1000; ssrc < 101'000; ++ssrc) {
    rig.Receive({.ssrc = ssrc, .seq = static_cast<std::uint16_t>(ssrc * 77)});
    if (ssrc % 10 == 0) rig.RunFor(1ms);
  }

  CHECK(StatsOf(track).packets.value() == 100'000);
  CHECK(rig.thread.packet_pool.blocks() == blocks);
  CHECK(rig.thread.feeds.size() == 2);
  CHECK(rig.thread.event_list.events.size() <= 2);  // receiving
  CHECK(rig.heard.requests.size() <= 11);           // in 10 s
  CHECK(rig.heard.reports.size() <= 11);
  CHECK(rig.heard.asked.empty());
  CHECK(rig.Receive({.ssrc = 5, .payload_type = kAudioType}));
}

TEST_CASE("jumps over any distance are asked for within bounds") {
  const IngressTrackConfig track = VideoTrack(20);
  IngressRig rig(With({track}));
  rig.thread.keep = false;
  std::mt19937 rng(1);

  for (int i = 0; i < 20'000; ++i) {
    rig.Receive({.seq = static_cast<std::uint16_t>(rng()),
                 .timestamp = static_cast<std::uint32_t>(rng()),
                 .transport_seq = static_cast<std::uint16_t>(rng())});
    rig.RunFor(1ms);
  }

  // 64 a turn, and each turn is a round trip at most after another was due.
  CHECK(rig.turns < 20'000);
  CHECK(rig.heard.asked.size() < 20'000u * 64);
  CHECK(rig.heard.largest <= 1200);
  CHECK(rig.heard.requests.size() <= 21);
}

TEST_CASE("RTX of no, one and two bytes") {
  const IngressTrackConfig track = RtxTrack();
  IngressRig rig(With({track}));
  rig.Receive({.ssrc = kSsrc, .seq = 1});
  rig.Receive({.ssrc = kSsrc, .seq = 3});
  hg::RtpFields rtx{.payload_type = kRtxType, .ssrc = kRtxSsrc};

  rtx.payload = {};
  CHECK(rig.ReceiveRaw(rtx.Build()));
  rtx.payload = {0};
  CHECK(rig.ReceiveRaw(rtx.Build()));
  rtx.payload = {};
  rtx.padding = 255;
  CHECK(rig.ReceiveRaw(rtx.Build()));
  CHECK(StatsOf(track).packets.value() == 2);
  rtx.padding = 0;
  rtx.payload = {0, 2};  // packet 2, which was empty
  CHECK(rig.ReceiveRaw(rtx.Build()));

  CHECK(StatsOf(track).packets.value() == 3);
  CHECK(StatsOf(track).retransmitted.value() == 4);
  CHECK(rig.thread.delivered.back().packet->payload().empty());
  CHECK(rig.thread.delivered.back().packet->size() == 12);
}

TEST_CASE("RTX before its stream repairs nothing, and teaches nothing") {
  const IngressTrackConfig track = RtxTrack();
  IngressRig rig(With({track}));

  CHECK(rig.ReceiveRaw(RtxOf({.ssrc = kSsrc, .seq = 100}, kRtxSsrc, 1)));

  CHECK(StatsOf(track).packets.value() == 0);
  CHECK(StatsOf(track).retransmitted.value() == 1);
  rig.Receive({.ssrc = kSsrc, .seq = 40'000});
  rig.RunFor(20ms);
  CHECK(rig.heard.asked.empty());
}

TEST_CASE("padding and header extensions that do not fit are refused") {
  const IngressTrackConfig track = RtxTrack();
  IngressRig rig(With({track}));
  rig.Receive({.ssrc = kSsrc, .seq = 1});
  const Sent sent{.ssrc = kSsrc,
                  .seq = 2,
                  .mid = "v",
                  .rid = "hi",
                  .transport_seq = std::uint16_t{1}};
  const ByteVector whole = FieldsOf(sent).Build();

  ByteVector padded = whole;
  padded[0] |= 0x20;
  for (const int padding : {0, 120, 255}) {
    CAPTURE(padding);
    padded.back() = static_cast<std::uint8_t>(padding);
    CHECK_FALSE(rig.ReceiveRaw(padded));
  }
  for (std::size_t size = 0; size < 24; ++size) {
    CAPTURE(size);
    CHECK_FALSE(rig.ReceiveRaw(
        {whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)}));
  }
  // An element that is longer than its block ends the block.
  ByteVector cut = whole;
  cut[16] = 0x4f;
  rig.ReceiveRaw(cut);
  // A mid that a rid says nothing of, of the full length.
  CHECK_FALSE(rig.Receive({.ssrc = 77, .mid = "0123456789abcdef"}));

  CHECK(StatsOf(track).packets.value() <= 2);
  CHECK(rig.Receive({.ssrc = kSsrc, .seq = 3}));
}

TEST_CASE(
    "what fits no buffer, is unknown or came before is counted and gone") {
  const IngressTrackConfig track = RtxTrack();
  IngressRig rig(With({track}));
  rig.Receive({.ssrc = kSsrc, .seq = 1});

  hg::RtpFields large{.seq = 2, .ssrc = kSsrc};
  large.payload.resize(PacketBuffer::kCapacity);
  CHECK(rig.ReceiveRaw(large.Build()));
  CHECK(StatsOf(track).invalid.value() == 1);
  large.payload.resize(60'000);
  CHECK(rig.ReceiveRaw(large.Build()));
  CHECK(StatsOf(track).invalid.value() == 2);
  for (int type = 0; type < 128; ++type) {
    if (type == kVideoType || type == kRtxType) continue;
    CHECK_FALSE(rig.Receive(
        {.ssrc = kSsrc, .payload_type = static_cast<std::uint8_t>(type)}));
  }
  for (int i = 0; i < 50; ++i) rig.Receive({.ssrc = kSsrc, .seq = 1});

  CHECK(StatsOf(track).packets.value() == 1);
  CHECK(StatsOf(track).dropped.value() == 50);
  CHECK(rig.thread.delivered.size() == 1);
}

TEST_CASE("a pool without packets drops, counts and goes on") {
  const IngressTrackConfig track = RtxTrack();
  IngressRig rig(With({track}));
  for (std::uint16_t seq = 0; seq < 1100; ++seq)
    rig.Receive({.ssrc = kSsrc, .seq = seq});
  CHECK(StatsOf(track).packets.value() == 1024);
  CHECK(StatsOf(track).dropped.value() == 76);

  rig.thread.delivered.clear();
  rig.Receive({.ssrc = kSsrc, .seq = 1100, .id = 7});

  CHECK(rig.IdsOf(20) == std::vector<std::uint64_t>{7});
}

TEST_CASE("sender reports may say what they like") {
  const IngressTrackConfig track = RtxTrack();
  IngressRig rig(With({track}));
  rig.Receive({.ssrc = kSsrc, .seq = 1});
  std::mt19937_64 rng(1);
  for (std::uint32_t i = 0; i < 10'000; ++i) {
    SenderReport report;
    report.sender_ssrc = i % 2 == 0 ? kSsrc : 1000 + i;
    report.info.ntp = i % 5 == 0 ? ~NtpTime{0} : rng();
    report.info.rtp_timestamp = static_cast<std::uint32_t>(rng());
    rig.ingress.OnSenderReport(report);
  }
  CHECK(rig.thread.clocks.size() == 5000);

  rig.Receive({.ssrc = kSsrc, .seq = 2});
  rig.RunFor(1s);

  CHECK(StatsOf(track).packets.value() == 2);
  REQUIRE(rig.heard.reports.size() == 1);
  CHECK(rig.heard.reports[0].block.lost == 0);
}

}  // namespace
}  // namespace hg::test
