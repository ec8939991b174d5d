// SDES header extensions "rtp-stream-id" and "repaired-rtp-stream-id" (RFC 8852
// s3.1, s3.2): which of its m-line's streams a packet belongs to, or repairs.
#pragma once

#include <string_view>

#include "base/bytes.h"

namespace hg {

inline constexpr std::string_view kRidUri =
    "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id";
inline constexpr std::string_view kRepairedRidUri =
    "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id";

// Not checked to be alphanumeric: compare it with what was negotiated.
inline std::string_view ReadRid(Bytes data) {
  return {reinterpret_cast<const char*>(data.data()), data.size()};
}

}  // namespace hg
