// Which encoding of a simulcast, and which of its temporal layers, one viewer
// gets. Sans-IO: it is told which encodings live and what arrives, and says
// what to subscribe to and what to pass.
//
// Rules: the highest encoding that lives and is not above the target is wanted;
// what is sent changes at a keyframe of the wanted one, and goes on until then.
// A temporal layer is left at once, at the next frame, and entered where the
// sender says one can.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "base/pool.h"

namespace hg {

struct LayerTarget {
  std::uint8_t substream =
      2;  // 0: the lowest; more than there are: the highest
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
  // A packet of the current encoding: is it for this viewer?
  bool Passes(const PacketInfo& packet);
  // Up to which temporal layer.
  std::uint8_t temporal() const { return temporal_; }

 private:
  std::size_t Highest() const {
    return target_.substream < encodings_ ? target_.substream : encodings_ - 1;
  }

  const std::size_t encodings_;
  LayerTarget target_;
  std::optional<std::size_t> wanted_;
  std::optional<std::size_t> current_;
  std::uint8_t temporal_ = 0;
};

}  // namespace hg
