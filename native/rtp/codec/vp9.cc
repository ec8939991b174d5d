#include "rtp/codec/vp9.h"

#include "rtp/codec/vp9_descriptor.h"

namespace hg {

Inspection InspectVp9(Bytes payload) {
  const auto descriptor = ReadVp9Descriptor(payload);
  if (!descriptor) return {};
  Inspection result;
  result.frame_start = descriptor->frame_start;
  result.frame_end = descriptor->frame_end;
  result.temporal_layer = descriptor->temporal_layer;
  result.spatial_layer = descriptor->spatial_layer;
  result.temporal_switch = descriptor->temporal_switch;
  result.spatial_sync = !descriptor->inter_picture;
  // The highest frame of a picture says so too, whose lower ones it needs: it
  // must not be left out by those who wait for a layer that the sender stopped.
  result.not_for_upper = descriptor->not_for_upper && !descriptor->inter_layer;
  result.keyframe = descriptor->frame_start && !descriptor->inter_picture &&
                    descriptor->spatial_layer == 0;
  return result;
}

}  // namespace hg
