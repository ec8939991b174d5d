// Video orientation: how to turn a picture so that it stands upright (3GPP TS
// 26.114 s7.4.5). One byte, the last packet of a keyframe has it, and others
// where it changes.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.h"

namespace hg {

inline constexpr std::string_view kVideoOrientationUri =
    "urn:3gpp:video-orientation";

// As it stands there: camera, flip and rotation.
inline std::optional<std::uint8_t> ReadVideoOrientation(Bytes data) {
  if (data.empty()) return std::nullopt;
  return data[0];
}

}  // namespace hg
