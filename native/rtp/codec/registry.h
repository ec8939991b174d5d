// The codecs that have keyframes. A new one: its file here, one line in
// registry.cc, and its SDP side in lib/peer/codecs/.
#pragma once

#include <string_view>

#include "rtp/codec/codec.h"

namespace hg {

// `name` in lower case, as in "vp8". nullptr: unknown, or without keyframes
// (audio), so that a viewer can start anywhere.
const CodecInspector* FindCodec(std::string_view name);

}  // namespace hg
