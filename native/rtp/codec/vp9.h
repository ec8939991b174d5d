// VP9: the payload descriptor of RFC 9628 s4.2.
#pragma once

#include "rtp/codec/codec.h"

namespace hg {

Inspection InspectVp9(Bytes payload);

}  // namespace hg
