// H.264: NAL units, single, aggregated or fragmented (RFC 6184 s5).
#pragma once

#include "rtp/codec/codec.h"

namespace hg {

Inspection InspectH264(Bytes payload);

}  // namespace hg
