// Unwraps a retransmission (RFC 4588 s4), in place: the original sequence
// number stands in front of the payload.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "rtp/packet.h"

namespace hg {

// Makes of `packet`, of which `rtx` is the view, the packet as it was first
// sent by `ssrc`; header extensions and padding stay. Returns its size, or 0,
// and leaves it as it is, if it carries no packet (padding that probes the
// path). The view means nothing afterwards.
std::size_t UnwrapRtx(MutableBytes packet, const RtpView& rtx,
                      std::uint32_t ssrc, std::uint8_t payload_type);

}  // namespace hg
