#include "peer/egress_track.h"

#include <doctest/doctest.h>

#include "native/peer/egress_rig.h"
#include "rtp/seq_num.h"

namespace hg::test {
namespace {

// Sends `count` packets, 10 ms apart, and returns what the viewer was sent.
std::vector<WirePacket> SendSome(EgressRig& rig, SourceStub& source, int count,
                                 bool keyframe_first = true) {
  for (int i = 0; i < count; ++i) {
    source.Send(rig.owner.time, keyframe_first && i == 0);
    rig.owner.Flush();
    rig.owner.time += 10ms;
  }
  return rig.owner.Take();
}

void CheckFollows(const WirePacket& before, const WirePacket& after) {
  CHECK(after.rtp().seq == static_cast<std::uint16_t>(before.rtp().seq + 1));
  CHECK(TimestampNewer(after.rtp().timestamp, before.rtp().timestamp));
}

// ---- where a stream starts
// ----------------------------------------------------

TEST_CASE("a video track sends nothing before a keyframe") {
  SourceStub source;
  EgressRig rig(PlainVideo());
  rig.track.Link(&source.replica);
  CHECK(source.upstream.requests == 1);

  CHECK(SendSome(rig, source, 10, false).empty());
  const auto sent = SendSome(rig, source, 3);

  REQUIRE(sent.size() == 3);
  CheckFollows(sent[0], sent[1]);
  CheckFollows(sent[1], sent[2]);
  CHECK(sent[0].rtp().ssrc == 0xabcd0001);
  CHECK(sent[0].rtp().payload_type == 101);
}

TEST_CASE("the wait for a keyframe ends after 5 s") {
  SourceStub source;
  EgressRig rig(PlainVideo());
  rig.track.Link(&source.replica);
  const Timestamp linked = rig.owner.time;

  rig.owner.time = linked + 4999ms;
  source.Send(rig.owner.time);
  CHECK(rig.owner.Take().empty());
  rig.owner.time = linked + 5s;
  source.Send(rig.owner.time);

  CHECK(rig.owner.Take().size() == 1);
}

TEST_CASE("audio waits for nothing") {
  SourceStub source(AudioConfig());
  EgressRig rig(PlainAudio());
  rig.track.Link(&source.replica);

  CHECK(SendSome(rig, source, 1, false).size() == 1);
  CHECK(rig.owner.Take().empty());
}

TEST_CASE("a kept keyframe's group starts a viewer at once") {
  SourceConfig config = VideoConfig();
  config.keyframe_buffer_span = 10s;
  SourceStub source(config);
  source.Send(Timestamp(999s), true);
  source.Send(Timestamp(999s));
  EgressRig rig(PlainVideo());

  rig.track.Link(&source.replica);

  CHECK(rig.owner.Take().size() == 2);
  CHECK(source.upstream.requests == 0);
  CHECK(SendSome(rig, source, 1, false).size() == 1);
}

TEST_CASE("nothing is sent before the transport is up; then from a keyframe") {
  SourceStub source;
  EgressRig rig(PlainVideo());
  rig.owner.can_send = false;
  rig.track.Link(&source.replica);
  CHECK(SendSome(rig, source, 3).empty());
  rig.owner.can_send = true;

  rig.track.OnTransportUp();

  CHECK(source.upstream.requests == 2);
  CHECK(SendSome(rig, source, 3, false).empty());
  CHECK(SendSome(rig, source, 3).size() == 3);
}

// The first of `count` packets, which is a keyframe, comes last.
std::vector<WirePacket> SendStartLast(EgressRig& rig, SourceStub& source,
                                      int count) {
  const PacketRef start = source.Make(rig.owner.time, true, true);
  auto sent = SendSome(rig, source, count - 1, false);
  source.Deliver(start);
  std::ranges::move(rig.owner.Take(), std::back_inserter(sent));
  return sent;
}

TEST_CASE("a keyframe whose first packet comes last is sent whole") {
  SourceStub source;
  EgressRig rig(PlainVideo());
  rig.track.Link(&source.replica);
  SendSome(rig, source, 1, false);

  const auto sent = SendStartLast(rig, source, 5);

  REQUIRE(sent.size() == 5);
  for (std::size_t i = 0; i < 5; ++i) {
    CHECK(sent[i].id() == 1001 + i);
    CHECK(sent[i].rtp().seq ==
          static_cast<std::uint16_t>(sent[0].rtp().seq + i));
  }
  CHECK(source.upstream.requests == 1);
  // And once only.
  const auto next = SendSome(rig, source, 1, false);
  REQUIRE(next.size() == 1);
  CheckFollows(sent.back(), next[0]);
}

TEST_CASE(
    "a keyframe of which too little is kept is not begun, but asked for") {
  SourceConfig config = VideoConfig();
  config.tuning = TunedTo({});
  SourceStub source(config);
  EgressRig rig(PlainVideo());
  rig.track.Link(&source.replica);
  SendSome(rig, source, 1, false);

  CHECK(SendStartLast(rig, source, 5).empty());

  CHECK(source.upstream.requests == 2);
  CHECK(SendSome(rig, source, 3).size() == 3);
}

TEST_CASE("a viewer that has a picture gets a late packet where it belongs") {
  SourceStub source;
  EgressRig rig(PlainVideo());
  rig.track.Link(&source.replica);
  SendSome(rig, source, 1);

  const auto sent = SendStartLast(rig, source, 5);

  REQUIRE(sent.size() == 5);
  CHECK(sent.back().rtp().seq ==
        static_cast<std::uint16_t>(sent[0].rtp().seq - 1));
  CHECK(source.upstream.requests == 1);
}

TEST_CASE("a keyframe that does not come is asked for each second") {
  SourceStub source;
  EgressRig rig(PlainVideo());
  rig.track.Link(&source.replica);
  CHECK(source.upstream.requests == 1);

  CHECK(SendSome(rig, source, 350, false).empty());
  CHECK(source.upstream.requests == 4);
  SendSome(rig, source, 150);
  CHECK(source.upstream.requests == 4);
}

// ---- continuity
// -----------------------------------------------------------------

TEST_CASE("a pause leaves no gap, and starts again with a keyframe") {
  SourceStub source;
  EgressRig rig(PlainVideo());
  rig.track.Link(&source.replica);
  const auto before = SendSome(rig, source, 5);
  rig.track.SetPaused(true);
  rig.track.SetPaused(true);
  CHECK(SendSome(rig, source, 100).empty());
  const int requests = source.upstream.requests;

  rig.track.SetPaused(false);
  rig.track.SetPaused(false);

  CHECK(source.upstream.requests == requests + 1);
  CHECK(SendSome(rig, source, 2, false).empty());
  const auto after = SendSome(rig, source, 2);
  REQUIRE(after.size() == 2);
  CheckFollows(before.back(), after[0]);
  // The timestamp keeps its relation to the source's: 103 packets of 10 ms.
  CHECK(after[0].rtp().timestamp - before.back().rtp().timestamp == 103 * 900);
}

TEST_CASE(
    "another source continues the sequence, and the timestamp by the time"
    " that passed") {
  SourceStub a;
  SourceStub b(VideoConfig(), 0x2fff0);
  b.first_timestamp = 12345;
  EgressRig rig(PlainVideo());
  rig.track.Link(&a.replica);
  const auto before = SendSome(rig, a, 5);

  rig.track.Link(&b.replica);
  CHECK(SendSome(rig, a, 5, false).empty());
  CHECK(SendSome(rig, b, 5, false).empty());
  const auto after = SendSome(rig, b, 5);

  REQUIRE(after.size() == 5);
  CheckFollows(before.back(), after[0]);
  CHECK(after[0].rtp().timestamp - before.back().rtp().timestamp == 11 * 900);
  CHECK(after[4].rtp().timestamp - after[0].rtp().timestamp == 4 * 900);
  CHECK(a.info->stats.viewers == 0);
  CHECK(b.info->stats.viewers == 1);
}

TEST_CASE("what waits to be sent leaves before a switch") {
  SourceStub a;
  SourceStub b;
  EgressRig rig(PlainVideo());
  rig.track.Link(&a.replica);
  a.Send(rig.owner.time, true);  // enqueued, not written yet

  rig.track.Link(&b.replica);
  b.Send(rig.owner.time, true);  // of the same number as that of `a`

  const auto sent = rig.owner.Take();
  REQUIRE(sent.size() == 2);
  rig.owner.time += 60ms;
  rig.Nack({sent[0].rtp().seq});
  CHECK(rig.owner.Take().empty());
}

TEST_CASE("a restart of the source is a keyframe and nothing else") {
  SourceStub source;
  EgressRig rig(PlainVideo());
  rig.track.Link(&source.replica);
  const auto before = SendSome(rig, source, 5);

  source.restart = true;
  CHECK(SendSome(rig, source, 5, false).empty());
  const auto after = SendSome(rig, source, 2);

  REQUIRE(after.size() == 2);
  CheckFollows(before.back(), after[0]);
}

TEST_CASE("a restart that begins with a keyframe is passed on at once") {
  SourceStub source;
  EgressRig rig(PlainVideo());
  rig.track.Link(&source.replica);
  const auto before = SendSome(rig, source, 5);

  source.restart = true;
  const auto after = SendSome(rig, source, 5);

  REQUIRE(after.size() == 5);
  CheckFollows(before.back(), after[0]);
}

TEST_CASE("a gap of the source stays a gap, and a late packet fits in") {
  SourceStub source;
  EgressRig rig(PlainVideo());
  rig.track.Link(&source.replica);
  source.Send(rig.owner.time, true);
  const PacketRef late = source.Make(rig.owner.time);
  source.Send(rig.owner.time + 10ms);
  source.Deliver(late);

  const auto sent = rig.owner.Take();

  REQUIRE(sent.size() == 3);
  const std::uint16_t first = sent[0].rtp().seq;
  CHECK(static_cast<std::uint16_t>(sent[1].rtp().seq - first) == 2);
  CHECK(static_cast<std::uint16_t>(sent[2].rtp().seq - first) == 1);
}

TEST_CASE("a track whose source closed rests, and can be linked again") {
  SourceStub a;
  SourceStub b;
  EgressRig rig(PlainVideo());
  rig.track.Link(&a.replica);
  const auto before = SendSome(rig, a, 3);

  a.replica.OnSourceClosed();
  CHECK(rig.track.replica() == nullptr);
  rig.owner.time += 60ms;
  rig.Nack({before.back().rtp().seq});
  rig.track.OnKeyframeRequest();
  rig.track.OnTransportUp();
  CHECK(rig.owner.Take().empty());

  rig.track.Link(&b.replica);
  const auto after = SendSome(rig, b, 1);
  REQUIRE(after.size() == 1);
  CheckFollows(before.back(), after[0]);
}

TEST_CASE("a destroyed track is no viewer any more") {
  SourceStub source;
  {
    EgressRig rig(PlainVideo());
    rig.track.Link(&source.replica);
    CHECK(source.info->stats.viewers == 1);
  }
  CHECK(source.info->stats.viewers == 0);
  source.Send(Timestamp(1000s), true);
}

// ---- resends
// --------------------------------------------------------------------

TEST_CASE("a plain resend is the same bytes, extensions included") {
  SourceStub source;
  EgressRig rig(PlainVideo());
  rig.track.Link(&source.replica);
  const auto sent = SendSome(rig, source, 5);
  rig.owner.time += 123ms;

  rig.Nack({sent[2].rtp().seq, sent[4].rtp().seq});

  const auto resent = rig.owner.Take();
  REQUIRE(resent.size() == 2);
  CHECK(resent[0].bytes == sent[2].bytes);
  CHECK(resent[1].bytes == sent[4].bytes);
  CHECK(rig.stats->retransmitted.value() == 2);
  CHECK(rig.stats->nacks.value() == 1);
  CHECK(rig.stats->packets.value() == 5);
}

TEST_CASE("an RTX resend has its own stream and names the first number") {
  SourceStub source;
  EgressRig rig(RtxVideo());
  rig.track.Link(&source.replica);
  const auto sent = SendSome(rig, source, 5);

  rig.Nack({sent[1].rtp().seq, sent[3].rtp().seq});
  const auto resent = rig.owner.Take();

  REQUIRE(resent.size() == 2);
  for (std::size_t i = 0; i < 2; ++i) {
    const RtpView first = sent[i * 2 + 1].rtp();
    const RtpView rtx = resent[i].rtp();
    CHECK(rtx.ssrc == 0xabcd0002);
    CHECK(rtx.payload_type == 102);
    CHECK(rtx.timestamp == first.timestamp);
    CHECK(rtx.marker == first.marker);
    REQUIRE(rtx.payload.size() == first.payload.size() + 2);
    CHECK(LoadU16(rtx.payload.data()) == first.seq);
    CHECK(std::ranges::equal(rtx.payload.subspan(2), first.payload));
  }
  CHECK(resent[1].rtp().seq ==
        static_cast<std::uint16_t>(resent[0].rtp().seq + 1));
}

TEST_CASE("a packet is resent once per 40 ms while the round trip is unknown") {
  for (const EgressTrackConfig& config : {PlainVideo(), RtxVideo()}) {
    SourceStub source;
    EgressRig rig(config);
    rig.track.Link(&source.replica);
    const std::uint16_t seq = SendSome(rig, source, 1)[0].rtp().seq;

    int resent = 0;
    for (int ms = 0; ms < 400; ++ms) {
      rig.Nack({seq, seq});
      resent += static_cast<int>(rig.owner.Take().size());
      rig.owner.time += 1ms;
    }

    CHECK(resent >= 9);
    CHECK(resent <= 10);
  }
}

TEST_CASE("a packet is resent once per round trip, at most every 10 ms") {
  struct Case {
    Duration round_trip;
    int at_most;
  };
  for (const Case& c :
       {Case{100ms, 4}, Case{25ms, 16}, Case{1ms, 40}, Case{0ms, 40}}) {
    CAPTURE(ToMillis(c.round_trip));
    SourceStub source;
    EgressRig rig(RtxVideo());
    rig.track.Link(&source.replica);
    const std::uint16_t seq = SendSome(rig, source, 1)[0].rtp().seq;
    rig.Report(c.round_trip);

    int resent = 0;
    for (int ms = 0; ms < 400; ++ms) {
      rig.Nack({seq});
      resent += static_cast<int>(rig.owner.Take().size());
      rig.owner.time += 1ms;
    }

    CHECK(resent <= c.at_most);
    CHECK(resent >= c.at_most * 9 / 10 - 1);
  }
}

TEST_CASE("one report from a stall does not keep packets from being resent") {
  SourceStub source;
  EgressRig rig(RtxVideo());
  rig.track.Link(&source.replica);
  const std::uint16_t seq = SendSome(rig, source, 1)[0].rtp().seq;
  rig.Report(50ms);
  rig.Report(900ms);
  rig.Nack({seq});
  CHECK(rig.owner.Take().size() == 1);

  rig.owner.time += 51ms;
  rig.Nack({seq});

  CHECK(rig.owner.Take().size() == 1);
  // One that lasts is believed.
  rig.Report(400ms);
  rig.Report(400ms);
  rig.owner.time += 399ms;
  rig.Nack({seq});
  CHECK(rig.owner.Take().empty());
}

TEST_CASE("a NACK from before a switch fetches nothing of the new source") {
  // Both sources use the same numbers.
  for (const EgressTrackConfig& config : {PlainVideo(), RtxVideo()}) {
    SourceStub a;
    SourceStub b;
    EgressRig rig(config);
    rig.track.Link(&a.replica);
    const auto of_a = SendSome(rig, a, 20);
    rig.track.Link(&b.replica);
    const auto of_b = SendSome(rig, b, 20);
    rig.owner.time += 50ms;

    for (const WirePacket& packet : of_a) rig.Nack({packet.rtp().seq});
    CHECK(rig.owner.Take().empty());
    CHECK(rig.stats->not_retransmitted.value() == 20);

    for (const WirePacket& packet : of_b) rig.Nack({packet.rtp().seq});
    CHECK(rig.owner.Take().size() == 20);
  }
}

TEST_CASE("a NACK from before a pause is answered with what was sent then") {
  SourceStub source;
  EgressRig rig(PlainVideo());
  rig.track.Link(&source.replica);
  const auto sent = SendSome(rig, source, 5);
  rig.track.SetPaused(true);
  SendSome(rig, source, 5);
  rig.track.SetPaused(false);
  SendSome(rig, source, 5);
  rig.owner.time += 50ms;

  rig.Nack({sent[3].rtp().seq});

  const auto resent = rig.owner.Take();
  REQUIRE(resent.size() == 1);
  CHECK(resent[0].bytes == sent[3].bytes);
}

TEST_CASE("what is too old or was never sent is not resent, and counted") {
  SourceStub source;
  EgressRig rig(PlainVideo());
  rig.track.Link(&source.replica);
  const std::uint16_t seq = SendSome(rig, source, 1)[0].rtp().seq;

  rig.Nack({static_cast<std::uint16_t>(seq + 1),
            static_cast<std::uint16_t>(seq - 1)});
  CHECK(rig.stats->not_retransmitted.value() == 2);
  rig.owner.time += 2s;
  rig.Nack({seq});

  CHECK(rig.stats->not_retransmitted.value() == 3);
  CHECK(rig.owner.Take().empty());
}

TEST_CASE("without negotiated NACK nothing is resent") {
  SourceStub source;
  EgressTrackConfig config = PlainVideo();
  config.nack = false;
  EgressRig rig(config);
  rig.track.Link(&source.replica);
  const auto sent = SendSome(rig, source, 1);
  rig.owner.time += 50ms;

  rig.Nack({sent[0].rtp().seq});

  CHECK(rig.owner.Take().empty());
}

TEST_CASE("while nothing can be sent nothing is resent") {
  SourceStub source;
  EgressRig rig(PlainVideo());
  rig.track.Link(&source.replica);
  const auto sent = SendSome(rig, source, 1);
  rig.owner.time += 50ms;
  rig.owner.can_send = false;

  rig.Nack({sent[0].rtp().seq});

  CHECK(rig.owner.Take().empty());
  CHECK(rig.stats->retransmitted.value() == 0);
}

TEST_CASE("resends keep to their share of the bitrate") {
  SourceStub source;
  EgressRig rig(RtxVideo());
  rig.track.Link(&source.replica);
  std::vector<std::uint16_t> seqs;
  for (const WirePacket& packet : SendSome(rig, source, 90))
    seqs.push_back(packet.rtp().seq);
  std::size_t first_bytes = rig.stats->bytes.value();
  std::size_t resent_bytes = 0;

  // A viewer that says it got nothing, over and over.
  for (int round = 0; round < 50; ++round) {
    rig.owner.time += 40ms;
    source.Send(rig.owner.time);
    for (const WirePacket& p : rig.owner.Take()) {
      first_bytes += p.bytes.size();
      seqs.push_back(p.rtp().seq);
    }
    rig.NackAll(seqs);
    for (const WirePacket& p : rig.owner.Take()) resent_bytes += p.bytes.size();
  }

  // The burst, half of what was sent, and the floor of 100 kbit/s for 2.9 s.
  CHECK(resent_bytes <= 64 * 1024 + first_bytes / 2 + 36'250 + 200);
  CHECK(resent_bytes >= 64 * 1024);
}

// ---- feedback
// -------------------------------------------------------------------

TEST_CASE("a repeated FIR is one keyframe request, a PLI each") {
  SourceStub source;
  EgressRig rig(PlainVideo());
  rig.track.Link(&source.replica);
  source.upstream.requests = 0;

  rig.track.OnFir(9, {.ssrc = 0xabcd0001, .command = 5});
  rig.track.OnFir(9, {.ssrc = 0xabcd0001, .command = 5});
  rig.track.OnFir(9, {.ssrc = 0xabcd0001, .command = 6});
  CHECK(source.upstream.requests == 2);
  rig.track.OnKeyframeRequest();
  rig.track.OnKeyframeRequest();

  CHECK(source.upstream.requests == 4);
  CHECK(rig.stats->firs.value() == 3);
  CHECK(rig.stats->plis.value() == 2);
}

TEST_CASE("newly lost packets are told once") {
  EgressRig rig(PlainVideo());

  rig.Report(10ms, 5);
  rig.Report(10ms, 12);
  CHECK(rig.track.TakeNewlyLost() == 12);
  CHECK(rig.track.TakeNewlyLost() == 0);
  rig.Report(10ms, 11);  // a duplicate came
  rig.Report(10ms, -3);
  CHECK(rig.track.TakeNewlyLost() == 0);

  CHECK(rig.stats->remote_lost.value() == 0);
  CHECK(rig.stats->round_trip_us.value() >= 9'900);
  CHECK(rig.stats->round_trip_us.value() <= 10'100);
}

// ---- sender reports
// ---------------------------------------------------------------

// NTP for an instant of the tests' clock, for a machine whose wall clock is
// `ahead` of ours.
NtpTime NtpAt(Timestamp time, Duration ahead = 0s) {
  return ToNtp(WallTime(1'700'000'000s + time.time_since_epoch() + ahead));
}

std::optional<SenderInfo> ReportOf(EgressRig& rig,
                                   std::optional<std::int64_t> shift) {
  std::array<std::uint8_t, 200> buffer;
  RtcpWriter writer(buffer);
  if (!rig.track.WriteSenderReport(writer, shift, rig.owner.time,
                                   NtpAt(rig.owner.time)))
    return std::nullopt;
  RtcpReader reader(writer.bytes());
  const auto packet = reader.Next();
  REQUIRE(packet);
  const auto report = SenderReport::Parse(*packet);
  REQUIRE(report);
  CHECK(report->sender_ssrc == rig.track.config().ssrc);
  return report->info;
}

std::optional<std::int64_t> ShiftOf(
    std::initializer_list<const EgressTrack*> tracks) {
  SenderClockShift shift;
  for (const EgressTrack* track : tracks) shift.Add(*track);
  return shift.value();
}

// What capture time, by the wall clock of `info`, a timestamp means.
double SecondsOf(const SenderInfo& info, std::uint32_t timestamp,
                 std::uint32_t rate) {
  const double ntp = static_cast<double>(info.ntp >> 32) +
                     static_cast<double>(info.ntp & 0xffffffff) / 4294967296.0;
  return ntp +
         static_cast<double>(TimestampDiff(timestamp, info.rtp_timestamp)) /
             rate;
}

TEST_CASE(
    "there is no sender report before anything was sent, nor twice for"
    " the same") {
  SourceStub source;
  EgressRig rig(PlainVideo());
  CHECK_FALSE(ReportOf(rig, std::nullopt));
  rig.track.Link(&source.replica);
  CHECK_FALSE(ReportOf(rig, std::nullopt));
  SendSome(rig, source, 3);

  const auto info = ReportOf(rig, std::nullopt);

  REQUIRE(info);
  CHECK(info->packets == 3);
  CHECK(info->octets == 300);
  CHECK_FALSE(ReportOf(rig, std::nullopt));
}

TEST_CASE("without a sender's clock a report carries the time of arrival") {
  SourceStub source;
  EgressRig rig(PlainVideo());
  rig.track.Link(&source.replica);
  const auto sent = SendSome(rig, source, 3);
  const Timestamp arrival = sent.back().at;
  rig.owner.time += 500ms;

  const auto info = ReportOf(rig, std::nullopt);

  REQUIRE(info);
  CHECK(info->ntp == NtpAt(rig.owner.time));
  const auto passed = rig.owner.time - arrival;
  CHECK(info->rtp_timestamp - sent.back().rtp().timestamp ==
        static_cast<std::uint32_t>(ToMicros(passed) * 90 / 1000));
}

TEST_CASE(
    "audio and video that were captured together get the same time, by"
    " the sender's clock") {
  // The sender's wall clock is an hour ahead; its video takes 300 ms longer to
  // arrive than its audio.
  constexpr Duration kAhead = 3600s;
  constexpr Duration kVideoDelay = 300ms;
  constexpr Duration kReportDelay = 20ms;
  SourceStub video;
  SourceStub audio(AudioConfig());
  EgressRig video_rig(PlainVideo());
  EgressRig audio_rig(PlainAudio());
  video_rig.track.Link(&video.replica);
  audio_rig.track.Link(&audio.replica);
  const Timestamp captured = video_rig.owner.time;

  // Captured at the same instant, sent on at different ones.
  const PacketRef picture = video.Make(captured, true);
  const PacketRef sound = audio.Make(captured);
  audio_rig.owner.time = captured;
  audio.Deliver(sound);
  video_rig.owner.time = captured + kVideoDelay;
  video.Deliver(picture);
  const auto picture_out = video_rig.owner.Take();
  const auto sound_out = audio_rig.owner.Take();
  REQUIRE(picture_out.size() == 1);
  REQUIRE(sound_out.size() == 1);
  // Its reports, of 1 s and 2 s before.
  const Timestamp at_1 = captured - 1s;
  const Timestamp at_2 = captured - 2s;
  video.replica.OnSenderClock({NtpAt(at_1, kAhead), NtpAt(at_1 + kReportDelay),
                               picture->info.timestamp - 90000});
  audio.replica.OnSenderClock({NtpAt(at_2, kAhead), NtpAt(at_2 + kReportDelay),
                               sound->info.timestamp - 2 * 48000});
  video_rig.owner.time = audio_rig.owner.time = captured + 400ms;

  const auto shift = ShiftOf({&video_rig.track, &audio_rig.track});
  REQUIRE(shift);
  const auto video_info = ReportOf(video_rig, shift);
  const auto audio_info = ReportOf(audio_rig, shift);

  REQUIRE(video_info);
  REQUIRE(audio_info);
  // The NTP time is ours, so that the viewer's LSR and DLSR measure our round
  // trip.
  CHECK(video_info->ntp == NtpAt(video_rig.owner.time));
  const double picture_time =
      SecondsOf(*video_info, picture_out[0].rtp().timestamp, 90000);
  const double sound_time =
      SecondsOf(*audio_info, sound_out[0].rtp().timestamp, 48000);
  CHECK(picture_time == doctest::Approx(sound_time).epsilon(1e-13));
}

TEST_CASE("the senders' clocks are used by all tracks or by none") {
  SourceStub video;
  SourceStub audio(AudioConfig());
  EgressRig video_rig(PlainVideo());
  EgressRig audio_rig(PlainAudio());
  EgressRig unlinked(PlainAudio());
  video_rig.track.Link(&video.replica);
  audio_rig.track.Link(&audio.replica);
  const auto shift = [&] {
    return ShiftOf({&unlinked.track, &video_rig.track, &audio_rig.track});
  };
  const NtpTime ntp = NtpAt(Timestamp(1000s));
  const NtpTime second = NtpTime{1} << 32;

  CHECK_FALSE(shift());
  video.replica.OnSenderClock({ntp, ntp + second, 0});
  CHECK_FALSE(shift());
  audio.replica.OnSenderClock({ntp, ntp + second + second / 2, 0});
  REQUIRE(shift());
  CHECK(*shift() == static_cast<std::int64_t>(second));

  SUBCASE("not if they disagree: audio and video of two machines") {
    audio.replica.OnSenderClock({ntp, ntp + 4 * second, 0});
    CHECK_FALSE(shift());
    audio.replica.OnSenderClock({ntp, ntp - 2 * second, 0});
    CHECK_FALSE(shift());
  }
  CHECK_FALSE(ShiftOf({}));
}

}  // namespace
}  // namespace hg::test
