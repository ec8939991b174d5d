// AV1: the aggregation header of the AV1 RTP payload format (AOMedia, v1.0.0,
// s4.4) and the OBU headers behind it. Layers are the dependency descriptor's:
// of an OBU's, only the packet that it begins in tells.
#pragma once

#include "rtp/codec/codec.h"

namespace hg {

Inspection InspectAv1(Bytes payload);

}  // namespace hg
