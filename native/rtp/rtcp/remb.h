// Receiver Estimated Maximum Bitrate (draft-alvestrand-rmcat-remb-03).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/bytes.h"
#include "rtp/rtcp/compound.h"

namespace hg {

inline constexpr std::uint8_t kApplicationFormat = 15;  // AFB of PSFB

struct Remb {
  std::uint32_t sender_ssrc = 0;
  std::uint64_t bitrate_bps = 0;  // the largest value if it does not fit
  Bytes ssrcs;                    // 4 bytes each

  // nullopt also for other application layer feedback.
  static std::optional<Remb> Parse(const RtcpPacket& packet);
  std::size_t size() const { return ssrcs.size() / 4; }
  std::uint32_t ssrc(std::size_t i) const { return LoadU32(&ssrcs[i * 4]); }
};

// The bitrate is rounded down to 18 significant bits. At most 255 SSRCs.
bool WriteRemb(RtcpWriter& writer, std::uint32_t sender_ssrc,
               std::uint64_t bitrate_bps, std::span<const std::uint32_t> ssrcs);

}  // namespace hg
