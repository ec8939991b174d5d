// Whatever happens to a link, SRTP under AES-GCM must never protect two
// different packets under one (SSRC, index). Random operations, and after each
// packet this is checked, with what else a viewer relies on.
#include <doctest/doctest.h>

#include <cstdlib>
#include <map>
#include <random>
#include <string>
#include <unordered_map>

#include "native/peer/egress_rig.h"
#include "native/peer/sender_rig.h"
#include "rtp/seq_num.h"
#include "srtp/srtp_session.h"

namespace hg::test {
namespace {

using Rng = std::mt19937_64;

std::uint64_t Below(Rng& rng, std::uint64_t n) { return rng() % n; }
bool Chance(Rng& rng, unsigned percent) { return Below(rng, 100) < percent; }

// A sender on an unreliable network in front of a real Source.
class RandomSource final : private Source::Host {
 public:
  RandomSource(std::uint32_t id, bool buffer_keyframes, Rng& rng, Timestamp now)
      : rng_(rng),
        info_(MakeInfo(id, buffer_keyframes)),
        replica_(info_, upstream_),
        source_(info_, *this, events_, now) {
    NewStream();
  }

  Replica& replica() { return replica_; }

  // Some packets, of which some are lost, late or repeated.
  void Send(Timestamp now, std::uint64_t& next_id) {
    for (std::uint64_t left = 1 + Below(rng_, 8); left > 0; --left) {
      const std::vector<std::uint8_t> packet = MakeRtp(
          {.ssrc = ssrc_,
           .seq = seq_++,
           .timestamp = timestamp_offset_ +
                        static_cast<std::uint32_t>(
                            ToMicros(now.time_since_epoch()) * 90 / 1000),
           .keyframe = Chance(rng_, 15),
           .id = next_id++,
           .payload_size = 15 + Below(rng_, 60)});
      if (Chance(rng_, 3)) continue;  // lost
      if (Chance(rng_, 5)) {
        late_.push_back(packet);
        continue;
      }
      Take(packet, now);
      if (Chance(rng_, 3)) Take(packet, now);
      if (!late_.empty() && Chance(rng_, 30)) {
        Take(late_.back(), now);
        late_.pop_back();
      }
    }
    source_.FinishBurst();
  }
  void LoseMany() { seq_ = static_cast<std::uint16_t>(seq_ + 2990); }
  void Restart() {
    if (Chance(rng_, 50)) {
      NewStream();
    } else {
      seq_ = static_cast<std::uint16_t>(rng_());
      timestamp_offset_ = static_cast<std::uint32_t>(rng_());
    }
  }
  void Trim(Timestamp now) { replica_.OnSecond(now); }

 private:
  static std::shared_ptr<const SourceInfo> MakeInfo(std::uint32_t id,
                                                    bool buffer_keyframes) {
    SourceConfig config = VideoConfig();
    config.id = id;
    if (buffer_keyframes) config.keyframe_buffer_span = 10s;
    return std::make_shared<SourceInfo>(config);
  }

  void NewStream() {
    // Near a wrap more often than not.
    constexpr std::uint16_t kStarts[] = {0, 65530, 65400, 32760, 65000};
    ssrc_ = static_cast<std::uint32_t>(rng_()) | 1;
    seq_ = Chance(rng_, 70) ? kStarts[Below(rng_, std::size(kStarts))]
                            : static_cast<std::uint16_t>(rng_());
    timestamp_offset_ =
        Chance(rng_, 50) ? 0xffff0000 : static_cast<std::uint32_t>(rng_());
  }
  void Take(const std::vector<std::uint8_t>& packet, Timestamp now) {
    source_.OnDatagram(MakeDraft(pool_, packet), now);
  }
  void DeliverBurst(Source&, std::span<const PacketRef> burst) override {
    replica_.OnBurst(burst);
  }
  void DeliverSenderClock(Source&, const SenderClock&) override {}
  void SendKeyframeRequest(Source&) override {}

  Rng& rng_;
  EventList events_;
  UpstreamStub upstream_;
  PacketPool pool_{{.slab_packets = 1024, .max_packets = 16384}};
  const std::shared_ptr<const SourceInfo> info_;
  Replica replica_;
  Source source_;
  std::uint32_t ssrc_ = 0;
  std::uint16_t seq_ = 0;
  std::uint32_t timestamp_offset_ = 0;
  std::vector<std::vector<std::uint8_t>> late_;
};

// The viewer, who remembers everything it ever got.
class Judge {
 public:
  explicit Judge(const EgressTrackConfig& config) : config_(config) {}

