// The numbers that header extensions have on one m-line.
#pragma once

#include <cstdint>

namespace hg {

// As negotiated by `a=extmap`; 0: not negotiated.
struct ExtensionIds {
  std::uint8_t mid = 0;
  std::uint8_t abs_send_time = 0;
  std::uint8_t transport_wide_cc = 0;
  std::uint8_t playout_delay = 0;
  std::uint8_t audio_level = 0;
  std::uint8_t video_orientation = 0;
  std::uint8_t dependency_descriptor = 0;

  friend bool operator==(const ExtensionIds&, const ExtensionIds&) = default;
};

}  // namespace hg
