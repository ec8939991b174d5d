// H.265: NAL units, single, aggregated or fragmented (RFC 7798 s4.4). Without
// DONL fields (sprop-max-don-diff is 0 in WebRTC).
#pragma once

#include "rtp/codec/codec.h"

namespace hg {

Inspection InspectH265(Bytes payload);

}  // namespace hg