  void OnPacket(const WirePacket& packet) {
    const RtpView rtp = packet.rtp();
    const bool rtx = config_.rtx_ssrc != 0 && rtp.ssrc == config_.rtx_ssrc;
    REQUIRE((rtx || rtp.ssrc == config_.ssrc));
    REQUIRE(rtp.payload_type ==
            (rtx ? config_.rtx_payload_type : config_.payload_type));
    REQUIRE(packet.resend == (rtx || IsKnown(rtp)));
    if (rtx) {
      CheckRtx(rtp);
    } else {
      CheckIndex(packet, rtp);
    }
    if (packet.resend)
      CheckRound(rtx ? LoadU16(rtp.payload.data()) : rtp.seq, packet.at);
    CheckSrtp(packet, rtx);
  }

  std::uint16_t newest() const { return newest_; }
  std::uint64_t sent = 0;
  std::uint64_t resent = 0;
  std::uint64_t laps() const { return (extender_.highest() >> 16) - 1; }
  Duration round_trip{40ms};

 private:
  bool IsKnown(const RtpView& rtp) const {
    return by_index_.contains(Index(rtp.seq));
  }
  std::uint64_t Index(std::uint16_t seq) const {
    return extender_.highest() == 0 ? 0x10000u + seq
                                    : ExtendSeq(seq, extender_.highest());
  }

  void CheckIndex(const WirePacket& packet, const RtpView& rtp) {
    const std::uint64_t before = extender_.highest();
    const std::uint64_t index = extender_.Extend(rtp.seq);
    const auto [at, fresh] = by_index_.try_emplace(index, packet.bytes);
    REQUIRE(at->second == packet.bytes);  // the invariant
    if (!fresh) {
      ++resent;
      return;
    }
    ++sent;
    // Forward, by a gap of the source and what was enqueued when the transport
    // went down, or into a gap that is not old. Half a lap would end it all.
    const auto step = static_cast<std::int64_t>(index - before);
    if (before != 0) {
      REQUIRE(step <= 3 * 3000);
      REQUIRE(step > -512);
    }
    if (step > 0) newest_ = rtp.seq;
  }

  // RFC 4588: the payload of the packet it names, in a stream of its own.
  void CheckRtx(const RtpView& rtp) {
    ++resent;
    if (next_rtx_) REQUIRE(rtp.seq == *next_rtx_);
    next_rtx_ = static_cast<std::uint16_t>(rtp.seq + 1);
    const auto original = by_index_.find(Index(LoadU16(rtp.payload.data())));
    REQUIRE(original != by_index_.end());
    const auto first = RtpView::Parse(original->second);
    REQUIRE(first);
    REQUIRE(std::ranges::equal(rtp.payload.subspan(2), first->payload));
    REQUIRE(rtp.timestamp == first->timestamp);
  }

  void CheckRound(std::uint16_t seq, Timestamp at) {
    const std::uint64_t index = Index(seq);
    const auto last = resent_at_.find(index);
    if (last != resent_at_.end())
      REQUIRE(at - last->second >= round_trip - 1ms);
    resent_at_[index] = at;
  }

  // What goes through real SRTP comes out as it was, in every lap.
  void CheckSrtp(const WirePacket& packet, bool rtx) {
    std::vector<std::uint8_t> buffer = packet.bytes;
    buffer.resize(buffer.size() + SrtpSession::kMaxOverhead);
    const auto size = sender_.ProtectRtp(buffer, packet.bytes.size());
    REQUIRE(size);
    const auto plain =
        receiver_.UnprotectRtp(MutableBytes(buffer).first(*size));
    if (packet.resend && !rtx) {
      REQUIRE(plain.outcome == SrtpSession::Outcome::kReplayed);
      return;
    }
    REQUIRE(plain.outcome == SrtpSession::Outcome::kOk);
    REQUIRE(std::ranges::equal(Bytes(buffer).first(plain.size), packet.bytes));
  }

