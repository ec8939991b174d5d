#include "rtp/ext/dependency_descriptor.h"

#include <algorithm>
#include <span>

#include "base/bits.h"
#include "rtp/seq_num.h"

namespace hg {
namespace {

// Table A.1.
constexpr std::uint8_t kMaxSpatial = 3;
constexpr std::uint8_t kMaxTemporal = 7;

// Table A.2.
enum : std::uint32_t { kNotPresent, kDiscardable, kSwitch, kRequired };

std::uint32_t IndicationOf(std::uint64_t indications, std::size_t target) {
  return (indications >> (2 * target)) & 0x03u;
}

std::uint64_t ReadIndications(BitReader& bits, std::size_t targets) {
  std::uint64_t indications = 0;
  for (std::size_t i = 0; i < targets; ++i)
    indications |= std::uint64_t{bits.Bits(2)} << (2 * i);
  return indications;
}

}  // namespace

auto DependencyDescriptorReader::ReadStructure(BitReader& bits)
    -> std::optional<Structure> {
  Structure out;
  out.first_id = static_cast<std::uint8_t>(bits.Bits(6));
  out.targets = static_cast<std::uint8_t>(bits.Bits(5) + 1);

  Layers layers;
  for (std::uint32_t next = 0; next != 3; next = bits.Bits(2)) {
    if (next == 1) ++layers.temporal;
    if (next == 2) layers = {static_cast<std::uint8_t>(layers.spatial + 1), 0};
    if (!bits.ok() || out.templates == kMaxTemplates ||
        layers.spatial > kMaxSpatial || layers.temporal > kMaxTemporal)
      return std::nullopt;
    out.frames[out.templates++].layers = layers;
  }
  const auto frames = std::span(out.frames).first(out.templates);
  for (Frame& frame : frames)
    frame.indications = ReadIndications(bits, out.targets);
  for (Frame& frame : frames) {
    while (bits.Flag())
      frame.furthest = std::max(frame.furthest, bits.Bits(4) + 1);
  }
  out.chains = static_cast<std::uint8_t>(bits.NonSymmetric(out.targets + 1u));
  if (out.chains > 0) {
    for (std::size_t i = 0; i < out.targets; ++i) bits.NonSymmetric(out.chains);
    bits.Skip(std::size_t{4} * out.templates * out.chains);
  }
  if (bits.Flag()) bits.Skip(std::size_t{32} * (layers.spatial + 1));
  if (!bits.ok()) return std::nullopt;

  for (const Frame& frame : frames) {
    for (std::size_t i = 0; i < out.targets; ++i) {
      if (IndicationOf(frame.indications, i) == kNotPresent) continue;
      Layers& target = out.target_layers[i];
      target.spatial = std::max(target.spatial, frame.layers.spatial);
      target.temporal = std::max(target.temporal, frame.layers.temporal);
    }
  }
  return out;
}

std::optional<FrameDescription> DependencyDescriptorReader::Read(
    Bytes descriptor, std::uint32_t timestamp) {
  BitReader bits(descriptor);
  FrameDescription out;
  out.frame_start = bits.Flag();
  out.frame_end = bits.Flag();
  const std::uint32_t template_id = bits.Bits(6);
  const auto number = static_cast<std::uint16_t>(bits.Bits(16));
  // Takes the place of the one before when all the rest was read, too.
  std::optional<Structure> announced;
  bool custom_indications = false;
  bool custom_references = false;
  if (descriptor.size() > kLeastDependencyDescriptor) {
    const bool has_structure = bits.Flag();
    const bool has_active_targets = bits.Flag();
    custom_indications = bits.Flag();
    custom_references = bits.Flag();
    bits.Skip(1);  // custom chains, which are the last
    if (has_structure) {
      announced = ReadStructure(bits);
      if (!announced) return std::nullopt;
    }
    if (has_active_targets)
      bits.Skip(announced ? announced->targets : structure_.targets);
  }

  const Structure& structure = announced ? *announced : structure_;
  const std::uint32_t index =
      (template_id + kMaxTemplates - structure.first_id) % kMaxTemplates;
  if (index >= structure.templates) return std::nullopt;
  Frame frame = structure.frames[index];
  if (custom_indications)
    frame.indications = ReadIndications(bits, structure.targets);
  if (custom_references) {
    frame.furthest = 0;
    while (const std::uint32_t size = bits.Bits(2))
      frame.furthest = std::max(frame.furthest, bits.Bits(4 * size) + 1);
  }
  if (!bits.ok()) return std::nullopt;

  out.spatial_layer = frame.layers.spatial;
  out.temporal_layer = frame.layers.temporal;
  out.spatial_sync = RefersToPictureOnly(frame, number, timestamp);
  out.keyframe = announced && out.frame_start && frame.furthest == 0 &&
                 out.spatial_layer == 0;
  bool has_upper = false;
  bool for_upper = false;
  bool has_faster = false;
  bool all_switch = true;
  for (std::size_t i = 0; i < structure.targets; ++i) {
    const Layers& target = structure.target_layers[i];
    const std::uint32_t indication = IndicationOf(frame.indications, i);
    if (target.spatial > out.spatial_layer) {
      has_upper = true;
      for_upper = for_upper || indication != kNotPresent;
    } else if (target.spatial == out.spatial_layer &&
               target.temporal > out.temporal_layer) {
      has_faster = true;
      all_switch = all_switch && indication == kSwitch;
    }
  }
  out.not_for_upper = has_upper && !for_upper;
  out.temporal_switch = has_faster && all_switch;
  if (announced) structure_ = *announced;
  return out;
}

bool DependencyDescriptorReader::RefersToPictureOnly(const Frame& frame,
                                                     std::uint16_t number,
                                                     std::uint32_t timestamp) {
  if (!picture_ || TimestampNewer(timestamp, picture_->timestamp))
    picture_ = {timestamp, number};
  if (frame.furthest == 0) return true;
  // Of one that comes late it is not known any more.
  if (timestamp != picture_->timestamp) return false;
  if (SeqNewer(picture_->first_frame, number)) picture_->first_frame = number;
  return frame.furthest <=
         static_cast<std::uint16_t>(number - picture_->first_frame);
}

}  // namespace hg
