// Reads bits, the highest of each byte first. Every read checks length, as
// ByteReader does.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace hg {

// A read past the end returns 0 and makes `ok()` false for good.
class BitReader {
 public:
  explicit BitReader(Bytes bytes) : bytes_(bytes) {}

  // At most 32.
  std::uint32_t Bits(unsigned count) {
    if (!Has(count)) return 0;
    std::uint32_t value = 0;
    for (; count > 0; --count, ++at_)
      value = value << 1 | ((bytes_[at_ / 8] >> (7 - at_ % 8)) & 1u);
    return value;
  }
  bool Flag() { return Bits(1) != 0; }
  // ns(n) of the AV1 specification s4.10.7: one of `values` values, 1 at least.
  std::uint32_t NonSymmetric(std::uint32_t values) {
    unsigned width = 0;
    for (std::uint32_t rest = values; rest != 0; rest >>= 1) ++width;
    const std::uint32_t shorter = (1u << width) - values;
    const std::uint32_t value = Bits(width - 1);
    if (value < shorter) return value;
    return (value << 1 | Bits(1)) - shorter;
  }
  void Skip(std::size_t count) {
    if (Has(count)) at_ += count;
  }
  bool ok() const { return ok_; }

 private:
  bool Has(std::size_t count) {
    ok_ = ok_ && count <= bytes_.size() * 8 - at_;
    return ok_;
  }

  Bytes bytes_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

}  // namespace hg
