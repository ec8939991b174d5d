#include "peer/egress.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "native/peer/egress_rig.h"
#include "native/peer/sender_rig.h"
#include "rtp/rtcp/registry.h"
#include "rtp/rtcp/twcc_writer.h"

namespace hg::test {
namespace {

constexpr Timestamp kStart{1000s};
constexpr std::uint32_t kPeer = 5;

// What the viewer hears of our tracks in one compound.
struct Compound final : FeedbackHandler {
  explicit Compound(Bytes bytes) : size(bytes.size()) {
    const RtcpDispatch result = DispatchRtcp(bytes, *this);
    HG_CHECK(!result.malformed && result.unknown == 0);
    RtcpReader reader(bytes);
    while (const auto packet = reader.Next()) {
      if (packet->type != RtcpType::kSdes) continue;
      HG_CHECK(packet->count == 1 && packet->body.size() > 6);
      const Bytes text = packet->body.subspan(6, packet->body[5]);
      names.emplace_back(text.begin(), text.end());
      named.push_back(LoadU32(packet->body.data()));
    }
  }
  void OnSenderReport(const SenderReport& report) override {
    ssrcs.push_back(report.sender_ssrc);
    infos.push_back(report.info);
  }

  std::size_t size;
  std::vector<std::uint32_t> ssrcs;  // of the reports, and of the CNAMEs
  std::vector<std::uint32_t> named;
  std::vector<SenderInfo> infos;
  std::vector<std::string> names;
};

// An Egress of some video tracks, each with a source of its own.
class Rig final : public SenderRig, private Egress::Owner {
 public:
  explicit Rig(std::size_t tracks = 1) {
    sender.set_srtp(srtp);
    sender.set_consent(true);
    for (std::size_t i = 0; i < tracks; ++i) {
      track_stats.push_back(std::make_shared<EgressStats>());
      egress.AddTrack(ConfigOf(i), track_stats.back());
      AddSource();
      LinkTo(i, {i});
    }
  }
  ~Rig() { egress.Close(); }

  static std::uint32_t SsrcOf(std::size_t track) {
    return static_cast<std::uint32_t>(1000 + 2 * track);
  }
  static EgressTrackConfig ConfigOf(std::size_t track) {
    EgressTrackConfig config = RtxVideo();
    config.mid = std::to_string(track);
    config.ssrc = SsrcOf(track);
    config.rtx_ssrc = config.ssrc + 1;
    return config;
  }
  SourceStub& AddSource() {
    SourceConfig config = VideoConfig();
    config.id = static_cast<std::uint32_t>(sources.size());
    SourceStub& source = sources.emplace_back(config);
    thread.replicas[config.id] = &source.replica;
    return source;
  }
  void LinkTo(std::size_t track, std::vector<std::size_t> encodings) {
    std::vector<std::shared_ptr<const SourceInfo>> infos;
    for (const std::size_t i : encodings) infos.push_back(sources[i].info);
    egress.Link(track, infos);
  }

  // The first one of a source is a keyframe.
  void Send(std::size_t source, int packets = 1) {
    SourceStub& from = sources[source];
    for (; packets > 0; --packets) {
      from.info->stats.packets.Add();
      from.info->stats.last_arrival_ns.Set(
          static_cast<std::uint64_t>(thread.time.time_since_epoch().count()));
      from.Send(thread.time, started_.insert(source).second);
    }
  }
  void EndTurn() {
    if (std::exchange(thread.flush_wanted, false)) egress.Flush();
  }
  // As a peer's timer does.
  void RunUntil(Timestamp end) {
    for (auto due = egress.NextDue(); due && *due <= end;
         due = egress.NextDue()) {
      thread.time = std::max(thread.time, *due);
      egress.OnDue();
      ++turns;
    }
    thread.time = end;
  }
  void Tell(const std::function<void(RtcpWriter&)>& write) {
    std::array<std::uint8_t, 1200> buffer;
    RtcpWriter writer(buffer);
    write(writer);
    egress.OnRtcp(writer.bytes());
  }
  void TellNack(std::size_t track, std::vector<std::uint16_t> seqs) {
    Tell([&](RtcpWriter& writer) {
      CHECK(WriteNack(writer, 1, SsrcOf(track), seqs) == seqs.size());
    });
  }
  std::vector<Compound> TakeReports() {
    std::vector<Compound> reports;
    for (const auto& one : Take().rtcp) reports.emplace_back(one);
    return reports;
  }

