#include "rtp/codec/vp9.h"

namespace hg {

Inspection InspectVp9(Bytes payload) {
  ByteReader reader(payload);
  const std::uint8_t flags = reader.U8();
  const bool inter_predicted = (flags & 0x40) != 0;  // P
  Inspection result;
  if ((flags & 0x80) != 0 && (reader.U8() & 0x80) != 0)  // I, M
    reader.Skip(1);
  if ((flags & 0x20) != 0) {  // L
    const std::uint8_t layers = reader.U8();
    result.temporal_layer = layers >> 5;
    result.layer_sync = (layers & 0x10) != 0;  // U
    result.spatial_layer = (layers >> 1) & 0x07;
  }
  if (!reader.ok()) return {};

  result.frame_start = (flags & 0x08) != 0;  // B
  result.keyframe =
      result.frame_start && !inter_predicted && result.spatial_layer == 0;
  return result;
}

}  // namespace hg
