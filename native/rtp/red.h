// RED (RFC 2198): a payload of several encodings of the same sound, older ones
// first, so that a lost packet is in the next.
#pragma once

#include <cstddef>
#include <optional>

#include "base/bytes.h"

namespace hg {

// Where the primary encoding begins, the last one, which has no length.
// nullopt: this is no RED.
std::optional<std::size_t> FindRedPrimary(Bytes payload);

}  // namespace hg
