// Writes bits, for descriptors that tests make.
#pragma once

#include <cstddef>
#include <cstdint>

#include "native/rtp/packets.h"

namespace hg {

class BitWriter {
 public:
  BitWriter& Bits(std::uint64_t value, unsigned count) {
    for (; count > 0; --count, ++size_) {
      if (size_ % 8 == 0) bytes_.push_back(0);
      if ((value >> (count - 1) & 1) != 0)
        bytes_.back() |= static_cast<std::uint8_t>(0x80 >> size_ % 8);
    }
    return *this;
  }
  // ns(n), the AV1 specification s4.10.7.
  BitWriter& NonSymmetric(std::uint32_t value, std::uint32_t values) {
    unsigned width = 0;
    for (std::uint32_t rest = values; rest != 0; rest >>= 1) ++width;
    const std::uint32_t shorter = (1u << width) - values;
    return value < shorter ? Bits(value, width - 1)
                           : Bits(value + shorter, width);
  }
  const ByteVector& bytes() const { return bytes_; }

 private:
  ByteVector bytes_;
  std::size_t size_ = 0;
};

}  // namespace hg
