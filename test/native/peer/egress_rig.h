// An EgressTrack with everything around it played by the test: the peer that
// owns it, the replicas of its sources, the wire.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/check.h"
#include "native/route/fakes.h"
#include "peer/egress_track.h"
#include "rtp/packet.h"
#include "support/rtp_stream.h"

namespace hg::test {

struct WirePacket {
  std::vector<std::uint8_t> bytes;
  bool resend = false;
  Timestamp at{};

  RtpView rtp() const {
    const auto view = RtpView::Parse(bytes);
    HG_CHECK(view);
    return *view;
  }
  std::uint64_t id() const { return IdOf(rtp().payload); }
};

// Queues like a peer, and keeps what a peer would send.
class OwnerStub final : public EgressTrack::Owner {
 public:
  bool CanSend() const override { return can_send; }
  Timestamp now() const override { return time; }
  void Enqueue(EgressTrack& track, const PacketRef& packet,
               const Continuity::Out& out) override {
    queue_.push_back({&track, packet, out});
  }
  void FlushQueue() override { Flush(); }
  Replica& Obtain(const std::shared_ptr<const SourceInfo>& info) override {
    return *replicas.at(info->config.id);
  }
  void OnLayers(EgressTrack& track) override {
    HG_CHECK(track.layers() != nullptr);
    ++layer_changes;
  }
  MutableBytes BeginResend() override { return buffer_; }
  void EndResend(std::size_t size) override {
    if (size > 0) Keep(size, true);
  }

  // What a peer does at the end of a turn.
  void Flush() {
    for (const Queued& queued : queue_) {
      if (!can_send) break;
      const std::size_t size = queued.track->Write(*queued.packet, queued.out,
                                                   time, MutableBytes(buffer_));
      if (size > 0) Keep(size, false);
    }
    queue_.clear();
  }
  std::vector<WirePacket> Take() {
    Flush();
    return std::exchange(wire_, {});
  }

  bool can_send = true;
  std::unordered_map<std::uint32_t, Replica*> replicas;  // by source
  int layer_changes = 0;
  Timestamp time{1000s};
  std::function<void(const WirePacket&)> on_packet;  // instead of Take()

 private:
  struct Queued {
    EgressTrack* track;
    PacketRef packet;
    Continuity::Out out;
  };

  void Keep(std::size_t size, bool resend) {
    WirePacket packet{{buffer_.begin(), buffer_.begin() + size}, resend, time};
    if (on_packet) return on_packet(packet);
    wire_.push_back(std::move(packet));
  }

  std::array<std::uint8_t, 2304> buffer_;
  std::vector<Queued> queue_;
  std::vector<WirePacket> wire_;
};

// A source that sends a packet each time it is told to.
class SourceStub {
 public:
  explicit SourceStub(SourceConfig config = VideoConfig(),
                      std::uint64_t first_seq = 0x10000)
      : info(std::make_shared<SourceInfo>(std::move(config))),
        replica(info, upstream),
        next_seq(first_seq) {}

  // `late`: after later ones, which are made already; so is its number.
  PacketRef Make(Timestamp now, bool keyframe = false, bool late = false) {
    const auto ticks = static_cast<std::uint32_t>(
        ToMicros(now.time_since_epoch()) * info->config.clock_rate / 1'000'000);
    return MakePacket(pool, {.extended_seq = next_seq++,
                             .timestamp = first_timestamp + ticks,
                             .arrival = now,
                             .keyframe = keyframe,
                             .discontinuity = std::exchange(restart, false),
                             .late = late,
                             .id = next_id++});
  }
  void Deliver(const PacketRef& packet) { replica.OnBurst({&packet, 1}); }
  void Send(Timestamp now, bool keyframe = false) {
    Deliver(Make(now, keyframe));
  }

  PacketPool pool{{.slab_packets = 64, .max_packets = 16384}};
  UpstreamStub upstream;
  const std::shared_ptr<SourceInfo> info;
  Replica replica;
  std::uint64_t next_seq;
  std::uint64_t next_id = 1000;
  std::uint32_t first_timestamp = 0xfffff000;  // wraps soon
  bool restart = false;
};

inline EgressTrackConfig PlainVideo() {
  EgressTrackConfig config;
  config.mid = "v";
  config.video = true;
  config.ssrc = 0xabcd0001;
  config.payload_type = 101;
  config.clock_rate = 90000;
  config.nack = true;
  config.extensions = {.mid = 4, .abs_send_time = 2};
  return config;
}

inline EgressTrackConfig RtxVideo() {
  EgressTrackConfig config = PlainVideo();
  config.rtx_ssrc = 0xabcd0002;
  config.rtx_payload_type = 102;
  return config;
}

inline EgressTrackConfig PlainAudio() {
  EgressTrackConfig config;
  config.mid = "a";
  config.ssrc = 0xabcd0003;
  config.payload_type = 111;
  config.clock_rate = 48000;
  config.nack = true;
  return config;
}

struct EgressRig {
  explicit EgressRig(const EgressTrackConfig& config,
                     Duration max_nack_age = 1s)
      : stats(std::make_shared<EgressStats>()),
        track(config, max_nack_age, stats, owner) {}

  void Nack(std::initializer_list<std::uint16_t> seqs) {
    NackAll({seqs.begin(), seqs.size()});
  }
  void NackAll(std::span<const std::uint16_t> seqs) {
    std::vector<std::uint8_t> items;
    for (const std::uint16_t seq : seqs) {
      items.push_back(static_cast<std::uint8_t>(seq >> 8));
      items.push_back(static_cast<std::uint8_t>(seq));
      items.push_back(0);
      items.push_back(0);
    }
    track.OnNack(
        {.sender_ssrc = 1, .media_ssrc = track.config().ssrc, .items = items});
  }
  // The viewer reports; its round trip is what it is given.
  void Report(Duration round_trip, std::int32_t lost = 0) {
    const NtpTime now = ToNtp(WallTime(Duration(1'700'000'000s)));
    ReportBlock block;
    block.ssrc = track.config().ssrc;
    block.lost = lost;
    block.last_sr = ToCompactNtp(now) - ToCompactNtp(round_trip);
    track.OnReportBlock(block, owner.time, now);
  }

  OwnerStub owner;
  const std::shared_ptr<EgressStats> stats;
  EgressTrack track;
};

}  // namespace hg::test
