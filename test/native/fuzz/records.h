// An input that is a row of records: a byte of what each is, two of its length,
// then that.
#pragma once

#include <algorithm>
#include <cstdlib>

#include "base/bytes.h"

namespace hg::test {

// What must hold whatever the input is.
inline void Require(bool condition) {
  if (!condition) std::abort();
}

// f(std::uint8_t what, Bytes record)
template <typename F>
void ForEachRecord(Bytes input, F&& f) {
  while (input.size() > 3) {
    const std::size_t length =
        std::min<std::size_t>(LoadU16(&input[1]) & 0xfff, input.size() - 3);
    f(input[0], input.subspan(3, length));
    input = input.subspan(3 + length);
  }
}

}  // namespace hg::test
