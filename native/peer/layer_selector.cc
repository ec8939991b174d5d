#include "peer/layer_selector.h"

#include <algorithm>

#include "rtp/seq_num.h"

namespace hg {
namespace {

// Encoders leave out single frames of a layer.
constexpr std::uint8_t kAboveLasts = 32;  // pictures
constexpr std::uint8_t kStarved = 6;      // pictures

// Timestamps that are further back are not late: the source rested. 90 kHz.
constexpr std::uint32_t kLongestDelay = 10 * 90'000;

std::uint8_t BitOf(std::uint8_t spatial) {
  return static_cast<std::uint8_t>(1u << (spatial & 7));
}
std::uint8_t UpTo(std::uint8_t spatial) {
  return static_cast<std::uint8_t>((2u << (spatial & 7)) - 1);
}

}  // namespace

void LayerSelector::SetTarget(const LayerTarget& target) { target_ = target; }

bool LayerSelector::SwitchesAt(std::size_t index, const PacketInfo& packet) {
  if (wanted_ != index || current_ == index || !packet.keyframe) return false;
  current_ = index;
  pictures_ = {};
  above_ = starved_ = 0;
  return true;
}

LayerSelector::Verdict LayerSelector::Select(const PacketInfo& packet) {
  const bool late = IsLate(packet.timestamp);
  if (!late && (!newest().begun || newest().timestamp != packet.timestamp))
    BeginPicture(packet.timestamp);
  if (Picture* picture = Find(packet.timestamp)) {
    Enter(*picture, packet, late);
    return Decide(*picture, packet, late);
  }
  // Of a picture that is forgotten, or that nothing came of in time.
  Picture other = newest();
  other.key = false;
  other.above = true;
  return Decide(other, packet, late);
}

bool LayerSelector::IsLate(std::uint32_t timestamp) const {
  return newest().begun && TimestampNewer(newest().timestamp, timestamp) &&
         newest().timestamp - timestamp < kLongestDelay;
}

auto LayerSelector::Find(std::uint32_t timestamp) -> Picture* {
  for (std::size_t back = 0; back < kPictures; ++back) {
    Picture& picture = pictures_[(newest_ + kPictures - back) % kPictures];
    if (picture.begun && picture.timestamp == timestamp) return &picture;
  }
  return nullptr;
}

void LayerSelector::BeginPicture(std::uint32_t timestamp) {
  const Picture last = newest();
  if (last.passed != 0) {
    starved_ = 0;
  } else if (last.skipped && starved_ < kStarved) {
    ++starved_;
  }
  if (above_ > 0) --above_;

  Picture next;
  next.begun = true;
  next.timestamp = timestamp;
  next.wanted = target_.spatial;
  next.spatial = last.spatial;
  next.temporal = std::min(last.temporal, target_.temporal);
  if (next.spatial > next.wanted && IsWhole(next.wanted))
    next.spatial = next.wanted;
  // What the picture before ended with is on its way still.
  next.above = above_ > 0 || !last.ended;
  newest_ = static_cast<std::uint8_t>((newest_ + 1) % kPictures);
  pictures_[newest_] = next;
}

void LayerSelector::Enter(Picture& picture, const PacketInfo& packet,
                          bool late) {
  const std::uint8_t spatial = packet.spatial_layer;
  if (spatial == 0 && (packet.keyframe || packet.spatial_sync))
    picture.fresh = true;
  if (packet.keyframe && !picture.key) {
    // Nothing after it refers to what was before. If whole frames of it were
    // passed on before this packet came, it goes on as it began.
    picture.key = true;
    picture.temporal = target_.temporal;
    if (late) return;
    if (picture.dropped == 0) above_ = 0;
    keyframe_ = packet.timestamp;
    if ((picture.passed & ~1u) == 0 && !picture.closed) {
      picture.spatial = 0;
      whole_ = 1;
    } else {
      whole_ =
          static_cast<std::uint8_t>(UpTo(picture.spatial) & ~picture.dropped);
    }
  } else if (packet.spatial_sync && spatial > picture.spatial &&
             spatial <= picture.wanted &&
             (picture.fresh || spatial == picture.spatial + 1) &&
             (picture.dropped & UpTo(spatial)) == 0) {
    picture.spatial = spatial;
    if (!late) whole_ |= BitOf(spatial);
  } else if (packet.frame_start && packet.layer_sync &&
             packet.temporal_layer > picture.temporal &&
             (picture.dropped & BitOf(spatial)) == 0) {
    picture.temporal = std::min(packet.temporal_layer, target_.temporal);
  }
}

LayerSelector::Verdict LayerSelector::Decide(Picture& picture,
                                             const PacketInfo& packet,
                                             bool late) {
  const std::uint8_t spatial = packet.spatial_layer;
  picture.ended |= packet.marker;
  if (!late && spatial > picture.spatial) above_ = kAboveLasts;
  if (packet.temporal_layer > picture.temporal) {
    picture.dropped |= BitOf(spatial);
    return {};
  }
  // A late frame that others of its layer may follow by now is needed.
  const bool followed =
      late && IsWhole(spatial) && !TimestampNewer(keyframe_, packet.timestamp);
  const bool skipped = packet.not_for_upper && spatial < picture.spatial &&
                       !picture.key && !followed;
  if (spatial > picture.spatial || skipped) {
    picture.skipped |= skipped;
    picture.dropped |= BitOf(spatial);
    if (!late) whole_ &= static_cast<std::uint8_t>(~BitOf(spatial));
    return {};
  }
  picture.passed |= BitOf(spatial);
  picture.closed |= packet.frame_end;
  // It passes, and so do those of higher temporal layers that come after it.
  if (packet.temporal_switch && !late)
    picture.temporal = std::max(picture.temporal, target_.temporal);

  // The sender marks the last packet of what it sends, which may be less than
  // what is wanted; a picture ends with the highest layer that the viewer gets.
  const bool known = picture.key ? (picture.dropped & UpTo(picture.wanted)) == 0
                                 : !picture.above && above_ == 0;
  const bool goes_on = known && spatial < picture.wanted;
  const bool top = spatial == picture.spatial && !goes_on;
  return {.passes = true, .marker = packet.marker || (packet.frame_end && top)};
}

bool LayerSelector::NeedsKeyframe() const {
  if (starved_ >= kStarved && newest().passed == 0) return true;
  const std::uint8_t spatial = newest().spatial;
  if (spatial > target_.spatial) return !IsWhole(target_.spatial);
  return spatial < target_.spatial && above_ > 0;
}

}  // namespace hg
