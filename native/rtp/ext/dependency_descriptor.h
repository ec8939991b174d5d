// Dependency descriptor: which frames a packet's frame refers to, and which
// qualities of the stream it belongs to, whatever the codec and whether or not
// the payload can be read (RTP Payload Format for AV1, v1.0.0, appendix A).
//
// Most descriptors name one of the templates that came with the last keyframe.
// A reader remembers those of one stream: at most 64, 1 KB. What is cut,
// contradicts itself or names an unknown template has no effect.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.h"

namespace hg {

class BitReader;

inline constexpr std::string_view kDependencyDescriptorUri =
    "https://aomediacodec.github.io/av1-rtp-spec/"
    "#dependency-descriptor-rtp-header-extension";
// The fields that each has; the frame number is the last two bytes of them.
inline constexpr std::size_t kLeastDependencyDescriptor = 3;
inline constexpr std::size_t kFrameNumberAt = 1;

inline std::uint16_t ReadFrameNumber(Bytes descriptor) {
  return descriptor.size() < kLeastDependencyDescriptor
             ? std::uint16_t{0}
             : LoadU16(descriptor.data() + kFrameNumberAt);
}

// What a descriptor says of the frame its packet is of. The names are those of
// codec/codec.h.
struct FrameDescription {
  bool frame_start = false;
  bool frame_end = false;
  bool keyframe = false;  // with templates: a receiver can start here
  bool temporal_switch = false;
  bool spatial_sync = false;
  bool not_for_upper = false;
  std::uint8_t spatial_layer = 0;
  std::uint8_t temporal_layer = 0;

  friend bool operator==(const FrameDescription&,
                         const FrameDescription&) = default;
};

class DependencyDescriptorReader {
 public:
  // `timestamp`: the packet's RTP timestamp, which the frames of a picture
  // share. nullopt: it cannot be read.
  std::optional<FrameDescription> Read(Bytes descriptor,
                                       std::uint32_t timestamp);
  // The stream starts anew.
  void Reset() { *this = {}; }

 private:
  static constexpr std::size_t kMaxTemplates = 64;
  static constexpr std::size_t kMaxTargets = 32;

  struct Layers {
    std::uint8_t spatial = 0;
    std::uint8_t temporal = 0;
  };
  struct Frame {
    // Decode target indications, 2 bits each, the first target's lowest.
    std::uint64_t indications = 0;
    std::uint32_t furthest = 0;  // frame it refers to; 0: it refers to none
    Layers layers;
  };
  struct Structure {
    std::uint8_t first_id = 0;
    std::uint8_t templates = 0;
    std::uint8_t targets = 0;
    std::uint8_t chains = 0;
    std::array<Frame, kMaxTemplates> frames;
    std::array<Layers, kMaxTargets> target_layers;
  };
  struct Picture {
    std::uint32_t timestamp;
    std::uint16_t first_frame;
  };

  static std::optional<Structure> ReadStructure(BitReader& bits);
  bool RefersToPictureOnly(const Frame& frame, std::uint16_t number,
                           std::uint32_t timestamp);

  Structure structure_;
  std::optional<Picture> picture_;  // the newest
};

}  // namespace hg
