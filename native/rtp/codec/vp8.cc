#include "rtp/codec/vp8.h"

namespace hg {
namespace {

constexpr std::uint32_t kStartCode = 0x9d012a;  // RFC 6386 s9.1

}  // namespace

Inspection InspectVp8(Bytes payload) {
  ByteReader reader(payload);
  const std::uint8_t descriptor = reader.U8();
  Inspection result;
  if ((descriptor & 0x80) != 0) {  // X
    const std::uint8_t extension = reader.U8();
    if ((extension & 0x80) != 0 && (reader.U8() & 0x80) != 0)  // I, M
      reader.Skip(1);
    if ((extension & 0x40) != 0) reader.Skip(1);  // L
    if ((extension & 0x30) != 0) {                // T or K
      const std::uint8_t layers = reader.U8();
      if ((extension & 0x20) != 0) {
        result.temporal_layer = layers >> 6;
        result.layer_sync = (layers & 0x20) != 0;
      }
    }
  }
  if (!reader.ok()) return {};

  // S, and partition 0.
  result.frame_start = (descriptor & 0x10) != 0 && (descriptor & 0x07) == 0;
  if (!result.frame_start) return result;
  const std::uint8_t frame_tag = reader.U8();
  reader.Skip(2);
  result.keyframe =
      (frame_tag & 0x01) == 0 && reader.U24() == kStartCode && reader.ok();
  return result;
}

}  // namespace hg
