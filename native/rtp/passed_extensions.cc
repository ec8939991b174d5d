#include "rtp/passed_extensions.h"

#include "rtp/ext/playout_delay.h"
#include "rtp/ext/video_orientation.h"
#include "rtp/seq_num.h"

namespace hg {

void PassedExtensions::SetIds(const ExtensionIds& ids) {
  ids_ = ids;
  any_ = ids.audio_level != 0 || ids.video_orientation != 0 ||
         ids.playout_delay != 0 || ids.dependency_descriptor != 0;
  if (ids.dependency_descriptor == 0) {
    descriptors_.reset();
  } else if (!descriptors_) {
    descriptors_ = std::make_unique<DependencyDescriptorReader>();
  }
}

void PassedExtensions::Restart() {
  if (descriptors_) descriptors_->Reset();
  rebase_ = newest_frame_.has_value();
}

bool PassedExtensions::Read(const RtpView& packet, PacketInfo& info) {
  bool readable = true;
  for (const auto& [id, data] : packet.extensions()) {
    if (id == ids_.audio_level) {
      if (data.empty()) continue;
      info.audio_level = data[0];
      info.passed |= PacketInfo::kAudioLevel;
    } else if (id == ids_.video_orientation) {
      const auto orientation = ReadVideoOrientation(data);
      if (!orientation) continue;
      info.video_orientation = *orientation;
      info.passed |= PacketInfo::kVideoOrientation;
    } else if (id == ids_.playout_delay) {
      if (data.size() != kPlayoutDelaySize) continue;
      info.playout_delay = LoadU24(data.data());
      info.passed |= PacketInfo::kPlayoutDelay;
    } else if (id == ids_.dependency_descriptor) {
      readable = ReadDescriptor(packet, data, info);
    }
  }
  return readable;
}

// One that cannot be read may be of templates that are lost and come again
// soon: viewers get it all the same.
bool PassedExtensions::ReadDescriptor(const RtpView& packet, Bytes data,
                                      PacketInfo& info) {
  if (data.size() < kLeastDependencyDescriptor) return false;
  info.descriptor_offset =
      static_cast<std::uint16_t>(packet.header_size - packet.extension.size() +
                                 (data.data() - packet.extension.data()));
  info.descriptor_size = static_cast<std::uint8_t>(data.size());
  info.frame_number = Normalise(ReadFrameNumber(data));
  info.passed |= PacketInfo::kDependencyDescriptor;

  const auto frame = descriptors_->Read(data, info.timestamp);
  if (!frame) return false;
  info.frame_start = frame->frame_start;
  info.frame_end = frame->frame_end;
  info.keyframe = info.keyframe || frame->keyframe;
  info.layer_sync = false;
  info.temporal_switch = frame->temporal_switch;
  info.spatial_sync = frame->spatial_sync;
  info.not_for_upper = frame->not_for_upper;
  info.spatial_layer = frame->spatial_layer;
  info.temporal_layer = frame->temporal_layer;
  return true;
}

std::uint16_t PassedExtensions::Normalise(std::uint16_t frame_number) {
  if (rebase_) {
    rebase_ = false;
    frame_offset_ =
        static_cast<std::uint16_t>(*newest_frame_ + 1 - frame_number);
  }
  const auto out = static_cast<std::uint16_t>(frame_number + frame_offset_);
  if (!newest_frame_ || SeqNewer(out, *newest_frame_)) newest_frame_ = out;
  return out;
}

}  // namespace hg
