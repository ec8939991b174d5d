#include "rtp/codec/h264.h"

namespace hg {
namespace {

// ISO/IEC 14496-10 table 7-1 and RFC 6184 table 1.
constexpr std::uint8_t kSlice = 1;
constexpr std::uint8_t kPartitionA = 2;
constexpr std::uint8_t kIdrSlice = 5;
constexpr std::uint8_t kSei = 6;
constexpr std::uint8_t kSps = 7;
constexpr std::uint8_t kPps = 8;
constexpr std::uint8_t kAccessUnitDelimiter = 9;
constexpr std::uint8_t kStapA = 24;
constexpr std::uint8_t kStapB = 25;
constexpr std::uint8_t kFuA = 28;
constexpr std::uint8_t kFuB = 29;

// `content` is what follows the NAL unit's header byte.
void InspectNalUnit(std::uint8_t type, Bytes content, Inspection& result) {
  switch (type) {
    case kSps:
      result.keyframe = result.parameter_sets = result.frame_start = true;
      break;
    case kSei:
    case kPps:
    case kAccessUnitDelimiter:
      result.frame_start = true;
      break;
    case kSlice:
    case kPartitionA:
    case kIdrSlice:
      // first_mb_in_slice is 0, in Exp-Golomb code: a single 1 bit.
      if (content.empty() || (content[0] & 0x80) == 0) break;
      result.frame_start = true;
      if (type == kIdrSlice) result.keyframe = true;
      break;
    default:
      break;
  }
}

}  // namespace

Inspection InspectH264(Bytes payload) {
  ByteReader reader(payload);
  const std::uint8_t type = reader.U8() & 0x1f;
  Inspection result;
  if (!reader.ok()) return result;

  if (type == kStapA || type == kStapB) {
    if (type == kStapB) reader.Skip(2);  // decoding order number
    while (reader.remaining() > 0) {
      const std::size_t size = reader.U16();
      const Bytes unit = reader.Slice(size);
      if (!reader.ok() || unit.empty()) break;
      InspectNalUnit(unit[0] & 0x1f, unit.subspan(1), result);
    }
  } else if (type == kFuA || type == kFuB) {
    const std::uint8_t header = reader.U8();
    if (type == kFuB) reader.Skip(2);
    if (reader.ok() && (header & 0x80) != 0)  // S
      InspectNalUnit(header & 0x1f, reader.rest(), result);
  } else {
    InspectNalUnit(type, reader.rest(), result);
  }
  return result;
}

}  // namespace hg
