// Transport-wide sequence number: counts the packets of a whole transport, for
// feedback by rtcp/twcc.h (draft-holmer-rmcat-transport-wide-cc-extensions-01).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.h"

namespace hg {

inline constexpr std::string_view kTransportWideCcUri =
    "http://www.ietf.org/id/"
    "draft-holmer-rmcat-transport-wide-cc-extensions-01";
inline constexpr std::size_t kTransportWideCcSize = 2;

inline std::optional<std::uint16_t> ReadTransportSeq(Bytes data) {
  if (data.size() != kTransportWideCcSize) return std::nullopt;
  return LoadU16(data.data());
}

}  // namespace hg