  const EgressTrackConfig config_;
  std::unordered_map<std::uint64_t, std::vector<std::uint8_t>> by_index_;
  std::unordered_map<std::uint64_t, Timestamp> resent_at_;
  SeqExtender extender_;
  std::uint16_t newest_ = 0;
  std::optional<std::uint16_t> next_rtx_;
  SrtpSession sender_{TestSrtpKeys(true)};
  SrtpSession receiver_{TestSrtpKeys(false)};
};

struct Totals {
  std::uint64_t sent = 0;
  std::uint64_t resent = 0;
  std::uint64_t laps = 0;
};

void RunRandomly(std::uint64_t seed, const EgressTrackConfig& config,
                 int operations, Totals& totals) {
  CAPTURE(seed);
  Rng rng(seed);
  EgressRig rig(config);
  Judge judge(config);
  rig.owner.on_packet = [&](const WirePacket& p) { judge.OnPacket(p); };
  std::vector<std::unique_ptr<RandomSource>> sources;
  for (std::uint32_t id = 0; id < 3; ++id)
    sources.push_back(std::make_unique<RandomSource>(id, Chance(rng, 50), rng,
                                                     rig.owner.time));
  std::uint64_t next_id = 0;
  std::vector<Duration> round_trips;
  rig.track.Link(&sources[0]->replica());

  const auto nack = [&] {
    std::vector<std::uint16_t> seqs;
    const auto from = static_cast<std::uint16_t>(
        judge.newest() - Below(rng, Chance(rng, 80) ? 100 : 0x10000));
    for (std::uint64_t i = 1 + Below(rng, 40); i > 0; --i)
      seqs.push_back(static_cast<std::uint16_t>(from + Below(rng, 60)));
    rig.NackAll(seqs);
  };
  for (int i = 0; i < operations; ++i) {
    switch (Below(rng, 22)) {
      case 0:
        if (Chance(rng, 40)) rig.track.SetPaused(Chance(rng, 20));
        break;
      case 1:
        if (Chance(rng, 10))
          rig.track.Link(Chance(rng, 10) ? nullptr
                                         : &sources[Below(rng, 3)]->replica());
        break;
      case 2:
        if (Chance(rng, 20)) sources[Below(rng, 3)]->Restart();
        break;
      case 3:
        for (const auto& source : sources)
          if (Chance(rng, 70)) source->LoseMany();
        break;
      case 4:
        if (Chance(rng, 70)) break;
        rig.owner.can_send = Chance(rng, 80);
        if (rig.owner.can_send) rig.track.OnTransportUp();
        break;
      case 5:
        round_trips.push_back(Duration(10ms) + Below(rng, 100) * 1ms);
        rig.Report(round_trips.back());
        // The shortest of the last three counts.
        judge.round_trip = std::ranges::min(
            std::span(round_trips)
                .last(std::min<std::size_t>(3, round_trips.size())));
        break;
      case 6:
        if (Chance(rng, 10)) {
          rig.track.replica() ? rig.track.replica()->OnSourceClosed()
                              : rig.track.Link(&sources[0]->replica());
        }
        break;
      case 7:
        rig.owner.time += Below(rng, 1500) * 1ms;
        for (const auto& source : sources) source->Trim(rig.owner.time);
        break;
      case 8:
        rig.owner.Flush();
        break;
      case 9:
      case 10:
      case 11:
      case 12:
        nack();
        break;
      default:
        rig.owner.time += Below(rng, 40) * 1ms;
        for (const auto& source : sources)
          source->Send(rig.owner.time, next_id);
        if (Chance(rng, 80)) rig.owner.Flush();
    }
  }
  rig.track.Link(nullptr);
  totals.sent += judge.sent;
  totals.resent += judge.resent;
  totals.laps += judge.laps();
}

// HG_SOAK=n runs n times as many.
int Runs() {
  const char* soak = std::getenv("HG_SOAK");
  return 12 * std::max(1, soak == nullptr ? 1 : std::atoi(soak));
}

TEST_CASE("plain resends: never two packets under one SSRC and index") {
  Totals totals;
  for (int seed = 1; seed <= Runs(); ++seed)
    RunRandomly(static_cast<std::uint64_t>(seed), PlainVideo(), 4000, totals);

  MESSAGE(totals.sent << " packets, " << totals.resent << " resends, "
                      << totals.laps << " laps");
  CHECK(totals.sent > 25'000);
  CHECK(totals.resent > 5'000);
  CHECK(totals.laps > 10);
}

TEST_CASE("RTX resends: what a viewer asks for, in a stream of its own") {
  Totals totals;
  for (int seed = 1; seed <= Runs(); ++seed)
    RunRandomly(static_cast<std::uint64_t>(1000 + seed), RtxVideo(), 4000,
                totals);

  MESSAGE(totals.sent << " packets, " << totals.resent << " resends, "
                      << totals.laps << " laps");
  CHECK(totals.sent > 25'000);
  CHECK(totals.resent > 5'000);
}

}  // namespace
}  // namespace hg::test
