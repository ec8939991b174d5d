// What holds for the RTCP of a peer in both directions.
#pragma once

#include <cstddef>

#include "base/clock.h"

namespace hg {

// RFC 3550 s6.2 allows less than its 5 s minimum for unicast sessions with
// bandwidth to spare; what WebRTC endpoints do.
inline constexpr Duration kReportInterval = 1s;
// A compound that fits any path.
inline constexpr std::size_t kMaxCompoundBytes = 1200;

}  // namespace hg
