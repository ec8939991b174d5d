#include "peer/layer_selector.h"

#include <algorithm>
#include <utility>

#include "rtp/seq_num.h"

namespace hg {

void LayerSelector::SetTarget(const LayerTarget& target) { target_ = target; }

bool LayerSelector::SwitchesAt(std::size_t index, const PacketInfo& packet) {
  if (wanted_ != index || current_ == index || !packet.keyframe) return false;
  current_ = index;
  picture_.reset();
  return true;
}

LayerSelector::Verdict LayerSelector::Select(const PacketInfo& packet) {
  const bool late = picture_ && TimestampNewer(*picture_, packet.timestamp);
  if (!late) {
    if (picture_ != packet.timestamp) BeginPicture(packet.timestamp);
    Enter(packet);
  }

  const std::uint8_t spatial = packet.spatial_layer;
  if (packet.temporal_layer > temporal_) return {};
  const bool skipped =
      packet.not_for_upper && spatial < spatial_ && !key_picture_;
  if (spatial > spatial_ || skipped) {
    if (!late) {
      above_now_ |= spatial > spatial_ && spatial <= target_.spatial;
      whole_ &= static_cast<std::uint8_t>(~(1u << (spatial & 7)));
    }
    return {};
  }
  // It passes, and so do those of higher temporal layers that come after it.
  if (packet.temporal_switch && !late)
    temporal_ = std::max(temporal_, target_.temporal);
  return {.passes = true,
          .marker = packet.marker || (packet.frame_end && spatial == Top())};
}

void LayerSelector::BeginPicture(std::uint32_t timestamp) {
  picture_ = timestamp;
  key_picture_ = false;
  above_ = std::exchange(above_now_, false);
  temporal_ = std::min(temporal_, target_.temporal);
  if (spatial_ > target_.spatial && IsWhole(target_.spatial))
    spatial_ = target_.spatial;
}

void LayerSelector::Enter(const PacketInfo& packet) {
  const std::uint8_t spatial = packet.spatial_layer;
  if (packet.keyframe) {
    // Nothing after it refers to what was before.
    key_picture_ = true;
    spatial_ = 0;
    whole_ = 1;
    temporal_ = target_.temporal;
  } else if (packet.spatial_sync && spatial > spatial_ &&
             spatial <= target_.spatial &&
             (key_picture_ || spatial == spatial_ + 1)) {
    spatial_ = spatial;
    whole_ |= static_cast<std::uint8_t>(1u << (spatial & 7));
  } else if (packet.frame_start && packet.layer_sync &&
             packet.temporal_layer > temporal_) {
    temporal_ = std::min(packet.temporal_layer, target_.temporal);
  }
}

// The layer whose end is the end of a picture for this viewer. The sender marks
// the last packet of what it sends, which may be less than what is wanted.
std::uint8_t LayerSelector::Top() const {
  if (key_picture_) return target_.spatial;
  return spatial_ > target_.spatial || above_ ? spatial_ : target_.spatial;
}

bool LayerSelector::NeedsKeyframe() const {
  if (spatial_ > target_.spatial) return !IsWhole(target_.spatial);
  return spatial_ < target_.spatial && (above_ || above_now_);
}

}  // namespace hg
