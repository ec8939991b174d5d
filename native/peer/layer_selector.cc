#include "peer/layer_selector.h"

#include <algorithm>

namespace hg {

void LayerSelector::SetTarget(const LayerTarget& target) { target_ = target; }

bool LayerSelector::SwitchesAt(std::size_t index, const PacketInfo& packet) {
  if (wanted_ != index || current_ == index || !packet.keyframe) return false;
  current_ = index;
  return true;
}

bool LayerSelector::Passes(const PacketInfo& packet) {
  if (packet.frame_start) {
    if (packet.keyframe) {
      // Nothing after it refers to what was before.
      temporal_ = target_.temporal;
    } else if (temporal_ > target_.temporal) {
      temporal_ = target_.temporal;
    } else if (packet.temporal_layer > temporal_ && packet.layer_sync) {
      temporal_ = std::min(packet.temporal_layer, target_.temporal);
    }
  }
  return packet.temporal_layer <= temporal_;
}

}  // namespace hg
