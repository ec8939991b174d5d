// Client-to-mixer audio level (RFC 6464): who is talking, without decoding.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.h"

namespace hg {

inline constexpr std::string_view kAudioLevelUri =
    "urn:ietf:params:rtp-hdrext:ssrc-audio-level";

struct AudioLevel {
  std::uint8_t level = 127;  // -dBov: 0 is the loudest, 127 is silence
  bool voice = false;        // meaningful only if the sender uses vad=on
};

// The two-byte form may have one byte of padding (RFC 6464 s3).
inline std::optional<AudioLevel> ReadAudioLevel(Bytes data) {
  if (data.empty()) return std::nullopt;
  return AudioLevel{.level = static_cast<std::uint8_t>(data[0] & 0x7f),
                    .voice = (data[0] & 0x80) != 0};
}

}  // namespace hg
