// An Ingress with everything around it played by the test: the media thread,
// the peer that owns it, the wire. In virtual time.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "native/peer/thread_stub.h"
#include "native/rtp/packets.h"
#include "peer/ingress.h"
#include "rtp/rtcp/registry.h"
#include "support/rtp_stream.h"

namespace hg::test {

inline constexpr std::uint8_t kVideoType = 96;
inline constexpr std::uint8_t kRtxType = 97;
inline constexpr std::uint8_t kAudioType = 111;

// A packet as a browser sends it. The payload is a VP8 frame.
struct Sent {
  std::uint32_t ssrc = 1;
  std::uint16_t seq = 0;
  std::uint32_t timestamp = 0;
  std::uint8_t payload_type = kVideoType;
  bool keyframe = false;
  std::uint64_t id = 0;
  std::string mid;
  std::string rid;
  std::string repaired_rid;
  std::optional<std::uint16_t> transport_seq;
};

inline constexpr IngressDemux::Extensions kExtensions = {
    .mid = 4, .rid = 5, .repaired_rid = 6};
inline constexpr std::uint8_t kTransportCcId = 3;

inline hg::RtpFields FieldsOf(const Sent& sent) {
  hg::RtpFields fields{.payload_type = sent.payload_type,
                       .seq = sent.seq,
                       .timestamp = sent.timestamp,
                       .ssrc = sent.ssrc};
  const auto add = [&](std::uint8_t id, Bytes data) {
    if (data.empty()) return;
    fields.extension.push_back(
        static_cast<std::uint8_t>((id << 4) | (data.size() - 1)));
    Append(fields.extension, data);
  };
  const auto bytes_of = [](const std::string& text) {
    return Bytes(reinterpret_cast<const std::uint8_t*>(text.data()),
                 text.size());
  };
  add(kExtensions.mid, bytes_of(sent.mid));
  add(kExtensions.rid, bytes_of(sent.rid));
  add(kExtensions.repaired_rid, bytes_of(sent.repaired_rid));
  if (sent.transport_seq) {
    std::array<std::uint8_t, 2> data;
    StoreU16(data.data(), *sent.transport_seq);
    add(kTransportCcId, data);
  }
  while (fields.extension.size() % 4 != 0) fields.extension.push_back(0);
  if (!fields.extension.empty()) fields.extension_profile = kOneByteExtensions;
  const auto frame = MakeRtp({.keyframe = sent.keyframe, .id = sent.id});
  fields.payload.assign(frame.begin() + kRtpHeader, frame.end());
  return fields;
}

// The same again, as RTX (RFC 4588 s4).
inline ByteVector RtxOf(const Sent& sent, std::uint32_t ssrc,
                        std::uint16_t seq) {
  hg::RtpFields fields = FieldsOf(sent);
  fields.ssrc = ssrc;
  fields.seq = seq;
  fields.payload_type = kRtxType;
  std::array<std::uint8_t, 2> original;
  StoreU16(original.data(), sent.seq);
  fields.payload.insert(fields.payload.begin(), original.begin(),
                        original.end());
  return fields.Build();
}

// What the peer is told, and when.
class Heard final : public FeedbackHandler {
 public:
  struct Asked {
    Timestamp at;
    std::uint32_t ssrc;
    std::uint16_t seq;
  };
  struct Request {
    Timestamp at;
    std::uint32_t ssrc;
    int fir_command;  // -1: PLI
  };
  struct Report {
    Timestamp at;
    ReportBlock block;
  };
  struct Limit {
    Timestamp at;
    std::uint64_t bitrate_bps;
    std::vector<std::uint32_t> ssrcs;
  };
  struct Arrivals {
    Timestamp at;
    std::uint32_t media_ssrc;
    std::uint16_t base_seq;
    std::vector<bool> arrived;
  };

  void OnCompound(Bytes compound, Timestamp now) {
    now_ = now;
    ++compounds;
    largest = std::max(largest, compound.size());
    const RtcpDispatch result = DispatchRtcp(compound, *this);
    HG_CHECK(!result.malformed && result.unknown + result.ignored == 0);
    // RFC 3550 s6.1
    HG_CHECK(compound[1] == static_cast<int>(RtcpType::kReceiverReport));
  }
  std::vector<std::uint16_t> Seqs() const {
    std::vector<std::uint16_t> seqs;
    for (const Asked& one : asked) seqs.push_back(one.seq);
    return seqs;
  }

  std::vector<Asked> asked;
  std::vector<Request> requests;
  std::vector<Report> reports;
  std::vector<Limit> limits;
  std::vector<Arrivals> arrivals;
  int compounds = 0;
  std::size_t largest = 0;

