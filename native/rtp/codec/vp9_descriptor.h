// The VP9 payload descriptor (RFC 9628 s4.2), whole: both modes, with the
// scalability structure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"

namespace hg {

struct Vp9Descriptor {
  static constexpr std::size_t kMaxReferences = 3;

  bool inter_picture = false;  // P: refers to earlier pictures
  bool flexible = false;       // F
  bool frame_start = false;    // B
  bool frame_end = false;      // E
  bool not_for_upper = false;  // Z: no upper spatial layer refers to it
  std::optional<std::uint16_t> picture_id;  // I: 7 or 15 bit
  bool long_picture_id = false;             // M
  bool has_layers = false;                  // L; without it the next four are 0
  std::uint8_t temporal_layer = 0;          // TID
  bool temporal_switch = false;             // U: see codec.h
  std::uint8_t spatial_layer = 0;           // SID
  bool inter_layer = false;  // D: refers to the spatial layer below
  std::optional<std::uint8_t> tl0_pic_idx;  // of the non-flexible mode
  // P_DIFF of the flexible mode: how many pictures back.
  std::size_t references = 0;
  std::array<std::uint8_t, kMaxReferences> reference{};
  // V: how many spatial layers there are from this key picture on; 0: not said.
  std::uint8_t spatial_layers = 0;
  std::size_t size = 0;  // the frame is behind
};

// nullopt: cut short, or against the RFC.
std::optional<Vp9Descriptor> ReadVp9Descriptor(Bytes payload);

}  // namespace hg
