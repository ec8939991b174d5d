// A viewer's layers of VP9 as Chromium sends it, checked with a model of its
// decoder: whatever the order packets come in and whenever the viewer wants
// something else, each frame it gets is whole, what the frame refers to was
// sent too, and each picture has an end.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "peer/layer_selector.h"
#include "rtp/codec/vp9.h"
#include "rtp/continuity.h"

namespace hg::test {
namespace {

enum class Mode { kFull, kKey };  // L3T3, L3T3_KEY

constexpr std::uint8_t kLayers = 3;
// Of the pictures of a group, and which of the group each refers to.
constexpr std::array<std::uint8_t, 4> kTemporal = {0, 2, 1, 2};
constexpr std::array<std::uint8_t, 4> kRefersBack = {4, 1, 2, 1};

struct SentPacket {
  PacketInfo info;
  std::uint32_t picture = 0;
};

// ---- the sender

class Encoder {
 public:
  Encoder(Mode mode, std::mt19937& random) : mode_(mode), random_(random) {}

  void ForceKeyframe() {
    key_ = true;
    ++keyframes_;
  }
  int keyframes() const { return keyframes_; }
  // How many spatial layers it has the bandwidth for.
  void SetActive(std::uint8_t layers) { active_ = layers; }

  void Encode(std::vector<SentPacket>& out) {
    const bool key = std::exchange(key_, false);
    if (key) in_group_ = 0;
    const std::uint8_t temporal = kTemporal[in_group_];
    for (std::uint8_t spatial = 0; spatial < active_; ++spatial) {
      const std::size_t packets = 1 + random_() % (key ? 4 : 2 + spatial / 2);
      for (std::size_t i = 0; i < packets; ++i) {
        const bool last = i + 1 == packets;
        out.push_back(Packet(key, temporal, spatial, i == 0, last));
        out.back().info.marker = last && spatial + 1 == active_;
      }
    }
    ++picture_;
    in_group_ = (in_group_ + 1) % kTemporal.size();
  }

 private:
  SentPacket Packet(bool key, std::uint8_t temporal, std::uint8_t spatial,
                    bool first, bool last) {
    const bool upper_refers =
        spatial + 1 < active_ && (key || mode_ == Mode::kFull);
    const bool inter_layer = spatial > 0 && (key || mode_ == Mode::kFull);
    std::vector<std::uint8_t> payload{
        static_cast<std::uint8_t>(0xb0 | (key ? 0 : 0x40) | (first ? 8 : 0) |
                                  (last ? 4 : 0) | (upper_refers ? 0 : 1))};
    payload.push_back(static_cast<std::uint8_t>(0x80 | (picture_ >> 8 & 0x7f)));
    payload.push_back(static_cast<std::uint8_t>(picture_));
    payload.push_back(static_cast<std::uint8_t>(
        temporal << 5 | 0x10 | spatial << 1 | (inter_layer ? 1 : 0)));
    if (!key)
      payload.push_back(static_cast<std::uint8_t>(kRefersBack[in_group_] << 1));
    payload.push_back(0);

    const Inspection seen = InspectVp9(payload);
    SentPacket packet;
    packet.picture = picture_;
    PacketInfo& info = packet.info;
    info.extended_seq = next_seq_++;
    info.timestamp = picture_ * 3000 - 90'000;  // wraps soon
    info.keyframe = seen.keyframe;
    info.frame_start = seen.frame_start;
    info.frame_end = seen.frame_end;
    info.spatial_layer = seen.spatial_layer;
    info.temporal_layer = seen.temporal_layer;
    info.temporal_switch = seen.temporal_switch;
    info.spatial_sync = seen.spatial_sync;
    info.not_for_upper = seen.not_for_upper;
    return packet;
  }

  const Mode mode_;
  std::mt19937& random_;
  bool key_ = true;
  int keyframes_ = 1;
  std::uint8_t active_ = kLayers;
  std::uint32_t picture_ = 0;
  std::size_t in_group_ = 0;
  std::uint64_t next_seq_ = 0x1ff00;
};

// ---- the viewer

class Decoder {
 public:
  explicit Decoder(Mode mode) : mode_(mode) {}

