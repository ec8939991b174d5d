// Which encoding of a simulcast, and which of its spatial and temporal layers,
// one viewer gets. Sans-IO: it is told which encodings live and what arrives,
// and says what to subscribe to and what to pass.
//
// Rules: the highest encoding that lives and is not above the target is wanted;
// what is sent changes at a keyframe of the wanted one, and goes on until then.
// Within it:
// - A temporal layer is left with the next picture, and entered where the
//   sender says one can.
// - A spatial layer is entered at a keyframe, or where it refers to nothing
//   but lower layers of its picture. It is left with the next picture for one
//   that the viewer was sent all along; for another a keyframe is needed.
// - A lower spatial layer that no upper one refers to (modes like L3T3_KEY) is
//   not sent, but with keyframes.
// - What is late is decided by what is sent now, and changes nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "base/pool.h"

namespace hg {

struct LayerTarget {
  std::uint8_t substream =
      2;                     // 0: the lowest; more than there are: the highest
  std::uint8_t spatial = 2;  // and of these two
  std::uint8_t temporal = 2;
  Duration fallback = 250ms;  // an encoding silent for this long is not live

  friend bool operator==(const LayerTarget&, const LayerTarget&) = default;
};

class LayerSelector {
 public:
  static constexpr std::size_t kMaxEncodings = 3;

  explicit LayerSelector(std::size_t encodings) : encodings_(encodings) {}

  void SetTarget(const LayerTarget& target);
  const LayerTarget& target() const { return target_; }

  // `is_live(index)`: did packets of that encoding come within
  // target().fallback? True if wanted() changed.
  template <typename IsLive>
  bool Choose(IsLive is_live) {
    std::size_t best = Highest();
    while (best > 0 && !is_live(best)) --best;
    // None lives: what was wanted may come back.
    if (!is_live(best)) best = wanted_.value_or(Highest());
    const bool changed = wanted_ != best;
    wanted_ = best;
    return changed;
  }
  std::optional<std::size_t> wanted() const { return wanted_; }
  // nullopt: nothing is sent yet.
  std::optional<std::size_t> current() const { return current_; }

  // A packet of the wanted encoding; true if sending begins with it.
  bool SwitchesAt(std::size_t index, const PacketInfo& packet);
  struct Verdict {
    bool passes = false;  // it is for this viewer
    bool marker = false;  // and the last of the picture that is
  };
  // A packet of the current encoding.
  Verdict Select(const PacketInfo& packet);
  // Up to which layers.
  std::uint8_t spatial() const { return spatial_; }
  std::uint8_t temporal() const { return temporal_; }
  // The spatial layer that is wanted can be had with a keyframe alone.
  bool NeedsKeyframe() const;

 private:
  void BeginPicture(std::uint32_t timestamp);
  void Enter(const PacketInfo& packet);
  bool IsWhole(std::uint8_t spatial) const {
    return (whole_ >> spatial & 1) != 0;
  }
  std::uint8_t Top() const;

  std::size_t Highest() const {
    return target_.substream < encodings_ ? target_.substream : encodings_ - 1;
  }

  const std::size_t encodings_;
  LayerTarget target_;
  std::optional<std::size_t> wanted_;
  std::optional<std::size_t> current_;
  std::uint8_t spatial_ = 0;
  std::uint8_t temporal_ = 0;
  // The picture, by its RTP timestamp, that the newest packet was of.
  std::optional<std::uint32_t> picture_;
  bool key_picture_ = false;
  // A layer above spatial_ that is wanted came in this picture, or in the one
  // before, and could not be entered.
  bool above_now_ = false;
  bool above_ = false;
  std::uint8_t whole_ = 0;  // spatial layers that were sent all along, as bits
};

}  // namespace hg
