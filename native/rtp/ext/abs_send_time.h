// abs-send-time: when a packet left, in seconds as 6.18 fixed point. From
// http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time (no RFC).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.h"

namespace hg {

inline constexpr std::string_view kAbsSendTimeUri =
    "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time";
inline constexpr std::size_t kAbsSendTimeSize = 3;

inline std::optional<std::uint32_t> ReadAbsSendTime(Bytes data) {
  if (data.size() != kAbsSendTimeSize) return std::nullopt;
  return LoadU24(data.data());
}

}  // namespace hg