 private:
  void OnReportBlock(std::uint32_t, const ReportBlock& block) override {
    reports.push_back({now_, block});
  }
  void OnNack(const Nack& nack) override {
    nack.ForEach([&](std::uint16_t seq) {
      asked.push_back({now_, nack.media_ssrc, seq});
    });
  }
  void OnPli(const Pli& pli) override {
    requests.push_back({now_, pli.media_ssrc, -1});
  }
  void OnFir(std::uint32_t, const FirEntry& entry) override {
    requests.push_back({now_, entry.ssrc, entry.command});
  }
  void OnRemb(const Remb& remb) override {
    Limit& limit = limits.emplace_back(Limit{now_, remb.bitrate_bps, {}});
    for (std::size_t i = 0; i < remb.size(); ++i)
      limit.ssrcs.push_back(remb.ssrc(i));
  }
  void OnTransportCc(const TransportCc& feedback) override {
    Arrivals& one = arrivals.emplace_back(
        Arrivals{now_, feedback.media_ssrc, feedback.base_seq, {}});
    feedback.ForEach([&](std::uint16_t, std::optional<Duration> arrival) {
      one.arrived.push_back(arrival.has_value());
    });
  }

  Timestamp now_{};
};

class IngressRig final : private Ingress::Owner {
 public:
  explicit IngressRig(IngressConfig config = {}) { Configure(config); }

  void Configure(const IngressConfig& config) { ingress.Configure(config); }

  // A datagram, and nothing behind it.
  bool ReceiveRaw(ByteVector packet) {
    const bool known = ingress.OnPacket(packet);
    ingress.FinishBurst();
    return known;
  }
  bool Receive(const Sent& sent) { return ReceiveRaw(FieldsOf(sent).Build()); }

  // As a peer's timer does.
  void RunUntil(Timestamp end) {
    while (timer_ && *timer_ <= end) {
      thread.time = std::max(thread.time, *timer_);
      timer_.reset();
      const auto due = ingress.NextDue();
      if (due && *due <= thread.time) {
        ingress.OnDue();
        ++turns;
      }
      timer_ = ingress.NextDue();
    }
    thread.time = end;
  }
  void RunFor(Duration duration) { RunUntil(thread.time + duration); }
  // Another timer of the peer ran: it looks at all that is due.
  void PeerTimer() { timer_ = ingress.NextDue(); }

  std::vector<std::uint64_t> IdsOf(std::uint32_t source) const {
    std::vector<std::uint64_t> ids;
    for (const auto& [from, packet] : thread.delivered)
      if (from == source) ids.push_back(IdOf(packet->payload()));
    return ids;
  }
  void RequestKeyframe(std::uint32_t source) {
    thread.FindSource(source)->RequestKeyframe(thread.time);
  }

  ThreadStub thread;
  Heard heard;
  std::optional<Duration> round_trip = 50ms;
  int turns = 0;
  Ingress ingress{thread, *this};

 private:
  MutableBytes BeginRtcp() override { return thread.scratch(); }
  void EndRtcp(std::size_t size) override {
    heard.OnCompound(thread.scratch().first(size), thread.time);
  }
  std::optional<Duration> RoundTrip() const override { return round_trip; }
  void OnIngressDue(Timestamp due) override {
    if (!timer_ || due < *timer_) timer_ = due;
  }

  std::optional<Timestamp> timer_;
};

// Of a track, with one encoding for each rid; sources count from `id`.
inline std::shared_ptr<SourceInfo> NewSource(std::uint32_t id, bool video) {
  SourceConfig config = video ? VideoConfig() : AudioConfig();
  config.id = id;
  config.peer = 1;
  return std::make_shared<SourceInfo>(config);
}
inline IngressTrackConfig VideoTrack(std::uint32_t id,
                                     std::vector<IngressDemux::Encoding> ids = {
                                         {}}) {
  IngressTrackConfig track;
  track.mid = "v";
  track.payload_types = {kVideoType};
  track.rtx_payload_type = kRtxType;
  track.nack = track.pli = track.fir = true;
  for (auto& one : ids)
    track.encodings.push_back({std::move(one), NewSource(id++, true)});
  return track;
}
inline IngressTrackConfig AudioTrack(std::uint32_t id) {
  IngressTrackConfig track;
  track.mid = "a";
  track.payload_types = {kAudioType};
  track.encodings.push_back({{}, NewSource(id, false)});
  return track;
}
inline IngressConfig With(std::vector<IngressTrackConfig> tracks) {
  return {std::move(tracks), kExtensions, kTransportCcId};
}

}  // namespace hg::test
