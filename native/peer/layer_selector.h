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
// - A target holds from the next picture on, so that a picture is of one piece.
// - What is late belongs to its own picture, and is decided as that was.
//   Nothing of a layer that is passed on later may be left out before.
// - Where it is not known whether a picture goes on for the viewer, its end is
//   marked: a mark too many costs nothing, without one the picture never ends.
#pragma once

#include <array>
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
  std::uint8_t spatial() const { return newest().spatial; }
  std::uint8_t temporal() const { return newest().temporal; }
  // The spatial layer that is wanted can be had with a keyframe alone.
  bool NeedsKeyframe() const;

 private:
  // All frames of one RTP timestamp.
  struct Picture {
    std::uint32_t timestamp = 0;
    std::uint8_t spatial = 0;  // up to which layers it passes
    std::uint8_t temporal = 0;
    std::uint8_t wanted = 0;  // the target when it began
    // Of which layers something passed and something was left out, as bits.
    std::uint8_t passed = 0;
    std::uint8_t dropped = 0;
    bool begun = false;    // else there is none
    bool key = false;      // the packet that says so came
    bool fresh = false;    // its lowest frame refers to nothing
    bool skipped = false;  // frames that no upper one refers to
    bool closed = false;   // the end of a frame passed
    bool ended = false;    // the sender's marker came
    bool above = false;    // layers that could not be entered still come
  };
  // So many pictures can be waited for packets of: 250 ms at 30 Hz.
  static constexpr std::size_t kPictures = 8;

  const Picture& newest() const { return pictures_[newest_]; }
  Picture* Find(std::uint32_t timestamp);
  bool IsLate(std::uint32_t timestamp) const;
  void BeginPicture(std::uint32_t timestamp);
  void Enter(Picture& picture, const PacketInfo& packet, bool late);
  Verdict Decide(Picture& picture, const PacketInfo& packet, bool late);
  bool IsWhole(std::uint8_t spatial) const {
    return (whole_ >> (spatial & 7) & 1) != 0;
  }

  std::size_t Highest() const {
    return target_.substream < encodings_ ? target_.substream : encodings_ - 1;
  }

  const std::size_t encodings_;
  LayerTarget target_;
  std::optional<std::size_t> wanted_;
  std::optional<std::size_t> current_;
  // The last few, around newest_.
  std::array<Picture, kPictures> pictures_{};
  std::uint8_t newest_ = 0;
  // Spatial layers that were sent all along since a keyframe, as bits, and its
  // timestamp.
  std::uint8_t whole_ = 0;
  std::uint32_t keyframe_ = 0;
  // For how many pictures more a layer above what is sent is expected, because
  // one came.
  std::uint8_t above_ = 0;
  // How many pictures in a row had nothing for the viewer but frames that upper
  // ones do not refer to: the sender may have stopped the layer that is sent.
  std::uint8_t starved_ = 0;
};

}  // namespace hg
