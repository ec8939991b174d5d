#include "rtp/codec/av1.h"

namespace hg {
namespace {

constexpr std::uint8_t kSequenceHeader = 1;  // AV1 specification s6.2.2

// leb128 (AV1 specification s4.10.5): at most 8 bytes. Only passed over.
void SkipLeb128(ByteReader& reader) {
  for (int i = 0; i < 8; ++i)
    if ((reader.U8() & 0x80) == 0) return;
}

}  // namespace

Inspection InspectAv1(Bytes payload) {
  ByteReader reader(payload);
  const std::uint8_t aggregation = reader.U8();
  const bool continues = (aggregation & 0x80) != 0;      // Z
  const unsigned elements = (aggregation >> 4) & 0x03u;  // W; 0: unknown
  const bool new_sequence = (aggregation & 0x08) != 0;   // N
  Inspection result;
  // The header of an element that continues is in an earlier packet.
  if (!reader.ok() || continues) return result;

  if (elements != 1) SkipLeb128(reader);  // the only one has no length
  const std::uint8_t header = reader.U8();
  if (!reader.ok()) return {};

  result.frame_start = true;
  // Not every packetizer sets N; a sequence header comes with each keyframe.
  result.keyframe = new_sequence || ((header >> 3) & 0x0f) == kSequenceHeader;
  return result;
}

}  // namespace hg
