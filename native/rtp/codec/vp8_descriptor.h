// The VP8 payload descriptor (RFC 7741 s4.2): which picture a packet is of.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"

namespace hg {

struct Vp8PictureIds {
  std::optional<std::uint16_t> picture_id;  // 7 or 15 bit
  bool long_picture_id = false;             // 15 bit
  std::optional<std::uint8_t> tl0_pic_idx;
};

// Nothing in it: the packet has neither, or is cut.
Vp8PictureIds ReadVp8PictureIds(Bytes payload);
// Overwrites those that the packet has; its size stays. A payload of another
// form than when it was read stays as it is.
void WriteVp8PictureIds(const Vp8PictureIds& ids, MutableBytes payload);

}  // namespace hg
