#include "peer/ingress.h"

#include <doctest/doctest.h>

#include <set>
#include <vector>

#include "native/peer/ingress_rig.h"

namespace hg::test {
namespace {

using Ids = std::vector<std::uint64_t>;
using Seqs = std::vector<std::uint16_t>;

constexpr Timestamp kStart{1000s};

const std::vector<IngressDemux::Encoding> kRids = {
    {.rid = "h"}, {.rid = "m"}, {.rid = "l"}};

const SourceStats& StatsOf(const IngressTrackConfig& track,
                           std::size_t encoding = 0) {
  return track.encodings[encoding].source->stats;
}

// ---- routing
// ----------------------------------------------------------------

TEST_CASE("packets go to the source that their mid, rid or SSRC names") {
  IngressRig rig(With({AudioTrack(10), VideoTrack(20, kRids), [] {
                         auto second =
                             VideoTrack(30, {{.ssrc = 300, .rtx_ssrc = 301}});
                         second.mid = "w";
                         return second;
                       }()}));

  CHECK(rig.Receive({.ssrc = 1, .payload_type = kAudioType, .id = 1}));
  CHECK(rig.Receive({.ssrc = 2, .id = 2, .mid = "v", .rid = "m"}));
  CHECK(rig.Receive({.ssrc = 2, .seq = 1, .id = 3}));
  CHECK(rig.Receive({.ssrc = 300, .id = 4}));
  CHECK_FALSE(rig.Receive({.ssrc = 3, .id = 5}));  // of "v" or "w"?
  CHECK_FALSE(rig.Receive({.ssrc = 3, .id = 6, .mid = "v", .rid = "x"}));
  CHECK_FALSE(rig.Receive({.ssrc = 1, .payload_type = 50, .id = 7}));

  CHECK(rig.IdsOf(10) == Ids{1});
  CHECK(rig.IdsOf(21) == Ids{2, 3});
  CHECK(rig.IdsOf(30) == Ids{4});
  CHECK(rig.thread.delivered.size() == 4);
}

TEST_CASE("what came in one burst is handed on together, by source") {
  IngressRig rig(With({AudioTrack(10), VideoTrack(20)}));
  for (std::uint16_t seq = 0; seq < 3; ++seq) {
    auto audio =
        FieldsOf({.ssrc = 1, .seq = seq, .payload_type = kAudioType}).Build();
    auto video = FieldsOf({.ssrc = 2, .seq = seq}).Build();
    rig.ingress.OnPacket(audio);
    rig.ingress.OnPacket(video);
  }
  CHECK(rig.thread.delivered.empty());

  rig.ingress.FinishBurst();

  CHECK(rig.IdsOf(10).size() == 3);
  CHECK(rig.IdsOf(20).size() == 3);
}

// ---- loss
// -------------------------------------------------------------------

TEST_CASE(
    "a lost packet is asked for after 12 ms, less than once per round trip") {
  for (const std::uint16_t seq : kStarts) {
    CAPTURE(seq);
    IngressRig rig(With({VideoTrack(20)}));
    rig.round_trip = 50ms;
    rig.Receive({.seq = seq});
    rig.Receive({.seq = Plus(seq, 2)});

    rig.RunUntil(kStart + 11ms);
    CHECK(rig.heard.asked.empty());
    rig.RunUntil(kStart + 12ms);
    CHECK(rig.heard.Seqs() == Seqs{Plus(seq, 1)});
    CHECK(rig.heard.asked.at(0).ssrc == 1);
    rig.RunUntil(kStart + 990ms);

    for (std::size_t i = 1; i < rig.heard.asked.size(); ++i)
      CHECK(rig.heard.asked[i].at - rig.heard.asked[i - 1].at >= 60ms);
    CHECK(rig.heard.asked.size() >= 5);
    CHECK(rig.heard.asked.size() <= 10);
    rig.RunUntil(kStart + 2s);
    CHECK(rig.heard.asked.size() <= 10);
    CHECK(rig.turns < 20);
  }
}

TEST_CASE("without a known round trip a packet is asked for every 100 ms") {
  IngressRig rig(With({VideoTrack(20)}));
  rig.round_trip.reset();
  rig.Receive({.seq = 1});
  rig.Receive({.seq = 3});

  rig.RunUntil(kStart + 250ms);

  REQUIRE(rig.heard.asked.size() == 3);
  CHECK(rig.heard.asked[1].at - rig.heard.asked[0].at >= 100ms);
}

TEST_CASE("a gap is asked for in time though another one filled by itself") {
  IngressRig rig(With({VideoTrack(20)}));
  rig.Receive({.seq = 1});
  rig.RunFor(100ms);
  for (const bool peer_timer : {true, false}) {
    CAPTURE(peer_timer);
    const auto seq = static_cast<std::uint16_t>(peer_timer ? 2 : 12);
    rig.heard.asked.clear();
    rig.Receive({.seq = Plus(seq, 1)});
    rig.RunFor(3ms);
    rig.Receive({.seq = seq});  // was only late
    if (peer_timer) {
      rig.PeerTimer();
    } else {
      rig.RunFor(50ms);
    }

    rig.Receive({.seq = Plus(seq, 3)});
    rig.RunFor(12ms);

    CHECK(rig.heard.Seqs() == Seqs{Plus(seq, 2)});
    rig.Receive({.seq = Plus(seq, 2)});
    for (int i = 4; i < 10; ++i) rig.Receive({.seq = Plus(seq, i)});
  }
}

TEST_CASE("a packet that comes as RTX is as if it had never been lost") {
  const IngressTrackConfig track = VideoTrack(20, {{.ssrc = 1, .rtx_ssrc = 9}});
  IngressRig rig(With({track}));
  rig.Receive({.seq = 65'534, .id = 1});
  rig.Receive({.seq = 0, .timestamp = 6000, .id = 3});
  rig.RunFor(20ms);
  REQUIRE(rig.heard.Seqs() == Seqs{65'535});

  CHECK(rig.ReceiveRaw(
      RtxOf({.seq = 65'535, .timestamp = 3000, .id = 2, .mid = "v"}, 9, 700)));
  rig.RunFor(1s);

  CHECK(rig.IdsOf(20) == Ids{1, 3, 2});
  const PacketBuffer& packet = *rig.thread.delivered.back().packet;
  const auto view = RtpView::Parse(packet.bytes());
  REQUIRE(view);
  CHECK(view->ssrc == 1);
  CHECK(view->seq == 65'535);
  CHECK(view->timestamp == 3000);
  CHECK(view->payload_type == kVideoType);
  CHECK(packet.info.extended_seq + 1 ==
        rig.thread.delivered[1].packet->info.extended_seq);
  CHECK(rig.heard.asked.size() == 1);
  CHECK(StatsOf(track).nacks.value() == 1);
  CHECK(StatsOf(track).recovered.value() == 1);
  CHECK(StatsOf(track).retransmitted.value() == 1);
  CHECK(StatsOf(track).packets.value() == 3);
}

TEST_CASE("a packet that finds no memory is lost, and asked for again") {
  const IngressTrackConfig track = VideoTrack(20);
  IngressRig rig(With({track}));
  rig.Receive({.seq = 1});
  {
    std::vector<PacketDraft> all;
    while (PacketDraft draft = rig.thread.packet_pool.Allocate())
      all.push_back(std::move(draft));
    CHECK(rig.Receive({.seq = 2}));
  }
  rig.Receive({.seq = 3});
  rig.RunFor(20ms);

  CHECK(StatsOf(track).dropped.value() == 1);
  CHECK(rig.heard.Seqs() == Seqs{2});
}

TEST_CASE("a packet that comes again plainly fills its gap") {
  const IngressTrackConfig track = VideoTrack(20);
  IngressRig rig(With({track}));
  rig.Receive({.seq = 1, .id = 1});
  rig.Receive({.seq = 3, .id = 3});
  rig.RunFor(20ms);

  rig.Receive({.seq = 2, .id = 2});
  rig.RunFor(1s);

  CHECK(rig.IdsOf(20) == Ids{1, 3, 2});
  CHECK(rig.heard.asked.size() == 1);
  CHECK(StatsOf(track).recovered.value() == 1);
}

// Browsers probe the path with RTX of packets that came long ago.
TEST_CASE("what is resent never restarts a source") {
  const IngressTrackConfig track = VideoTrack(20, {{.ssrc = 1, .rtx_ssrc = 9}});
  IngressRig rig(With({track}));
  rig.thread.keep = false;
  std::uint16_t seq = 60'000;
  for (int frame = 0; frame < 1500; ++frame) {
    const auto timestamp = static_cast<std::uint32_t>(frame * 18'000);
    rig.Receive({.seq = ++seq, .timestamp = timestamp, .id = 5});
    rig.RunFor(200ms);
  }
  rig.heard.asked.clear();

  for (const int back : {1400, 1399, 15, 14, 1}) {
    const auto timestamp = static_cast<std::uint32_t>((1499 - back) * 18'000);
    rig.ReceiveRaw(RtxOf({.seq = Plus(seq, -back), .timestamp = timestamp}, 9,
                         static_cast<std::uint16_t>(2000 - back)));
  }
  // And one of a stream that was before this one, by its numbers.
  rig.ReceiveRaw(RtxOf({.seq = Plus(seq, 20'000), .timestamp = 1}, 9, 2001));
  rig.RunFor(1s);

  CHECK(StatsOf(track).restarts.value() == 0);
  CHECK(StatsOf(track).packets.value() == 1500);
  CHECK(rig.heard.requests.empty());
  CHECK(StatsOf(track).retransmitted.value() == 6);
  // What is lost from here on is asked for as ever.
  rig.Receive({.seq = Plus(seq, 1), .timestamp = 1500 * 18'000});
  rig.Receive({.seq = Plus(seq, 3), .timestamp = 1500 * 18'000});
  rig.RunFor(20ms);
  CHECK(rig.heard.Seqs() == Seqs{Plus(seq, 2)});
}

TEST_CASE("the newest packet may come as RTX only") {
  const IngressTrackConfig track = VideoTrack(20, {{.ssrc = 1, .rtx_ssrc = 9}});
  IngressRig rig(With({track}));
  rig.Receive({.seq = 1, .timestamp = 0, .id = 1});

  rig.ReceiveRaw(RtxOf({.seq = 2, .timestamp = 3000, .id = 2}, 9, 1));
  rig.Receive({.seq = 3, .timestamp = 6000, .id = 3});
  rig.RunFor(500ms);

  CHECK(rig.IdsOf(20) == Ids{1, 2, 3});
  CHECK(rig.heard.asked.empty());
  CHECK(StatsOf(track).lost.value() == 0);
}

TEST_CASE("a sender whose numbers jump is followed, by NACKs and reports too") {
  for (const int jump : {-20'000, 20'000}) {
    CAPTURE(jump);
    const IngressTrackConfig track = VideoTrack(20);
    IngressRig rig(With({track}));
    rig.Receive({.seq = 1000});
    const std::uint16_t seq = Plus(1000, jump);
    rig.Receive({.seq = seq, .timestamp = 0x70000000});
    rig.Receive({.seq = Plus(seq, 2), .timestamp = 0x70000000});

    rig.RunFor(20ms);

    CHECK(StatsOf(track).restarts.value() == 1);
    CHECK(rig.heard.Seqs() == Seqs{Plus(seq, 1)});
    rig.RunUntil(kStart + 1s);
    REQUIRE(rig.heard.reports.size() == 1);
    CHECK(rig.heard.reports[0].block.lost == 1);
  }
}

TEST_CASE("what is missing before a keyframe is not asked for any more") {
  const IngressTrackConfig track = VideoTrack(20);
  IngressRig rig(With({track}));
  rig.Receive({.seq = 1});
  rig.Receive({.seq = 3});
  rig.RunFor(20ms);
  CHECK(rig.heard.Seqs() == Seqs{2});

  rig.Receive({.seq = 5, .keyframe = true});
  rig.Receive({.seq = 7});
  rig.RunFor(20ms);
  rig.RunFor(1s);

  std::set<std::uint16_t> asked;
  for (std::size_t i = 1; i < rig.heard.asked.size(); ++i)
    asked.insert(rig.heard.asked[i].seq);
  CHECK(asked == std::set<std::uint16_t>{6});
  CHECK(StatsOf(track).given_up.value() >= 2);
}

TEST_CASE("lost parameter sets of a keyframe are asked for (H.264)") {
  IngressTrackConfig track = VideoTrack(20);
  SourceConfig config = track.encodings[0].source->config;
  config.codec = "h264";
  track.encodings[0].source = std::make_shared<SourceInfo>(config);
  IngressRig rig(With({track}));
  const auto receive = [&](std::uint16_t seq, std::uint32_t timestamp,
                           std::uint8_t nal_unit) {
    auto fields = FieldsOf({.seq = seq, .timestamp = timestamp});
    fields.payload = {nal_unit, 0x88};
    rig.ReceiveRaw(fields.Build());
  };
  constexpr std::uint8_t kSps = 0x67, kIdr = 0x65, kSlice = 0x41;
  receive(1, 3000, kSps);
  receive(2, 3000, kIdr);
  receive(3, 6000, kSlice);

  receive(5, 9000, kIdr);
  rig.RunFor(20ms);

  CHECK(rig.heard.Seqs() == Seqs{4});
  receive(4, 9000, kSps);
  rig.RunFor(1s);
  CHECK(rig.heard.Seqs() == Seqs{4});
}

TEST_CASE("nobody is asked who did not agree to be") {
  IngressTrackConfig track = VideoTrack(20);
  track.nack = false;
  IngressRig rig(With({track}));
  rig.Receive({.seq = 1});
  rig.Receive({.seq = 9});

  rig.RunFor(1s);

  CHECK(rig.heard.asked.empty());
}

TEST_CASE("what does not fit one datagram is asked for in two, and once") {
  std::vector<IngressTrackConfig> tracks;
  for (std::uint32_t i = 0; i < 8; ++i) {
    tracks.push_back(VideoTrack(100 + i, {{.ssrc = 1000 + i}}));
    tracks.back().mid = std::to_string(i);
  }
  IngressRig rig(With(tracks));
  rig.thread.keep = false;  // more than the pool has
  // One of 18: each takes an item of its own.
  std::size_t lost = 0;
  for (std::uint32_t ssrc = 1000; ssrc < 1008; ++ssrc) {
    for (std::uint16_t seq = 0; seq < 900; ++seq) {
      if (seq % 18 == 17)
        ++lost;
      else
        rig.Receive({.ssrc = ssrc, .seq = seq});
    }
    rig.Receive({.ssrc = ssrc, .seq = 900});
  }

  rig.RunFor(40ms);

  CHECK(lost == 400);
  CHECK(rig.heard.asked.size() == lost);
  CHECK(rig.heard.largest <= 1200);
  std::uint64_t counted = 0;
  for (const auto& track : tracks) counted += StatsOf(track).nacks.value();
  CHECK(counted == lost);
}

// ---- keyframes
// --------------------------------------------------------------

TEST_CASE(
    "a keyframe is asked for by PLI, or by FIR where only that is known") {
  for (const bool pli : {true, false}) {
    CAPTURE(pli);
    IngressTrackConfig track = VideoTrack(20);
    track.pli = pli;
    IngressRig rig(With({track}));
    rig.Receive({.ssrc = 5, .seq = 1});

    rig.RequestKeyframe(20);
    rig.RunFor(1ms);
    rig.RunFor(1s);
    rig.RequestKeyframe(20);
    rig.RunFor(1ms);

    REQUIRE(rig.heard.requests.size() == 2);
    CHECK(rig.heard.requests[0].ssrc == 5);
    CHECK(rig.heard.requests[0].at == kStart);
    const int first = rig.heard.requests[0].fir_command;
    CHECK((first == -1) == pli);
    // RFC 5104 s4.3.1.2: by one with each.
    CHECK(rig.heard.requests[1].fir_command == (pli ? -1 : first + 1));
  }
}

TEST_CASE(
    "a keyframe request waits for the first packet, which tells the SSRC") {
  IngressRig rig(With({VideoTrack(20)}));
  rig.RequestKeyframe(20);
  rig.RunFor(100ms);
  CHECK(rig.heard.requests.empty());

  rig.Receive({.ssrc = 5, .seq = 1});
  rig.RunFor(1ms);

  REQUIRE(rig.heard.requests.size() == 1);
  CHECK(rig.heard.requests[0].ssrc == 5);
}

TEST_CASE("keyframe requests are merged, and one a second is sent") {
  const IngressTrackConfig track = VideoTrack(20);
  IngressRig rig(With({track}));
  rig.Receive({.seq = 1});

  for (int i = 0; i < 330; ++i) {
    rig.RequestKeyframe(20);
    rig.RunFor(10ms);
  }

  REQUIRE(rig.heard.requests.size() == 4);
  for (std::size_t i = 1; i < 4; ++i)
    CHECK(rig.heard.requests[i].at - rig.heard.requests[i - 1].at >= 1s);
  CHECK(StatsOf(track).keyframe_requests.value() == 4);
}

TEST_CASE("FIR commands go up by one though a datagram was full") {
  std::vector<IngressTrackConfig> tracks;
  for (std::uint32_t i = 0; i < 80; ++i) {
    tracks.push_back(VideoTrack(100 + i, {{.ssrc = 1000 + i}}));
    tracks.back().mid = std::to_string(i);
    tracks.back().pli = false;
  }
  IngressRig rig(With(tracks));
  for (std::uint32_t i = 0; i < 80; ++i) {
    rig.Receive({.ssrc = 1000 + i});
    rig.RequestKeyframe(100 + i);
  }

  rig.RunFor(1ms);

  REQUIRE(rig.heard.requests.size() == 80);
  for (std::size_t i = 1; i < 80; ++i)
    CHECK(rig.heard.requests[i].fir_command ==
          rig.heard.requests[i - 1].fir_command + 1);
}

TEST_CASE("a request that had to wait is not sent when a keyframe came") {
  IngressRig rig(With({VideoTrack(20)}));
  rig.Receive({.seq = 1});
  rig.RequestKeyframe(20);
  rig.RunFor(100ms);
  rig.RequestKeyframe(20);

  rig.Receive({.seq = 2, .timestamp = 9000, .keyframe = true});
  rig.RunFor(3s);

  CHECK(rig.heard.requests.size() == 1);
}

TEST_CASE("audio is asked for no keyframe") {
  IngressRig rig(With({AudioTrack(10)}));
  rig.Receive({.seq = 1, .payload_type = kAudioType});

  rig.RequestKeyframe(10);
  rig.RunFor(2s);

  CHECK(rig.heard.requests.empty());
}

TEST_CASE("a new SSRC restarts the source, and a keyframe is asked for") {
  const IngressTrackConfig track = VideoTrack(20);
  IngressRig rig(With({track}));
  rig.Receive({.ssrc = 5, .seq = 1});

  rig.Receive({.ssrc = 6, .seq = 40'000});
  rig.RunFor(1ms);

  CHECK(StatsOf(track).restarts.value() == 1);
  REQUIRE(rig.heard.requests.size() == 1);
  CHECK(rig.heard.requests[0].ssrc == 6);
  CHECK(rig.heard.asked.empty());
}

TEST_CASE("a latecomer of the SSRC before does not bring it back") {
  const IngressTrackConfig track = VideoTrack(20);
  IngressRig rig(With({track}));
  rig.Receive({.ssrc = 5, .seq = 1});
  rig.Receive({.ssrc = 5, .seq = 3});
  rig.Receive({.ssrc = 6, .seq = 40'000, .timestamp = 9});
  rig.Receive({.ssrc = 6, .seq = 40'002, .timestamp = 9});

  rig.Receive({.ssrc = 5, .seq = 2});
  rig.RunFor(20ms);

  CHECK(StatsOf(track).restarts.value() == 1);
  CHECK(rig.heard.Seqs() == Seqs{40'001});
  rig.RunUntil(kStart + 1s);
  REQUIRE(rig.heard.reports.size() == 1);
  CHECK(rig.heard.reports[0].block.ssrc == 6);
  CHECK(rig.heard.reports[0].block.lost == 1);
}

// ---- reports
// ----------------------------------------------------------------

TEST_CASE("a report a second tells what came, of each SSRC") {
  IngressRig rig(With({AudioTrack(10), VideoTrack(20)}));
  rig.Receive({.ssrc = 1, .seq = 65'000, .payload_type = kAudioType});
  for (std::uint16_t seq = 0; seq < 100; ++seq) {
    // Every tenth is lost, two came twice.
    if (seq % 10 != 5) rig.Receive({.ssrc = 2, .seq = Plus(65'500, seq)});
    if (seq % 50 == 0) rig.Receive({.ssrc = 2, .seq = Plus(65'500, seq)});
  }
  SenderReport report;
  report.sender_ssrc = 2;
  report.info.ntp = NtpTime{0x1234'5678'9abc'def0};
  rig.RunFor(500ms);
  rig.ingress.OnSenderReport(report);
  rig.RunUntil(kStart + 1s);

  REQUIRE(rig.heard.reports.size() == 2);
  const ReportBlock audio = rig.heard.reports[0].block;
  CHECK(audio.ssrc == 1);
  CHECK(audio.lost == 0);
  CHECK(audio.highest_seq == 65'000);
  CHECK(audio.last_sr == 0);
  const ReportBlock video = rig.heard.reports[1].block;
  CHECK(video.ssrc == 2);
  CHECK(video.lost == 8);  // RFC 3550 s6.4.1: duplicates count against
  CHECK(video.fraction_lost == 8 * 256 / 100);
  CHECK(video.highest_seq == 0x10000u + Plus(65'500, 99));
  CHECK(video.last_sr == 0x5678'9abc);
  CHECK(video.delay_since_last_sr == 0x8000);  // half a second

  rig.RunUntil(kStart + 2s);
  REQUIRE(rig.heard.reports.size() == 4);
  CHECK(rig.heard.reports[3].block.fraction_lost == 0);
  CHECK(rig.heard.reports[3].block.lost == 8);
}

TEST_CASE("a sender report moves the clock of its own source only") {
  IngressRig rig(With({VideoTrack(20, kRids)}));
  rig.Receive({.ssrc = 5, .seq = 1, .timestamp = 90, .mid = "v", .rid = "h"});
  rig.Receive({.ssrc = 6, .seq = 1, .timestamp = 90, .mid = "v", .rid = "m"});
  SenderReport report;
  report.info = {.ntp = 7, .rtp_timestamp = 1090};

  report.sender_ssrc = 6;
  rig.ingress.OnSenderReport(report);
  report.sender_ssrc = 77;
  rig.ingress.OnSenderReport(report);

  REQUIRE(rig.thread.clocks.size() == 1);
  CHECK(rig.thread.clocks[0].ntp == 7);
  CHECK(rig.thread.clocks[0].rtp_timestamp == 1090);
}

TEST_CASE("more streams than one report can speak of are told in several") {
  std::vector<IngressTrackConfig> tracks;
  for (std::uint32_t i = 0; i < 40; ++i) {
    tracks.push_back(VideoTrack(100 + i, {{.ssrc = 1000 + i}}));
    tracks.back().mid = std::to_string(i);
  }
  IngressRig rig(With(std::move(tracks)));
  rig.ingress.SetMaxBitrate(1'000'000);
  for (std::uint32_t i = 0; i < 40; ++i) rig.Receive({.ssrc = 1000 + i});
  rig.RunFor(1500ms);

  std::set<std::uint32_t> reported;
  for (const auto& one : rig.heard.reports) reported.insert(one.block.ssrc);
  CHECK(reported.size() == 40);
  CHECK(rig.heard.largest <= 1200);
}

TEST_CASE("each packet's arrival is told within 200 ms") {
  IngressRig rig(With({VideoTrack(20)}));
  std::set<std::uint16_t> told;
  for (std::uint16_t i = 0; i < 200; ++i) {
    const auto seq = static_cast<std::uint16_t>(65'400 + i);
    if (i % 7 != 3) rig.Receive({.seq = seq, .transport_seq = seq});
    // Padding of an SSRC nobody announced counts as well.
    else
      rig.Receive({.ssrc = 99, .payload_type = 50, .transport_seq = seq});
    rig.RunFor(5ms);
  }
  rig.RunFor(200ms);

  for (const auto& one : rig.heard.arrivals) {
    // libwebrtc drops what is not about an SSRC that it sends.
    CHECK((one.media_ssrc == 1 || one.media_ssrc == 99));
    for (std::size_t i = 0; i < one.arrived.size(); ++i) {
      CHECK(one.arrived[i]);
      const auto seq = static_cast<std::uint16_t>(one.base_seq + i);
      const auto place = static_cast<std::uint16_t>(seq - 65'400);
      CHECK(one.at - (kStart + place * 5ms) <= 201ms);
      CHECK(told.insert(seq).second);
    }
  }
  CHECK(told.size() == 200);
}

TEST_CASE("feedback that is due within a frame leaves with what just came") {
  IngressRig rig(With({VideoTrack(20)}));
  for (std::uint16_t i = 0; i < 30; ++i) {
    rig.Receive({.seq = i, .transport_seq = i});
    rig.RunFor(33ms);
  }

  // Each with a packet, none in a turn of its own.
  REQUIRE(rig.heard.arrivals.size() >= 4);
  for (const auto& one : rig.heard.arrivals)
    CHECK((one.at - kStart) % 33ms <= 1ms);
}

TEST_CASE("who did not offer transport-wide cc is told nothing of it") {
  IngressConfig config = With({VideoTrack(20)});
  config.transport_cc = 0;
  IngressRig rig(config);

  rig.Receive({.seq = 1, .transport_seq = 1});
  rig.RunFor(1s);

  CHECK(rig.heard.arrivals.empty());
}

TEST_CASE("a bitrate limit is told at once, and again with each report") {
  IngressRig rig(With({AudioTrack(10), VideoTrack(20)}));
  rig.Receive({.ssrc = 1, .payload_type = kAudioType});
  rig.Receive({.ssrc = 2});
  rig.RunFor(300ms);
  CHECK(rig.heard.limits.empty());

  rig.ingress.SetMaxBitrate(128'000);
  rig.RunFor(1ms);
  REQUIRE(rig.heard.limits.size() == 1);
  CHECK(rig.heard.limits[0].bitrate_bps == 128'000);
  CHECK(rig.heard.limits[0].ssrcs == std::vector<std::uint32_t>{1, 2});

  rig.RunFor(3s);
  CHECK(rig.heard.limits.size() == 4);
}

TEST_CASE("a limit from before the first packet is told with the first") {
  IngressRig rig(With({VideoTrack(20)}));
  rig.ingress.SetMaxBitrate(128'000);
  rig.RunFor(5s);
  CHECK(rig.heard.compounds == 0);
  CHECK(rig.turns <= 1);

  rig.Receive({.ssrc = 2});
  rig.RunFor(1ms);

  REQUIRE(rig.heard.limits.size() == 1);
  CHECK(rig.heard.limits[0].bitrate_bps == 128'000);
}

TEST_CASE("a limit that is lifted is told, for senders keep the last one") {
  IngressRig rig(With({VideoTrack(20)}));
  rig.Receive({.ssrc = 2});
  rig.ingress.SetMaxBitrate(0);
  rig.RunFor(1500ms);
  CHECK(rig.heard.limits.empty());
  rig.ingress.SetMaxBitrate(128'000);
  rig.RunFor(1ms);
  rig.heard.limits.clear();

  rig.ingress.SetMaxBitrate(0);
  rig.RunFor(3s);

  REQUIRE(rig.heard.limits.size() >= 3);
  for (const auto& limit : rig.heard.limits)
    CHECK(limit.bitrate_bps >= 1'000'000'000);
}

TEST_CASE(
    "a limit changes neither when reports are due nor what they measure") {
  const IngressTrackConfig track = VideoTrack(20);
  IngressRig rig(With({track}));
  for (std::uint16_t seq = 0; seq < 200; ++seq) {
    rig.Receive({.ssrc = 2, .seq = seq});
    rig.RunFor(10ms);
    rig.ingress.SetMaxBitrate(100'000u + seq * 1000u);
  }

  // 112 bytes every 10 ms.
  CHECK(rig.heard.reports.size() == 2);
  CHECK(StatsOf(track).bitrate.value() > 85'000);
  CHECK(StatsOf(track).bitrate.value() < 95'000);
}

// ---- renegotiation
// ----------------------------------------------------------

TEST_CASE("encodings that stay go on, others come and go") {
  IngressTrackConfig audio = AudioTrack(10);
  IngressTrackConfig video = VideoTrack(20, kRids);
  IngressRig rig(With({audio, video}));
  CHECK(rig.thread.feeds.size() == 4);
  rig.Receive({.ssrc = 5, .seq = 1, .id = 1, .mid = "v", .rid = "m"});
  rig.Receive({.ssrc = 5, .seq = 3, .id = 3, .mid = "v", .rid = "m"});
  SourceFeed* const before = rig.thread.FindSource(21);

  video.encodings.erase(video.encodings.begin());  // "h"
  video.encodings.push_back({{.rid = "x"}, NewSource(40, true)});
  rig.Configure(With({video}));

  CHECK(rig.thread.feeds.size() == 3);
  CHECK(rig.thread.FindSource(10) == nullptr);
  CHECK(rig.thread.FindSource(20) == nullptr);
  CHECK(rig.thread.FindSource(21) == before);
  CHECK(rig.thread.FindSource(40) != nullptr);
  // What it knew, it knows: the gap is still asked for, and nothing restarts.
  rig.Receive({.ssrc = 5, .seq = 4, .id = 4, .mid = "v", .rid = "m"});
  rig.RunFor(20ms);
  CHECK(rig.heard.Seqs() == Seqs{2});
  CHECK(rig.IdsOf(21) == Ids{1, 3, 4});
  CHECK(video.encodings[0].source->stats.restarts.value() == 0);
  CHECK_FALSE(rig.Receive({.ssrc = 1, .payload_type = kAudioType}));
}

TEST_CASE("a renegotiation says anew whether packets are asked for again") {
  IngressTrackConfig track = VideoTrack(20);
  IngressRig rig(With({track}));
  rig.Receive({.seq = 1});
  rig.Receive({.seq = 3});

  track.nack = false;
  rig.Configure(With({track}));
  rig.Receive({.seq = 5});
  rig.RunFor(500ms);
  CHECK(rig.heard.asked.empty());

  track.nack = true;
  rig.Configure(With({track}));
  rig.Receive({.seq = 6});
  rig.Receive({.seq = 8});
  rig.RunFor(20ms);
  CHECK(rig.heard.Seqs() == Seqs{7});
}

TEST_CASE("losses are told once, renegotiation or not") {
  IngressTrackConfig track = VideoTrack(20);
  IngressRig rig(With({track}));
  rig.Receive({.seq = 1});
  rig.Receive({.seq = 5});
  CHECK(rig.ingress.TakeNewlyLost(0) == 3);

  rig.Configure(With({AudioTrack(10), track}));

  CHECK(rig.ingress.TakeNewlyLost(1) == 0);
  rig.Receive({.seq = 7});
  CHECK(rig.ingress.TakeNewlyLost(1) == 1);
  // Another SSRC counts anew.
  rig.Receive({.ssrc = 2, .seq = 7});
  rig.Receive({.ssrc = 2, .seq = 9});
  CHECK(rig.ingress.TakeNewlyLost(1) == 1);
}

TEST_CASE("a burst that a renegotiation comes into is handed on before") {
  IngressRig rig(With({VideoTrack(20)}));
  auto packet = FieldsOf({.seq = 1, .id = 1}).Build();
  rig.ingress.OnPacket(packet);

  rig.Configure(With({}));
  rig.ingress.FinishBurst();

  CHECK(rig.IdsOf(20) == Ids{1});
  CHECK(rig.thread.feeds.empty());
}

TEST_CASE("once closed nothing comes, nothing leaves, and no source is left") {
  IngressRig rig(With({AudioTrack(10), VideoTrack(20)}));
  rig.Receive({.seq = 1, .transport_seq = 1});
  rig.Receive({.seq = 3, .transport_seq = 3});
  auto packet = FieldsOf({.seq = 4}).Build();
  rig.ingress.OnPacket(packet);

  rig.ingress.Close();
  rig.ingress.FinishBurst();
  rig.ingress.Close();

  CHECK(rig.thread.feeds.empty());
  CHECK_FALSE(rig.ingress.NextDue());
  CHECK_FALSE(rig.Receive({.seq = 5}));
  rig.RunFor(3s);
  CHECK(rig.heard.compounds == 0);
}

}  // namespace
}  // namespace hg::test
