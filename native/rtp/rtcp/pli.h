// Picture Loss Indication (RFC 4585 s6.3.1): a keyframe request.
#pragma once

#include <cstdint>
#include <optional>

#include "rtp/rtcp/compound.h"

namespace hg {

inline constexpr std::uint8_t kPliFormat = 1;  // of PSFB

struct Pli {
  std::uint32_t sender_ssrc = 0;
  std::uint32_t media_ssrc = 0;

  static std::optional<Pli> Parse(const RtcpPacket& packet);
};

bool WritePli(RtcpWriter& writer, const Pli& pli);

}  // namespace hg