  std::deque<SourceStub> sources;
  std::vector<std::shared_ptr<EgressStats>> track_stats;
  std::vector<std::uint32_t> sender_reports;  // what they were about
  int intervals = 0;
  int turns = 0;
  const std::shared_ptr<Tuning> tuning = TunedTo({.max_nack_age = 1s});
  Egress egress{
      {.peer = kPeer, .tuning = tuning}, thread, sender, stats, *this};

 private:
  void OnSenderReport(const SenderReport& report) override {
    sender_reports.push_back(report.sender_ssrc);
  }
  void OnReportInterval() override { ++intervals; }

  std::set<std::size_t> started_;
};

std::vector<std::uint16_t> SeqsOf(
    const std::vector<std::vector<std::uint8_t>>& packets, std::uint32_t ssrc) {
  std::vector<std::uint16_t> seqs;
  for (const auto& packet : packets) {
    const auto rtp = RtpView::Parse(packet);
    REQUIRE(rtp);
    if (rtp->ssrc == ssrc) seqs.push_back(rtp->seq);
  }
  return seqs;
}

// ---- the queue
// ---------------------------------------------------------------

TEST_CASE("what is forwarded in one turn leaves together at its end") {
  Rig rig(2);

  rig.Send(0, 3);
  rig.Send(1, 2);
  CHECK(rig.thread.wire.datagrams.empty());
  rig.EndTurn();

  CHECK(rig.thread.wire.batches == 1);
  const auto left = rig.Take();
  CHECK(left.rtp.size() == 5);
  CHECK(SeqsOf(left.rtp, Rig::SsrcOf(0)).size() == 3);
  CHECK(rig.stats.packets_sent.value() == 5);
  CHECK(rig.track_stats[1]->packets.value() == 2);
  rig.egress.Flush();
  CHECK(rig.thread.wire.batches == 1);
}

TEST_CASE("what is more than the queue holds leaves before, in order") {
  Rig rig;

  rig.Send(0, 300);
  CHECK(rig.thread.wire.datagrams.size() == 256);
  rig.EndTurn();

  const auto seqs = SeqsOf(rig.Take().rtp, Rig::SsrcOf(0));
  REQUIRE(seqs.size() == 300);
  for (std::size_t i = 1; i < seqs.size(); ++i)
    CHECK(seqs[i] == static_cast<std::uint16_t>(seqs[0] + i));
}

TEST_CASE("without consent nothing leaves, then or later, until a keyframe") {
  Rig rig;
  rig.Send(0, 2);

  rig.sender.set_consent(false);
  rig.EndTurn();
  rig.Send(0, 2);
  rig.sender.set_consent(true);
  rig.EndTurn();
  CHECK(rig.Take().kinds.empty());

  const int requests = rig.sources[0].upstream.requests;
  rig.egress.OnTransportUp();
  CHECK(rig.sources[0].upstream.requests == requests + 1);
  rig.Send(0);
  rig.EndTurn();
  CHECK(rig.Take().kinds.empty());
  rig.sources[0].Send(rig.thread.time, true);
  rig.EndTurn();
  CHECK(rig.Take().rtp.size() == 1);
}

TEST_CASE("a pair that is no socket of ours carries media and reports, too") {
  Rig rig;
  rig.egress.StartReports();
  rig.ice.pair.fd = -1;

  rig.Send(0, 3);
  rig.EndTurn();
  rig.RunUntil(kStart + 2s);

  CHECK(rig.thread.wire.datagrams.empty());
  const auto left = rig.Take();
  CHECK(left.rtp.size() == 3);
  CHECK(left.rtcp.size() == 1);
}

// ---- tracks
// ------------------------------------------------------------------

TEST_CASE("a track in the place of another: what waits leaves before") {
  Rig rig;
  rig.Send(0, 2);

  EgressTrackConfig config = Rig::ConfigOf(0);
  config.ssrc = 77;
  config.rtx_ssrc = 78;
  const auto stats = std::make_shared<EgressStats>();
  rig.egress.SetTrack(0, config, stats);
  CHECK(SeqsOf(rig.Take().rtp, Rig::SsrcOf(0)).size() == 2);
  rig.EndTurn();
  CHECK(rig.sources[0].replica.empty());

  rig.LinkTo(0, {0});
  rig.sources[0].Send(rig.thread.time, true);
  rig.EndTurn();
  CHECK(SeqsOf(rig.Take().rtp, 77).size() == 1);
  CHECK(stats->packets.value() == 1);
  CHECK(rig.track_stats[0]->packets.value() == 2);
}

TEST_CASE("the same track with another payload type goes on") {
  Rig rig;
  rig.Send(0);

  EgressTrackConfig config = Rig::ConfigOf(0);
  config.payload_type = 55;
  rig.egress.SetTrack(0, config, std::make_shared<EgressStats>());
  rig.Send(0);
  rig.EndTurn();

  const auto left = rig.Take();
  REQUIRE(left.rtp.size() == 2);
  CHECK(RtpView::Parse(left.rtp[0])->payload_type == 101);
  CHECK(RtpView::Parse(left.rtp[1])->payload_type == 55);
  CHECK(rig.track_stats[0]->packets.value() == 2);
}

TEST_CASE("how old a packet may be that is sent again can be changed") {
  Rig rig;
  rig.egress.StartReports();
  rig.Send(0);
  rig.EndTurn();
  const auto seqs = SeqsOf(rig.Take().rtp, Rig::SsrcOf(0));
  REQUIRE(seqs.size() == 1);

  rig.tuning->Set({});
  rig.RunUntil(kStart + 1300ms);
  rig.Send(0);
  rig.EndTurn();
  const auto off = SeqsOf(rig.Take().rtp, Rig::SsrcOf(0));
  rig.TellNack(0, off);
  CHECK(rig.track_stats[0]->retransmitted.value() == 0);

  rig.tuning->Set({.max_nack_age = 1s});
  rig.RunUntil(kStart + 3s);
  rig.Send(0);
  rig.EndTurn();
  const auto on = SeqsOf(rig.Take().rtp, Rig::SsrcOf(0));
  rig.TellNack(0, on);
  CHECK(rig.track_stats[0]->retransmitted.value() == 1);
}

TEST_CASE("what a track sends in a second is counted") {
  Rig rig;
  rig.egress.StartReports();
  rig.Send(0, 4);
  rig.EndTurn();

  rig.RunUntil(kStart + 1200ms);
  const std::uint64_t bytes = rig.track_stats[0]->bytes.value();
  CHECK(rig.track_stats[0]->bytes_last_second.value() ==
        bytes * 1'000'000 / 1'200'000);

  rig.Send(0);
  rig.EndTurn();
  rig.RunUntil(kStart + 5s);
  CHECK(rig.track_stats[0]->bytes_last_second.value() == 0);
}

TEST_CASE("one track is paused, and tracks that are not there are left alone") {
  Rig rig(2);
  rig.egress.SetPaused(0, true);
  rig.egress.SetPaused(2, true);
  rig.egress.SetLayers(2, {});
  rig.egress.SetTrack(2, Rig::ConfigOf(2), std::make_shared<EgressStats>());
  rig.LinkTo(2, {0});

  rig.Send(0);
  rig.Send(1);
  rig.EndTurn();

  CHECK(rig.egress.track_count() == 2);
  CHECK(rig.egress.mid(1) == "1");
  CHECK(SeqsOf(rig.Take().rtp, Rig::SsrcOf(1)).size() == 1);
  CHECK(rig.stats.packets_sent.value() == 1);
}

TEST_CASE("layers are looked at while a track has some, and told by track") {
  Rig rig(2);
  CHECK_FALSE(rig.egress.NextDue());
  rig.AddSource();
  rig.Send(1);
  rig.Send(2);

  rig.LinkTo(1, {1, 2});
  CHECK(rig.egress.NextDue() == kStart + 100ms);
  rig.sources[2].Send(rig.thread.time, true);
  rig.EndTurn();

  const auto told = rig.thread.event_list.Of(EventType::kPeerLayers);
  REQUIRE(told.size() == 1);
  CHECK(told[0].object == kPeer);
  CHECK(told[0].a == 1);
  CHECK((told[0].b >> 16) == 1);

  // The upper one falls silent: found by looking alone.
  CHECK(rig.sources[1].replica.empty());
  for (int i = 0; i < 4; ++i) {
    rig.RunUntil(rig.thread.time + 100ms);
    rig.Send(1);
  }
  CHECK_FALSE(rig.sources[1].replica.empty());
  CHECK(rig.turns == 4);

  rig.LinkTo(1, {1});
  CHECK_FALSE(rig.egress.NextDue());
}

TEST_CASE("once closed nothing is left: no viewer, no packet, no time") {
  Rig rig(2);
  rig.egress.StartReports();
  rig.AddSource();
  rig.LinkTo(1, {1, 2});
  rig.Send(0, 2);

  rig.egress.Close();
  rig.EndTurn();
  rig.Send(0);
  rig.EndTurn();
  rig.TellNack(0, {1, 2, 3});
  rig.egress.Close();

  CHECK(rig.Take().kinds.empty());
  CHECK_FALSE(rig.egress.NextDue());
  for (const SourceStub& source : rig.sources) CHECK(source.replica.empty());
}

// ---- feedback
// ----------------------------------------------------------------

TEST_CASE("each piece of a compound reaches the track it is about") {
  Rig rig(3);
  for (std::size_t i = 0; i < 3; ++i) rig.Send(i, 3);
  rig.EndTurn();
  const auto sent = rig.Take().rtp;
  const std::uint16_t seq = SeqsOf(sent, Rig::SsrcOf(1))[1];
  std::array<int, 3> requests{};
  for (std::size_t i = 0; i < 3; ++i)
    requests[i] = rig.sources[i].upstream.requests;
  ReportBlock block;
  block.ssrc = Rig::SsrcOf(0);
  block.lost = 7;
  block.fraction_lost = 9;

  rig.Tell([&](RtcpWriter& writer) {
    WriteReceiverReport(writer, 1, {&block, 1});
    const std::array<std::uint16_t, 1> seqs = {seq};
    WriteNack(writer, 1, Rig::SsrcOf(1), seqs);
    WritePli(writer, {1, Rig::SsrcOf(2)});
    WriteFir(writer, 1, {Rig::SsrcOf(0), 4});
    WriteFir(writer, 1, {Rig::SsrcOf(0), 4});  // again: the same one
  });

  const auto resent = rig.Take().rtp;
  REQUIRE(resent.size() == 1);
  const auto rtx = RtpView::Parse(resent[0]);
  REQUIRE(rtx);
  CHECK(rtx->ssrc == Rig::SsrcOf(1) + 1);
  CHECK(LoadU16(rtx->payload.data()) == seq);
  CHECK(rig.sources[0].upstream.requests == requests[0] + 1);
  CHECK(rig.sources[1].upstream.requests == requests[1]);
  CHECK(rig.sources[2].upstream.requests == requests[2] + 1);
  const auto& stats = rig.track_stats;
  CHECK(stats[0]->remote_lost.value() == 7);
  CHECK(stats[1]->remote_lost.value() == 0);
  CHECK(rig.egress.TakeNewlyLost(0) == 7);
  CHECK(rig.egress.TakeNewlyLost(0) == 0);
  CHECK(rig.egress.TakeNewlyLost(1) == 0);
  CHECK(stats[0]->firs.value() == 2);
  CHECK(stats[1]->nacks.value() == 1);
  CHECK(stats[1]->retransmitted.value() == 1);
  CHECK(stats[2]->plis.value() == 1);
  CHECK(stats[0]->nacks.value() + stats[2]->nacks.value() == 0);
}

TEST_CASE("a sender report is the owner's, its blocks are our tracks'") {
  Rig rig(2);
  ReportBlock block;
  block.ssrc = Rig::SsrcOf(1);
  block.lost = 3;

  rig.Tell([&](RtcpWriter& writer) {
    WriteSenderReport(writer, 99, {}, {&block, 1});
  });

  CHECK(rig.sender_reports == std::vector<std::uint32_t>{99});
  CHECK(rig.egress.TakeNewlyLost(1) == 3);
  CHECK(rig.egress.TakeNewlyLost(0) == 0);
}

TEST_CASE("bandwidth is of the whole transport: REMB is every track's") {
  Rig rig(2);
  const std::array<std::uint32_t, 1> about = {Rig::SsrcOf(0)};

  rig.Tell([&](RtcpWriter& writer) { WriteRemb(writer, 1, 256'000, about); });

  CHECK(rig.stats.remb.value() == 256'000);
  CHECK(rig.sources[0].replica.LowestRemb() == 256'000);
  CHECK(rig.sources[1].replica.LowestRemb() == 256'000);
}

TEST_CASE("transport-wide cc feedback is counted") {
  Rig rig;
  TransportCcWriter feedback;
  for (const std::uint16_t seq : std::array<std::uint16_t, 3>{1, 2, 5})
    feedback.OnPacket(seq, kStart);

  rig.Tell([&](RtcpWriter& writer) {
    CHECK(feedback.Write(writer, 1, Rig::SsrcOf(0)));
  });

  CHECK(rig.stats.transport_cc_reports.value() == 1);
  CHECK(rig.stats.transport_cc_lost.value() == 2);
}

TEST_CASE("what one compound asks for leaves together, media not with it") {
  Rig rig(2);
  for (std::size_t i = 0; i < 2; ++i) rig.Send(i, 3);
  rig.EndTurn();
  const auto sent = rig.Take().rtp;
  const int batches = rig.thread.wire.batches;
  rig.Send(0);

  rig.Tell([&](RtcpWriter& writer) {
    for (std::size_t i = 0; i < 2; ++i)
      WriteNack(writer, 1, Rig::SsrcOf(i), SeqsOf(sent, Rig::SsrcOf(i)));
  });

  CHECK(rig.thread.wire.batches == batches + 1);
  const auto resent = rig.Take().rtp;
  CHECK(SeqsOf(resent, Rig::SsrcOf(0) + 1).size() == 3);
  CHECK(SeqsOf(resent, Rig::SsrcOf(1) + 1).size() == 3);
  rig.EndTurn();
  CHECK(SeqsOf(rig.Take().rtp, Rig::SsrcOf(0)).size() == 1);
}

TEST_CASE("the round trip is the shortest that any track knows") {
  Rig rig(3);
  CHECK_FALSE(rig.egress.round_trip());
  const auto report = [&](std::size_t track, Duration round_trip) {
    ReportBlock block;
    block.ssrc = Rig::SsrcOf(track);
    block.last_sr = ToCompactNtp(ToNtp(WallNow() - round_trip));
    rig.Tell([&](RtcpWriter& writer) {
      WriteReceiverReport(writer, 1, {&block, 1});
    });
  };

  report(1, 3600s);
  REQUIRE(rig.egress.round_trip());
  CHECK(*rig.egress.round_trip() >= 3599s);
  report(0, 60s);
  CHECK(*rig.egress.round_trip() >= 59s);
  CHECK(*rig.egress.round_trip() < 3599s);
  report(2, 5s);
  CHECK(*rig.egress.round_trip() < 59s);
}

// ---- reports
// -----------------------------------------------------------------

TEST_CASE("reports leave behind the first media after they are due") {
  Rig rig;
  CHECK_FALSE(rig.egress.NextDue());
  rig.egress.StartReports();
  CHECK(rig.egress.NextDue() == kStart + 1200ms);
  for (int i = 0; i < 10; ++i) {
    rig.RunUntil(kStart + i * 100ms);
    rig.Send(0);
    rig.EndTurn();
  }
  const auto before = rig.Take();
  CHECK(before.rtp.size() == 10);
  CHECK(before.rtcp.empty());
  CHECK(rig.intervals == 0);
  const int batches = rig.thread.wire.batches;

  rig.RunUntil(kStart + 1s);
  rig.Send(0, 2);
  rig.EndTurn();

  CHECK(rig.thread.wire.batches == batches + 1);
  const auto left = rig.Take();
  CHECK(left.kinds == std::vector{DatagramKind::kRtp, DatagramKind::kRtp,
                                  DatagramKind::kRtcp});
  const Compound report(left.rtcp.at(0));
  CHECK(report.ssrcs == std::vector{Rig::SsrcOf(0)});
  CHECK(report.named == report.ssrcs);
  CHECK(report.infos.at(0).packets == 12);
  CHECK(rig.intervals == 1);
  CHECK(rig.turns == 0);
  CHECK(rig.egress.NextDue() == kStart + 2200ms);

  rig.Send(0);
  rig.EndTurn();
  CHECK(rig.Take().rtcp.empty());
}

TEST_CASE("without media reports leave 200 ms later, if there is any news") {
  Rig rig(2);
  rig.egress.StartReports();
  rig.Send(1);
  rig.EndTurn();
  rig.Take();

  rig.RunUntil(kStart + 1199ms);
  CHECK(rig.Take().rtcp.empty());
  rig.RunUntil(kStart + 1200ms);
  const auto reports = rig.TakeReports();
  REQUIRE(reports.size() == 1);
  CHECK(reports[0].ssrcs == std::vector{Rig::SsrcOf(1)});

  rig.RunUntil(kStart + 10s);
  CHECK(rig.Take().rtcp.empty());
  CHECK(rig.intervals == 8);
  CHECK(rig.turns == 8);
}

TEST_CASE("while nothing can be sent no report is, and intervals pass") {
  Rig rig;
  rig.egress.StartReports();
  rig.Send(0);
  rig.EndTurn();
  rig.Take();

  rig.sender.set_consent(false);
  rig.RunUntil(kStart + 2s);
  CHECK(rig.Take().kinds.empty());
  CHECK(rig.intervals == 1);
  rig.sender.set_consent(true);
  rig.RunUntil(kStart + 3s);

  CHECK(rig.Take().rtcp.size() == 1);
  CHECK(rig.intervals == 2);
}

TEST_CASE(
    "reports of many tracks are told in several datagrams that leave"
    " together") {
  for (const bool media : {true, false}) {
    CAPTURE(media);
    Rig rig(40);
    rig.egress.StartReports();
    for (std::size_t i = 0; i < 40; ++i) rig.Send(i);
    rig.EndTurn();
    rig.Take();
    const int batches = rig.thread.wire.batches;

    if (media) {
      rig.RunUntil(kStart + 1s);
      rig.Send(7);
      rig.EndTurn();
    } else {
      rig.RunUntil(kStart + 1300ms);
    }

    CHECK(rig.thread.wire.batches == batches + 1);
    const auto reports = rig.TakeReports();
    CHECK(reports.size() > 1);
    std::set<std::uint32_t> told;
    std::set<std::string> names;
    for (const Compound& one : reports) {
      CHECK(one.size <= 1200);
      CHECK(one.named == one.ssrcs);
      for (const std::uint32_t ssrc : one.ssrcs)
        CHECK(told.insert(ssrc).second);
      names.insert(one.names.begin(), one.names.end());
    }
    CHECK(told.size() == 40);
    // RFC 8834 s4.9: receivers synchronise what has one name.
    CHECK(names.size() == 1);
  }
}

// ---- lies
// --------------------------------------------------------------------

TEST_CASE("lies about one track stay with it, and cost bounded bandwidth") {
  Rig rig(2);
  rig.egress.StartReports();
  rig.Send(0, 100);
  rig.Send(1, 100);
  rig.EndTurn();
  const auto sent = rig.Take().rtp;
  const auto honest = SeqsOf(sent, Rig::SsrcOf(1));
  std::mt19937_64 rng(1);
  std::vector<std::uint16_t> seqs(200);

  std::size_t resent = 0;  // bytes
  for (int i = 0; i < 2000; ++i) {
    const auto about =
        i % 2 == 0 ? Rig::SsrcOf(0) : static_cast<std::uint32_t>(rng()) | 1;
    const auto first = static_cast<std::uint16_t>(rng());
    for (std::size_t j = 0; j < seqs.size(); ++j)
      seqs[j] = static_cast<std::uint16_t>(first + j);
    ReportBlock lie;
    lie.ssrc = about;
    lie.lost = i % 3 == 0 ? -0x800000 : 0x7fffff;
    lie.fraction_lost = 255;
    lie.highest_seq = 0xffffffff;
    lie.last_sr = static_cast<CompactNtp>(rng());
    lie.delay_since_last_sr = static_cast<CompactNtp>(rng());
    const std::vector<ReportBlock> lies(10, lie);
    const std::array<std::uint32_t, 2> ssrcs = {about, 0};
    rig.Tell([&](RtcpWriter& writer) {
      WriteSenderReport(writer, about, {}, lies);
      WriteRemb(writer, 1, ~std::uint64_t{0}, ssrcs);
      WriteNack(writer, 1, about, seqs);
      WriteNack(writer, 1, about, SeqsOf(sent, Rig::SsrcOf(0)));
      WriteFir(writer, static_cast<std::uint32_t>(rng()),
               {about, static_cast<std::uint8_t>(rng())});
    });
    for (const auto& packet : rig.Take().rtp) resent += packet.size();
    rig.thread.time += 100us;
  }

  // The floor of a track's resends, and not a quarter of what was asked for
  // every 10 ms.
  CHECK(resent > 0);
  CHECK(resent <= 100'000);
  CHECK(rig.track_stats[1]->nacks.value() == 0);
  CHECK(rig.track_stats[1]->remote_fraction_lost.value() == 0);
  CHECK(rig.egress.TakeNewlyLost(1) == 0);
  CHECK(rig.egress.NextDue() == kStart + 1200ms);
  rig.TellNack(1, {honest[50]});
  CHECK(SeqsOf(rig.Take().rtp, Rig::SsrcOf(1) + 1).size() == 1);
  rig.RunUntil(kStart + 2s);
  CHECK(rig.TakeReports().size() == 1);
}

TEST_CASE("a compound that is cut or garbled anywhere does no harm") {
  Rig rig;
  rig.Send(0, 3);
  rig.EndTurn();
  const auto seqs = SeqsOf(rig.Take().rtp, Rig::SsrcOf(0));
  ReportBlock block;
  block.ssrc = Rig::SsrcOf(0);
  std::array<std::uint8_t, 1200> buffer;
  RtcpWriter writer(buffer);
  WriteSenderReport(writer, 99, {}, {&block, 1});
  WriteNack(writer, 1, block.ssrc, seqs);
  WritePli(writer, {1, block.ssrc});
  WriteFir(writer, 1, {block.ssrc, 1});
  const std::vector<std::uint8_t> whole(writer.bytes().begin(),
                                        writer.bytes().end());

  for (std::size_t size = 0; size <= whole.size(); ++size) {
    std::vector<std::uint8_t> cut(
        whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    rig.egress.OnRtcp(cut);
    CHECK_FALSE(rig.sender.open());
  }
  // What stands in front of the cut counts: the report is 52 bytes.
  CHECK(rig.sender_reports.size() == whole.size() + 1 - 52);
  std::mt19937 rng(1);
  for (int i = 0; i < 20'000; ++i) {
    std::vector<std::uint8_t> garbled = whole;
    for (int j = 0; j < 3; ++j)
      garbled[rng() % garbled.size()] = static_cast<std::uint8_t>(rng());
    rig.egress.OnRtcp(garbled);
    CHECK_FALSE(rig.sender.open());
  }
  rig.Take();

  rig.thread.time += 500ms;
  rig.Send(0);
  rig.EndTurn();
  CHECK(rig.Take().rtp.size() == 1);
}

}  // namespace
}  // namespace hg::test
