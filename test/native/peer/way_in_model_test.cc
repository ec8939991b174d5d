// A viewer that changes between two encodings whose packets get lost on their
// way in and come as resends. It gets all that we send, in order, and has a
// decoder that must have each frame whole: what freezes it is what we leave
// out.
#include <doctest/doctest.h>

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "native/peer/egress_rig.h"

namespace hg::test {
namespace {

constexpr Duration kFrame = 40ms;
constexpr Duration kStep = 5ms;
// A keyframe request takes half of it, and a resend all of it and the time
// until the hole is noticed.
constexpr Duration kRoundTrip = 50ms;
constexpr Duration kNoticed = 15ms;

struct PacketId {
  std::uint32_t frame;  // of all encodings
  std::uint8_t index, count;
  bool keyframe;

  std::uint64_t Pack() const {
    return std::uint64_t{frame} << 24 | std::uint64_t{index} << 16 |
           std::uint64_t{count} << 8 | (keyframe ? 1 : 0);
  }
  static PacketId Unpack(std::uint64_t id) {
    return {static_cast<std::uint32_t>(id >> 24),
            static_cast<std::uint8_t>(id >> 16),
            static_cast<std::uint8_t>(id >> 8), (id & 1) != 0};
  }
};

// One encoding, from the encoder to the replica.
class Encoding final : private Source::Host, private Replica::Upstream {
 public:
  Encoding(std::uint32_t id, int loss_percent, std::mt19937& random,
           Timestamp now)
      : loss_percent_(loss_percent),
        random_(random),
        now_(now),
        info_(std::make_shared<SourceInfo>(Config(id))),
        replica_(info_, *this),
        source_(info_, *this, events_, now),
        next_frame_at_(now) {}

  void Run(Timestamp now) {
    now_ = now;
    source_.OnDue(now);
    if (now >= next_frame_at_) {
      next_frame_at_ += kFrame;
      SendFrame();
    }
    while (!on_its_way_.empty() && on_its_way_.begin()->first <= now) {
      source_.OnDatagram(MakeDraft(pool_, on_its_way_.begin()->second), now);
      on_its_way_.erase(on_its_way_.begin());
    }
    source_.FinishBurst();
  }

  Replica& replica() { return replica_; }
  const std::shared_ptr<const SourceInfo>& info() const { return info_; }
  int keyframes() const { return keyframes_; }

 private:
  static SourceConfig Config(std::uint32_t id) {
    SourceConfig config = VideoConfig();
    config.id = id;
    return config;
  }

  void SendFrame() {
    const bool keyframe = keyframe_at_ && *keyframe_at_ <= now_;
    if (keyframe) {
      keyframe_at_.reset();
      ++keyframes_;
    }
    ++frame_;
    const auto count = static_cast<std::uint8_t>(keyframe ? 6 : 2);
    for (std::uint8_t i = 0; i < count; ++i) {
      auto packet = MakeRtp(
          {.ssrc = info_->config.id,
           .seq = seq_++,
           .timestamp = frame_ * 3600,
           .marker = i + 1 == count,
           .keyframe = keyframe && i == 0,
           .id = PacketId{info_->config.id << 24 | frame_, i, count, keyframe}
                     .Pack()});
      Timestamp arrival = now_ + kRoundTrip / 2;
      while (static_cast<int>(random_() % 100) < loss_percent_)
        arrival += kRoundTrip + kNoticed;
      on_its_way_.emplace(arrival, std::move(packet));
    }
  }

  void DeliverBurst(Source&, std::span<const PacketRef> burst) override {
    replica_.OnBurst(burst);
  }
  void DeliverSenderClock(Source&, const SenderClock&) override {}
  void SendKeyframeRequest(Source&) override {
    keyframe_at_ = now_ + kRoundTrip / 2;
  }
  void WantKeyframe(const SourceInfo&) override {
    source_.RequestKeyframe(now_);
  }

  const int loss_percent_;
  std::mt19937& random_;
  Timestamp now_;
  EventList events_;
  PacketPool pool_{{.slab_packets = 64, .max_packets = 4096}};
  const std::shared_ptr<const SourceInfo> info_;
  Replica replica_;
  Source source_;
  Timestamp next_frame_at_;
  std::optional<Timestamp> keyframe_at_;
  int keyframes_ = 0;
  std::uint32_t frame_ = 0;
  std::uint16_t seq_ = 65'000;
  std::multimap<Timestamp, std::vector<std::uint8_t>> on_its_way_;
};

// Shows a frame that is whole and follows the one before, or is a keyframe.
class Decoder {
 public:
  void OnPacket(const WirePacket& packet) {
    const PacketId id = PacketId::Unpack(packet.id());
    Frame& frame = frames_[packet.rtp().timestamp];
    frame.id = id;
    ++frame.packets;
    for (auto at = frames_.begin(); at != frames_.end();) {
      const auto next = std::next(at);
      if (at->second.packets == at->second.id.count && Follows(at->second)) {
        shown_ = at->second.id.frame;
        shown_at_ = packet.at;
        frames_.erase(frames_.begin(), next);
      }
      at = next;
    }
  }

