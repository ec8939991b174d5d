// Goodbye (RFC 3550 s6.6): these SSRCs stop sending.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/bytes.h"
#include "rtp/rtcp/compound.h"

namespace hg {

struct Bye {
  Bytes ssrcs;  // 4 bytes each

  static std::optional<Bye> Parse(const RtcpPacket& packet);
  std::size_t size() const { return ssrcs.size() / 4; }
  std::uint32_t ssrc(std::size_t i) const { return LoadU32(&ssrcs[i * 4]); }
};

// Without a reason; at most 31 SSRCs.
bool WriteBye(RtcpWriter& writer, std::span<const std::uint32_t> ssrcs);

}  // namespace hg
