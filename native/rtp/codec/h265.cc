#include "rtp/codec/h265.h"

namespace hg {
namespace {

// ITU-T H.265 table 7-1 and RFC 7798 s4.4.
constexpr std::uint8_t kTsaNonReference = 2;  // 2-5: temporal switching points
constexpr std::uint8_t kStsaReference = 5;
constexpr std::uint8_t kFirstIrap = 16;  // 16-23: a decoder can start there
constexpr std::uint8_t kLastIrap = 23;
constexpr std::uint8_t kLastSlice = 31;
constexpr std::uint8_t kVps = 32;
constexpr std::uint8_t kSps = 33;
constexpr std::uint8_t kPps = 34;
constexpr std::uint8_t kAccessUnitDelimiter = 35;
constexpr std::uint8_t kPrefixSei = 39;
constexpr std::uint8_t kAggregation = 48;
constexpr std::uint8_t kFragmentation = 49;

std::uint8_t TypeOf(std::uint16_t header) {
  return static_cast<std::uint8_t>((header >> 9) & 0x3f);
}

// `content` is what follows the NAL unit's header of two bytes.
void InspectNalUnit(std::uint8_t type, Bytes content, Inspection& result) {
  if (type == kVps || type == kSps) {
    result.keyframe = result.parameter_sets = result.frame_start = true;
  } else if (type == kPps || type == kAccessUnitDelimiter ||
             type == kPrefixSei) {
    result.frame_start = true;
  } else if (type <= kLastSlice && !content.empty() &&
             (content[0] & 0x80) != 0) {  // first_slice_segment_in_pic_flag
    result.frame_start = true;
    if (type >= kFirstIrap && type <= kLastIrap) result.keyframe = true;
    if (type >= kTsaNonReference && type <= kStsaReference)
      result.layer_sync = true;
  }
}

}  // namespace

Inspection InspectH265(Bytes payload) {
  ByteReader reader(payload);
  const std::uint16_t header = reader.U16();
  Inspection result;
  if (!reader.ok()) return result;
  const std::uint8_t type = TypeOf(header);
  result.spatial_layer = static_cast<std::uint8_t>((header >> 3) & 0x3f);
  if ((header & 0x07) != 0)  // 0 is forbidden
    result.temporal_layer = static_cast<std::uint8_t>((header & 0x07) - 1);

  if (type == kAggregation) {
    while (reader.remaining() > 0) {
      const std::size_t size = reader.U16();
      ByteReader unit(reader.Slice(size));
      const std::uint16_t unit_header = unit.U16();
      if (!reader.ok() || !unit.ok()) break;
      InspectNalUnit(TypeOf(unit_header), unit.rest(), result);
    }
  } else if (type == kFragmentation) {
    const std::uint8_t fragment = reader.U8();
    if (reader.ok() && (fragment & 0x80) != 0)  // S
      InspectNalUnit(fragment & 0x3f, reader.rest(), result);
  } else {
    InspectNalUnit(type, reader.rest(), result);
  }
  return result;
}

}  // namespace hg
