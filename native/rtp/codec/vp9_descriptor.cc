#include "rtp/codec/vp9_descriptor.h"

namespace hg {
namespace {

// s4.2.1. What is in it besides the number of layers is for decoders.
void ReadScalabilityStructure(ByteReader& reader, Vp9Descriptor& out) {
  const std::uint8_t flags = reader.U8();
  out.spatial_layers = static_cast<std::uint8_t>((flags >> 5) + 1);  // N_S
  if ((flags & 0x10) != 0) reader.Skip(out.spatial_layers * 4u);     // Y
  if ((flags & 0x08) == 0) return;                                   // G
  const std::uint8_t pictures = reader.U8();                         // N_G
  for (unsigned i = 0; i < pictures && reader.ok(); ++i)
    reader.Skip((reader.U8() >> 2) & 0x03u);  // R
}

}  // namespace

std::optional<Vp9Descriptor> ReadVp9Descriptor(Bytes payload) {
  ByteReader reader(payload);
  const std::uint8_t flags = reader.U8();
  Vp9Descriptor out;
  out.inter_picture = (flags & 0x40) != 0;
  out.flexible = (flags & 0x10) != 0;
  out.frame_start = (flags & 0x08) != 0;
  out.frame_end = (flags & 0x04) != 0;
  out.not_for_upper = (flags & 0x01) != 0;

  if ((flags & 0x80) != 0) {  // I
    const std::uint8_t first = reader.U8();
    out.long_picture_id = (first & 0x80) != 0;  // M
    out.picture_id = first & 0x7f;
    if (out.long_picture_id)
      out.picture_id =
          static_cast<std::uint16_t>(*out.picture_id << 8 | reader.U8());
  }
  out.has_layers = (flags & 0x20) != 0;
  if (out.has_layers) {
    const std::uint8_t layers = reader.U8();
    out.temporal_layer = layers >> 5;
    out.temporal_switch = (layers & 0x10) != 0;
    out.spatial_layer = (layers >> 1) & 0x07;
    out.inter_layer = (layers & 0x01) != 0;
    if (!out.flexible) out.tl0_pic_idx = reader.U8();
  }
  if (out.flexible && out.inter_picture) {
    for (bool more = true; more;) {
      if (out.references == out.reference.size()) return std::nullopt;
      const std::uint8_t difference = reader.U8();
      out.reference[out.references++] = difference >> 1;
      more = (difference & 0x01) != 0;  // N
    }
  }
  if ((flags & 0x02) != 0) ReadScalabilityStructure(reader, out);  // V
  if (!reader.ok()) return std::nullopt;
  out.size = payload.size() - reader.remaining();
  return out;
}

}  // namespace hg
