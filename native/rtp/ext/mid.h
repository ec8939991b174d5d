// SDES header extension "mid" (RFC 9143 s15, RFC 7941): which m-line a packet
// belongs to.
#pragma once

#include <string_view>

#include "base/bytes.h"

namespace hg {

inline constexpr std::string_view kMidUri =
    "urn:ietf:params:rtp-hdrext:sdes:mid";

// Not checked to be a token: compare it with what was negotiated.
inline std::string_view ReadMid(Bytes data) {
  return {reinterpret_cast<const char*>(data.data()), data.size()};
}

}  // namespace hg
