// What a datagram on a bundled transport is, by its first byte (RFC 7983 s7)
// and, for media, its second (RFC 5761 s4).
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace hg {

enum class DatagramKind : std::uint8_t { kOther, kDtls, kRtp, kRtcp };

inline DatagramKind Demux(Bytes datagram) {
  if (datagram.empty()) return DatagramKind::kOther;
  const std::uint8_t first = datagram[0];
  if (first >= 20 && first <= 63) return DatagramKind::kDtls;
  if (first < 128 || first > 191 || datagram.size() < 2)
    return DatagramKind::kOther;
  const std::uint8_t second = datagram[1];
  return second >= 192 && second <= 223 ? DatagramKind::kRtcp
                                        : DatagramKind::kRtp;
}

}  // namespace hg
