// VP8: the payload descriptor of RFC 7741 s4.2 and the first bytes of the
// frame (RFC 6386 s9.1).
#pragma once

#include "rtp/codec/codec.h"

namespace hg {

Inspection InspectVp8(Bytes payload);

}  // namespace hg