  // As browsers do, if frames come and none can be shown.
  bool WantsKeyframe(Timestamp now) {
    constexpr Duration kPatience = 250ms;
    if (frames_.empty() || !shown_at_ || now - *shown_at_ < kPatience ||
        now - asked_ < kPatience)
      return false;
    asked_ = now;
    return true;
  }
  bool IsFrozen(Timestamp now) const {
    return shown_at_ && now - *shown_at_ > 200ms;
  }
  std::optional<std::uint32_t> shown() const { return shown_; }

 private:
  struct Frame {
    PacketId id{};
    int packets = 0;
  };
  bool Follows(const Frame& frame) const {
    return frame.id.keyframe || (shown_ && *shown_ + 1 == frame.id.frame);
  }

  std::map<std::uint32_t, Frame> frames_;  // by timestamp, which does not wrap
  std::optional<std::uint32_t> shown_;
  std::optional<Timestamp> shown_at_;
  Timestamp asked_{};
};

struct Outcome {
  int switches = 0;
  int plis = 0;
  int keyframes = 0;
  Duration frozen{0};
};

enum class Kind { kSimulcast, kPlain };

// The viewer wants the other one every 3 s.
Outcome Watch(Kind kind, int loss_percent, unsigned seed) {
  std::mt19937 random(seed);
  EgressRig rig(PlainVideo());
  Decoder decoder;
  rig.owner.on_packet = [&](const WirePacket& p) { decoder.OnPacket(p); };
  std::array<std::unique_ptr<Encoding>, 2> encodings;
  std::vector<std::shared_ptr<const SourceInfo>> infos;
  for (std::uint32_t id = 1; id <= 2; ++id) {
    auto& encoding = encodings[id - 1];
    encoding =
        std::make_unique<Encoding>(id, loss_percent, random, rig.owner.time);
    rig.owner.replicas[id] = &encoding->replica();
    infos.push_back(encoding->info());
  }
  const auto want = [&](std::uint8_t index) {
    if (kind == Kind::kPlain)
      rig.track.Link(&encodings[index]->replica());
    else
      rig.track.SetLayers({.substream = index, .fallback = 5s});
  };
  if (kind == Kind::kSimulcast) rig.track.Link(infos);
  want(0);

  Outcome outcome;
  constexpr Duration kStay = 3s;
  constexpr unsigned kStays = 40;
  const Timestamp start = rig.owner.time;
  for (unsigned stay = 0; stay < kStays; ++stay) {
    while (rig.owner.time < start + (stay + 1) * kStay) {
      for (const auto& encoding : encodings) encoding->Run(rig.owner.time);
      rig.owner.Flush();
      if (kind == Kind::kSimulcast) rig.track.layers()->Check();
      if (decoder.WantsKeyframe(rig.owner.time)) rig.track.OnKeyframeRequest();
      if (decoder.IsFrozen(rig.owner.time)) outcome.frozen += kStep;
      rig.owner.time += kStep;
    }
    const unsigned shown = decoder.shown().value_or(0) >> 24;
    CHECK(shown == 1 + stay % 2);
    want(static_cast<std::uint8_t>((stay + 1) % 2));
    ++outcome.switches;
  }
  rig.track.Link(nullptr);
  outcome.plis = static_cast<int>(rig.stats->plis.value());
  for (const auto& encoding : encodings)
    outcome.keyframes += encoding->keyframes();
  return outcome;
}

Outcome WatchAll(Kind kind, int loss_percent) {
  Outcome sum;
  for (unsigned seed = 1; seed <= 5; ++seed) {
    CAPTURE(seed);
    const Outcome one = Watch(kind, loss_percent, seed);
    sum.switches += one.switches;
    sum.plis += one.plis;
    sum.keyframes += one.keyframes;
    sum.frozen += one.frozen;
  }
  MESSAGE(std::string(kind == Kind::kPlain ? "plain" : "simulcast")
          << ", " << loss_percent << " % lost on the way in: " << sum.switches
          << " switches, " << sum.plis << " PLIs, " << sum.keyframes
          << " keyframes, frozen for " << ToMillis(sum.frozen) << " ms");
  return sum;
}

// Of 200 changes. Resends are lost as well, and some keyframes take too long.
struct Bound {
  int loss_percent, plis;
};
constexpr Bound kBounds[] = {{0, 0}, {5, 2}, {10, 10}};

TEST_CASE("losses on the way in: a simulcast viewer changes without a freeze") {
  for (const Bound& bound : kBounds)
    CHECK(WatchAll(Kind::kSimulcast, bound.loss_percent).plis <= bound.plis);
}

TEST_CASE("losses on the way in: a viewer of another source needs no PLI") {
  for (const Bound& bound : kBounds)
    CHECK(WatchAll(Kind::kPlain, bound.loss_percent).plis <= bound.plis);
}

}  // namespace
}  // namespace hg::test
