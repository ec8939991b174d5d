#include "peer/ingress.h"

#include <algorithm>
#include <random>
#include <utility>

#include "peer/rtcp_limits.h"
#include "rtp/ext/transport_wide_cc.h"
#include "rtp/ntp.h"
#include "rtp/packet.h"
#include "rtp/rtcp/fir.h"
#include "rtp/rtcp/nack.h"
#include "rtp/rtcp/pli.h"
#include "rtp/rtcp/remb.h"
#include "rtp/rtcp/rr.h"
#include "rtp/rtx.h"

namespace hg {
namespace {

// Senders expect it every 50 to 250 ms; Janus's `twcc_period`.
constexpr Duration kTransportCcInterval = 200ms;
// Feedback that is due this soon leaves with what just came: that costs no turn
// of its own. The time between two frames of 30 a second.
constexpr Duration kFeedbackSlack = 34ms;
// Between two NACKs of a packet: until the round trip is known, and beyond it.
// The round trip known is a short one, and an answer waits for turns on both
// sides: one that came just too late was asked for twice.
constexpr Duration kUnknownAnswerTime = 100ms;
constexpr Duration kAnswerSlack = 5ms;
// RFC 3550 s6.4.1: the count has 5 bits.
constexpr std::size_t kMaxReportBlocks = 31;
// The limit is of the whole transport; some SSRCs have to be named.
constexpr std::size_t kMaxRembSsrcs = 31;
// Instead of a limit: REMB knows no "none", and a sender keeps the last.
constexpr std::uint64_t kNoLimitBps = 10'000'000'000;

}  // namespace

class Ingress::Encoding final : public SourceFeed {
 public:
  Encoding(Ingress& ingress, const IngressEncodingConfig& config, bool nack)
      : ingress_(ingress),
        source_(config.source, ingress.host_.sources(), ingress.host_.events(),
                ingress.host_.now()),
        stream_(
            {.clock_rate = config.source->config.clock_rate, .nack = nack}) {
    ingress_.host_.AddSource(*this);
  }
  ~Encoding() override {
    ingress_.host_.RemoveSource(source_.info().config.id);
  }
  Encoding(const Encoding&) = delete;
  Encoding& operator=(const Encoding&) = delete;

  // SourceFeed
  Source& source() override { return source_; }
  void RequestKeyframe(Timestamp now) override {
    source_.RequestKeyframe(now);
    ingress_.AnnounceDue();
  }
  // Others' datagrams may be on their way into the batch at this moment: it
  // leaves when the peer's timer runs.
  void SendKeyframeRequest() override { keyframe_wanted_ = true; }

  std::uint32_t id() const { return source_.info().config.id; }
  IngressStream& stream() { return stream_; }
  const IngressStream& stream() const { return stream_; }
  bool TakeKeyframeWanted() { return std::exchange(keyframe_wanted_, false); }

  // True if it was not in a burst yet.
  bool EnterBurst() { return !std::exchange(in_burst_, true); }
  void FinishBurst() {
    in_burst_ = false;
    source_.FinishBurst();
  }

  // What it means for reports and NACKs.
  void Note(const RtpView& rtp, const Source::Taken& taken, bool resent,
            Timestamp now) {
    // A latecomer of the SSRC before does not bring that back; nor does what
    // was resent long ago say where the sender is.
    const bool follows = !stream_.ssrc() || stream_.ssrc() == rtp.ssrc;
    if (!taken.accepted && (resent || !follows)) return;
    if (taken.restarted) stream_.Restart();
    stream_.OnPacket(rtp.ssrc, rtp.seq, rtp.timestamp, resent, now);
    if (taken.keyframe) stream_.OnKeyframe(rtp.seq);
  }

  std::optional<Timestamp> NextDue(Timestamp now, Duration answer_time) const {
    std::optional<Timestamp> due = stream_.NextDue(answer_time);
    Earliest(due, source_.NextDue());
    if (keyframe_wanted_ && stream_.ssrc()) Earliest(due, now);
    return due;
  }

  void OnSecond(Timestamp now) {
    source_.OnSecond(now);
    SourceStats& stats = source_.info().stats;
    stats.recovered.Set(stream_.recovered());
    stats.given_up.Set(stream_.given_up());
    stats.jitter_us.Set(
        static_cast<std::uint64_t>(ToMicros(stream_.stats().jitter())));
  }

 private:
  Ingress& ingress_;
  Source source_;
  IngressStream stream_;
  bool keyframe_wanted_ = false;
  bool in_burst_ = false;
};

// Packets of feedback, in as many datagrams as it takes. Each begins with a
// receiver report (RFC 3550 s6.1); nothing is sent if nothing is added.
class Ingress::Compound {
 public:
  explicit Compound(Ingress& ingress) : ingress_(ingress) {}
  ~Compound() { Send(); }
  Compound(const Compound&) = delete;
  Compound& operator=(const Compound&) = delete;

  // `write(writer)` is false if there was no room for all of it; called again
  // then, for the rest.
  template <typename Write>
  void Add(Write write) {
    if (!writer_) Begin({});
    if (write(*writer_)) return;
    Send();
    Begin({});
    write(*writer_);
  }
  void AddReport(std::span<const ReportBlock> blocks) {
    Send();
    Begin(blocks);
  }

