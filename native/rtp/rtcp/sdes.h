// Source description (RFC 3550 s6.5), only to send our CNAME. A peer's is
// known from its SDP and ignored.
#pragma once

#include <cstdint>
#include <string_view>

#include "rtp/rtcp/compound.h"

namespace hg {

// One chunk with one CNAME of at most 255 bytes; false if it does not fit.
bool WriteCname(RtcpWriter& writer, std::uint32_t ssrc, std::string_view cname);

}  // namespace hg