  // All that the sender sent.
  void Expect(const SentPacket& packet) {
    Frame& frame = frames_[{packet.picture, packet.info.spatial_layer}];
    ++frame.packets;
    frame.key = frame.key || packet.info.spatial_sync;
  }
  void Take(const SentPacket& packet, bool marker) {
    Frame& frame = frames_[{packet.picture, packet.info.spatial_layer}];
    ++frame.taken;
    frame.marker |= marker;
  }

  // What is wrong with what it was sent; empty: nothing.
  std::string Problem() const {
    std::uint32_t in_group = 0;
    std::optional<std::uint32_t> last;
    for (const auto& [id, frame] : frames_) {
      const auto [picture, spatial] = id;
      if (picture != last) {
        in_group = frame.key ? 0 : (in_group + 1) % kTemporal.size();
        last = picture;
      }
      if (frame.taken == 0) continue;
      const std::string name = "picture " + std::to_string(picture) +
                               (frame.key ? " (key)" : "") + " layer " +
                               std::to_string(spatial) + ": ";
      if (frame.taken != frame.packets)
        return name + std::to_string(frame.taken) + " of " +
               std::to_string(frame.packets) + " packets";
      if (!frame.key && !Has(picture - kRefersBack[in_group], spatial))
        return name + "what it refers to is missing";
      if (spatial > 0 && (frame.key || mode_ == Mode::kFull) &&
          !Has(picture, static_cast<std::uint8_t>(spatial - 1)))
        return name + "the layer below is missing";
      const bool top = !HasAbove(picture, spatial);
      if (top && !frame.marker) return name + "no end";
    }
    return {};
  }
  // Pictures shown, by their highest layer.
  std::map<std::uint8_t, int> shown() const {
    std::map<std::uint8_t, int> out;
    for (const auto& [id, frame] : frames_)
      if (frame.taken > 0 && !HasAbove(id.first, id.second)) ++out[id.second];
    return out;
  }
  // Ends that were none.
  int early_ends() const {
    return static_cast<int>(std::ranges::count_if(frames_, [&](auto& item) {
      return item.second.marker &&
             HasAbove(item.first.first, item.first.second);
    }));
  }

 private:
  struct Frame {
    int packets = 0;
    int taken = 0;
    bool key = false;
    bool marker = false;
  };

  bool Has(std::uint32_t picture, std::uint8_t spatial) const {
    const auto at = frames_.find({picture, spatial});
    return at != frames_.end() && at->second.taken > 0;
  }
  bool HasAbove(std::uint32_t picture, std::uint8_t spatial) const {
    for (std::uint8_t s = spatial + 1; s < kLayers; ++s)
      if (Has(picture, s)) return true;
    return false;
  }

  const Mode mode_;
  std::map<std::pair<std::uint32_t, std::uint8_t>, Frame> frames_;
};

// ---- and what is between

struct Path {
  int late_percent = 0;  // of the packets
  std::uint32_t by = 0;  // at most so many packets later
};

class Viewing {
 public:
  Viewing(Mode mode, unsigned seed)
      : random_(seed), encoder_(mode, random_), decoder_(mode) {
    selector_.Choose([](std::size_t) { return true; });
  }

  // Targets change at any packet.
  void Run(int pictures, const Path& path, int change_percent) {
    for (int i = 0; i < pictures; ++i) {
      if (asked_ && picture_ >= *asked_ + 5) {
        encoder_.ForceKeyframe();
        asked_.reset();
      }
      std::vector<SentPacket> sent;
      encoder_.Encode(sent);
      // At none of them: behind the last.
      const std::size_t change_at =
          Percent(change_percent) ? random_() % sent.size() : sent.size();
      for (std::size_t n = 0; n < sent.size(); ++n) {
        if (n == change_at)
          selector_.SetTarget(
              {.spatial = static_cast<std::uint8_t>(random_() % 3),
               .temporal = static_cast<std::uint8_t>(random_() % 3)});
        decoder_.Expect(sent[n]);
        // Sending begins with the first packet of all.
        const bool late = started_ && Percent(path.late_percent);
        if (late) {
          waiting_.emplace(now_ + 1 + random_() % path.by, sent[n]);
        } else {
          Arrive(sent[n]);
        }
        ++now_;
        Release(now_);
      }
      if (selector_.NeedsKeyframe() && !asked_) asked_ = picture_;
      ++picture_;
    }
    Release(~0u);
  }

