// playout-delay: how long a receiver should hold frames, minimum and maximum.
// From http://www.webrtc.org/experiments/rtp-hdrext/playout-delay (no RFC).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.h"

namespace hg {

inline constexpr std::string_view kPlayoutDelayUri =
    "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay";
inline constexpr std::size_t kPlayoutDelaySize = 3;

struct PlayoutDelay {
  // On the wire 12 bits each, in units of 10 ms.
  static constexpr std::uint32_t kMaxMs = 4095 * 10;

  std::uint16_t min_ms = 0;
  std::uint16_t max_ms = 0;

  friend bool operator==(const PlayoutDelay&, const PlayoutDelay&) = default;
};

inline std::optional<PlayoutDelay> ReadPlayoutDelay(Bytes data) {
  if (data.size() != kPlayoutDelaySize) return std::nullopt;
  const std::uint32_t word = LoadU24(data.data());
  return PlayoutDelay{
      .min_ms = static_cast<std::uint16_t>((word >> 12) * 10),
      .max_ms = static_cast<std::uint16_t>((word & 0xfff) * 10)};
}
// Three bytes to `out`; too large a delay is written as the largest.
inline void WritePlayoutDelay(const PlayoutDelay& delay, std::uint8_t* out) {
  const std::uint32_t min = std::min<std::uint32_t>(delay.min_ms / 10u, 4095);
  const std::uint32_t max = std::min<std::uint32_t>(delay.max_ms / 10u, 4095);
  StoreU24(out, (min << 12) | max);
}

}  // namespace hg