 private:
  void Begin(std::span<const ReportBlock> blocks) {
    writer_.emplace(ingress_.owner_.BeginRtcp().first(kMaxCompoundBytes));
    WriteReceiverReport(*writer_, ingress_.ssrc_, blocks);
  }
  void Send() {
    if (writer_) ingress_.owner_.EndRtcp(writer_->size());
    writer_.reset();
  }

  Ingress& ingress_;
  std::optional<RtcpWriter> writer_;
};

Ingress::Ingress(PeerHost& host, Owner& owner)
    : host_(host), owner_(owner), ssrc_(std::random_device{}()) {}

Ingress::~Ingress() = default;

void Ingress::Configure(const IngressConfig& config) {
  FinishBurst();
  std::vector<std::unique_ptr<Encoding>> before;
  for (Track& track : tracks_)
    std::ranges::move(track.encodings, std::back_inserter(before));
  const auto take = [&](std::uint32_t id) -> std::unique_ptr<Encoding> {
    const auto known = std::ranges::find_if(
        before, [&](const auto& one) { return one && one->id() == id; });
    return known == before.end() ? nullptr : std::move(*known);
  };

  std::vector<Track> tracks;
  std::vector<IngressDemux::Track> rules;
  for (const IngressTrackConfig& one : config.tracks) {
    Track& track = tracks.emplace_back();
    track.config = one;
    IngressDemux::Track& rule = rules.emplace_back();
    rule.mid = one.mid;
    rule.payload_types = one.payload_types;
    rule.rtx_payload_type = one.rtx_payload_type;
    for (const IngressEncodingConfig& encoding : one.encodings) {
      rule.encodings.push_back(encoding.ids);
      auto known = take(encoding.source->config.id);
      if (known)
        known->stream().SetNack(one.nack);
      else
        known = std::make_unique<Encoding>(*this, encoding, one.nack);
      known->source().SetFormat({config.passed, one.red_payload_type});
      track.encodings.push_back(std::move(known));
    }
  }
  tracks_ = std::move(tracks);
  demux_.SetTracks(std::move(rules), config.extensions);
  transport_cc_id_ = config.transport_cc;
}

void Ingress::Close() {
  in_burst_.clear();
  tracks_.clear();
  demux_.SetTracks({}, {});
}

// ---- what arrives -----------------------------------------------------------

bool Ingress::OnPacket(MutableBytes packet) {
  auto rtp = RtpView::Parse(packet);
  if (!rtp) return false;
  const Timestamp now = host_.now();
  if (transport_cc_id_ != 0) {
    const auto data = rtp->extensions().Find(transport_cc_id_);
    const auto seq = data ? ReadTransportSeq(*data) : std::nullopt;
    if (seq) {
      transport_cc_.OnPacket(*seq, now);
      transport_cc_ssrc_ = rtp->ssrc;
      if (!next_transport_cc_) next_transport_cc_ = now + kTransportCcInterval;
    }
  }
  const auto route = demux_.Find(*rtp);
  if (!route) return false;
  if (!next_report_) {
    next_report_ = now + kReportInterval;
    limit_changed_ = max_bitrate_bps_.has_value();  // there is an SSRC now
  }

  const Track& track = tracks_[route->track];
  Encoding& encoding = *track.encodings[route->encoding];
  SourceStats& stats = encoding.source().info().stats;
  std::size_t size = packet.size();
  if (route->rtx) {
    stats.retransmitted.Add();
    const auto ssrc = encoding.stream().ssrc();
    if (!ssrc) return true;  // nothing to repair yet
    size = UnwrapRtx(packet, *rtp, *ssrc, track.config.payload_types.front());
    if (size == 0) return true;  // padding that probes the path
    rtp = RtpView::Parse(packet.first(size));
    if (!rtp) {
      stats.invalid.Add();
      return true;
    }
  }
  Source::Taken taken;
  PacketDraft draft = host_.pool().Allocate();
  if (!draft) {
    // Not here, for nobody: asked for again, and reported as lost.
    stats.dropped.Add();
    return true;
  }
  if (size > draft->buffer().size()) {
    stats.invalid.Add();
  } else {
    std::ranges::copy(packet.first(size), draft->buffer().begin());
    draft->set_size(size);
    if (encoding.EnterBurst()) in_burst_.push_back(&encoding);
    taken = encoding.source().OnDatagram(std::move(draft), now, route->rtx);
  }
  encoding.Note(*rtp, taken, route->rtx, now);
  return true;
}

void Ingress::FinishBurst() {
  for (Encoding* encoding : in_burst_) encoding->FinishBurst();
  in_burst_.clear();
  const Timestamp now = host_.now();
  for (auto* next : {&next_report_, &next_transport_cc_})
    if (*next && **next <= now + kFeedbackSlack) *next = now;
  AnnounceDue();
}

void Ingress::OnSenderReport(const SenderReport& report) {
  for (Track& track : tracks_) {
    for (const auto& encoding : track.encodings) {
      if (encoding->stream().ssrc() != report.sender_ssrc) continue;
      encoding->stream().OnSenderReport(report.sender_ssrc, report.info.ntp,
                                        host_.now());
      encoding->source().OnSenderReport(report, ToNtp(WallNow()));
    }
  }
}

// ---- what leaves ------------------------------------------------------------

void Ingress::SetMaxBitrate(std::uint64_t bitrate_bps) {
  if (bitrate_bps == 0 && !max_bitrate_bps_) return;
  max_bitrate_bps_ = bitrate_bps == 0 ? kNoLimitBps : bitrate_bps;
  // At once; and again with each report, for they get lost.
  limit_changed_ = true;
  AnnounceDue();
}

Duration Ingress::AnswerTime() const {
  const auto round_trip = owner_.RoundTrip();
  return round_trip ? *round_trip * 5 / 4 + kAnswerSlack : kUnknownAnswerTime;
}

void Ingress::AnnounceDue() {
  if (const auto due = NextDue()) owner_.OnIngressDue(*due);
}

std::optional<Timestamp> Ingress::NextDue() const {
  if (tracks_.empty()) return std::nullopt;
  std::optional<Timestamp> due = next_report_;
  Earliest(due, next_transport_cc_);
  if (limit_changed_) Earliest(due, host_.now());
  const Duration answer_time = AnswerTime();
  for (const Track& track : tracks_) {
    for (const auto& encoding : track.encodings)
      Earliest(due, encoding->NextDue(host_.now(), answer_time));
  }
  return due;
}

void Ingress::OnDue() {
  const Timestamp now = host_.now();
  Compound out(*this);
  if (next_report_ && now >= *next_report_) {
    next_report_ = now + kReportInterval;
    Report(out);
    ReportLimit(out);
  } else if (limit_changed_) {
    ReportLimit(out);
  }
  limit_changed_ = false;
  CollectNacks(out);
  if (next_transport_cc_ && now >= *next_transport_cc_) {
    next_transport_cc_.reset();
    while (transport_cc_.HasNews()) {
      out.Add([&](RtcpWriter& writer) {
        // Chromium takes no notice if the SSRC is not one it sends.
        return transport_cc_.Write(writer, ssrc_, transport_cc_ssrc_);
      });
    }
  }
}

void Ingress::Report(Compound& out) {
  std::vector<ReportBlock> blocks;
  for (const Track& track : tracks_) {
    for (const auto& encoding : track.encodings) {
      encoding->OnSecond(host_.now());
      if (const auto block = encoding->stream().MakeReport(host_.now())) {
        encoding->source().info().stats.fraction_lost.Set(block->fraction_lost);
        blocks.push_back(*block);
      }
    }
  }
  for (std::span<const ReportBlock> rest = blocks; !rest.empty();) {
    const std::size_t count = std::min(rest.size(), kMaxReportBlocks);
    out.AddReport(rest.first(count));
    rest = rest.subspan(count);
  }
}

void Ingress::ReportLimit(Compound& out) {
  if (!max_bitrate_bps_) return;
  std::vector<std::uint32_t> ssrcs;
  for (const Track& track : tracks_) {
    for (const auto& encoding : track.encodings) {
      const auto ssrc = encoding->stream().ssrc();
      if (ssrc && ssrcs.size() < kMaxRembSsrcs) ssrcs.push_back(*ssrc);
    }
  }
  if (ssrcs.empty()) return;
  out.Add([&](RtcpWriter& writer) {
    return WriteRemb(writer, ssrc_, *max_bitrate_bps_, ssrcs);
  });
}

void Ingress::CollectNacks(Compound& out) {
  const Timestamp now = host_.now();
  const Duration answer_time = AnswerTime();
  for (const Track& track : tracks_) {
    for (const auto& encoding : track.encodings) {
      encoding->source().OnDue(now);
      const auto ssrc = encoding->stream().ssrc();
      if (!ssrc) continue;
      SourceStats& stats = encoding->source().info().stats;
      if (encoding->TakeKeyframeWanted()) {
        const bool pli = track.config.pli || !track.config.fir;
        if (!pli) ++fir_command_;
        out.Add([&](RtcpWriter& writer) {
          return pli ? WritePli(writer, {ssrc_, *ssrc})
                     : WriteFir(writer, ssrc_, {*ssrc, fir_command_});
        });
      }
      std::array<std::uint16_t, 64> seqs;
      const std::size_t count =
          encoding->stream().CollectNacks(now, answer_time, seqs);
      if (count == 0) continue;
      stats.nacks.Add(count);
      std::span<const std::uint16_t> rest = std::span(seqs).first(count);
      out.Add([&](RtcpWriter& writer) {
        rest = rest.subspan(WriteNack(writer, ssrc_, *ssrc, rest));
        return rest.empty();
      });
    }
  }
}

std::uint64_t Ingress::TakeNewlyLost(std::size_t index) {
  std::uint64_t lost = 0;
  for (const auto& encoding : tracks_[index].encodings)
    lost += encoding->stream().TakeNewlyLost();
  return lost;
}

}  // namespace hg