  LayerSelector& selector() { return selector_; }
  Encoder& encoder() { return encoder_; }
  const Decoder& decoder() const { return decoder_; }

 private:
  bool Percent(int percent) {
    return static_cast<int>(random_() % 100) < percent;
  }
  void Release(std::uint32_t until) {
    while (!waiting_.empty() && waiting_.begin()->first <= until) {
      Arrive(waiting_.begin()->second);
      waiting_.erase(waiting_.begin());
    }
  }
  void Arrive(const SentPacket& packet) {
    selector_.SwitchesAt(0, packet.info);
    started_ = true;
    const auto verdict = selector_.Select(packet.info);
    if (!verdict.passes) return continuity_.Skip(packet.info.extended_seq);
    const auto out = continuity_.Forward(packet.info.extended_seq,
                                         packet.info.timestamp, Timestamp{});
    if (out) decoder_.Take(packet, verdict.marker);
  }

  std::mt19937 random_;
  Encoder encoder_;
  Decoder decoder_;
  LayerSelector selector_{1};
  Continuity continuity_{90000, {.seq = 65000, .timestamp = 1}};
  bool started_ = false;
  std::uint32_t now_ = 0;  // packets
  std::uint32_t picture_ = 0;
  std::optional<std::uint32_t> asked_;
  std::multimap<std::uint32_t, SentPacket> waiting_;
};

}  // namespace

TEST_CASE("layers of VP9: whatever is wanted, nothing is missing") {
  constexpr Path kPaths[] = {
      {},                             // in order
      {.late_percent = 20, .by = 3},  // out of order
      {.late_percent = 5, .by = 8},   // lost, and resent
      {.late_percent = 5, .by = 20},
  };
  for (const Mode mode : {Mode::kFull, Mode::kKey}) {
    for (const Path& path : kPaths) {
      for (unsigned seed = 0; seed < 100; ++seed) {
        CAPTURE(mode == Mode::kKey);
        CAPTURE(path.by);
        CAPTURE(seed);
        Viewing viewing(mode, seed);
        viewing.Run(200, path, 10);

        CHECK(viewing.decoder().Problem() == "");
        if (path.by == 0) CHECK(viewing.decoder().early_ends() == 0);
      }
    }
  }
}

TEST_CASE("layers of VP9: one that the sender stopped is not waited for") {
  for (const Mode mode : {Mode::kFull, Mode::kKey}) {
    CAPTURE(mode == Mode::kKey);
    Viewing viewing(mode, 1);
    viewing.Run(40, {}, 0);
    CHECK(viewing.decoder().shown() == std::map<std::uint8_t, int>{{2, 40}});

    viewing.encoder().SetActive(2);
    viewing.Run(40, {}, 0);

    CHECK(viewing.decoder().Problem() == "");
    CHECK(viewing.decoder().shown()[1] >= 20);
    CHECK(viewing.encoder().keyframes() == (mode == Mode::kKey ? 2 : 1));
  }
}

TEST_CASE("layers of VP9: a single frame left out is no reason to begin anew") {
  Viewing viewing(Mode::kKey, 1);
  viewing.Run(39, {}, 0);  // the last one is of the highest temporal layer
  for (const std::uint8_t layers : {std::uint8_t{2}, kLayers}) {
    viewing.encoder().SetActive(layers);
    viewing.Run(1, {}, 0);
  }
  viewing.Run(20, {}, 0);

  CHECK(viewing.encoder().keyframes() == 1);
  CHECK(viewing.decoder().shown()[2] == 60);
}

TEST_CASE("layers of VP9: with few temporal layers an upper one can be had") {
  for (const Mode mode : {Mode::kFull, Mode::kKey}) {
    CAPTURE(mode == Mode::kKey);
    Viewing viewing(mode, 1);
    viewing.selector().SetTarget({.spatial = 0, .temporal = 0});
    viewing.Run(40, {}, 0);
    viewing.selector().SetTarget({.spatial = 2, .temporal = 0});
    viewing.Run(40, {}, 0);

    CHECK(viewing.decoder().Problem() == "");
    CHECK(viewing.encoder().keyframes() == 2);
    CHECK(viewing.selector().spatial() == 2);
  }
}

}  // namespace hg::test
