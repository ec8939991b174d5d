#include "rtp/codec/vp8_descriptor.h"

#include <cstddef>

namespace hg {
namespace {

// Where the two stand; 0: the packet has none.
struct Places {
  std::size_t picture_id = 0;
  bool is_long = false;
  std::size_t tl0_pic_idx = 0;
};

Places Find(Bytes payload) {
  ByteReader reader(payload);
  Places places;
  if ((reader.U8() & 0x80) == 0) return {};  // X
  const std::uint8_t extension = reader.U8();
  std::size_t at = 2;
  if ((extension & 0x80) != 0) {  // I
    places.picture_id = at;
    places.is_long = (reader.U8() & 0x80) != 0;  // M
    if (places.is_long) reader.Skip(1);
    at += places.is_long ? 2 : 1;
  }
  if ((extension & 0x40) != 0) {  // L
    places.tl0_pic_idx = at;
    reader.Skip(1);
  }
  return reader.ok() ? places : Places{};
}

}  // namespace

Vp8PictureIds ReadVp8PictureIds(Bytes payload) {
  const Places places = Find(payload);
  Vp8PictureIds ids;
  if (places.picture_id != 0) {
    ids.long_picture_id = places.is_long;
    ids.picture_id = places.is_long
                         ? LoadU16(&payload[places.picture_id]) & 0x7fffu
                         : payload[places.picture_id] & 0x7fu;
  }
  if (places.tl0_pic_idx != 0) ids.tl0_pic_idx = payload[places.tl0_pic_idx];
  return ids;
}

void WriteVp8PictureIds(const Vp8PictureIds& ids, MutableBytes payload) {
  const Places places = Find(payload);
  if (ids.picture_id && places.picture_id != 0) {
    if (places.is_long) {
      StoreU16(&payload[places.picture_id],
               static_cast<std::uint16_t>(0x8000u | *ids.picture_id));
    } else {
      payload[places.picture_id] =
          static_cast<std::uint8_t>(*ids.picture_id & 0x7fu);
    }
  }
  if (ids.tl0_pic_idx && places.tl0_pic_idx != 0)
    payload[places.tl0_pic_idx] = *ids.tl0_pic_idx;
}

}  // namespace hg
