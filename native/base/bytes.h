// Big-endian views of byte ranges. Every read checks length; no struct is laid
// over a packet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace hg {

using Bytes = std::span<const std::uint8_t>;
using MutableBytes = std::span<std::uint8_t>;

// Unchecked primitives: the caller has checked that the bytes are there.
inline std::uint16_t LoadU16(const std::uint8_t* p) {
  return static_cast<std::uint16_t>((p[0] << 8) | p[1]);
}
inline std::uint32_t LoadU24(const std::uint8_t* p) {
  return (std::uint32_t{p[0]} << 16) | (std::uint32_t{p[1]} << 8) | p[2];
}
inline std::uint32_t LoadU32(const std::uint8_t* p) {
  return (std::uint32_t{p[0]} << 24) | LoadU24(p + 1);
}
inline std::uint64_t LoadU64(const std::uint8_t* p) {
  return (std::uint64_t{LoadU32(p)} << 32) | LoadU32(p + 4);
}
inline void StoreU16(std::uint8_t* p, std::uint16_t v) {
  p[0] = static_cast<std::uint8_t>(v >> 8);
  p[1] = static_cast<std::uint8_t>(v);
}
inline void StoreU24(std::uint8_t* p, std::uint32_t v) {
  p[0] = static_cast<std::uint8_t>(v >> 16);
  StoreU16(p + 1, static_cast<std::uint16_t>(v));
}
inline void StoreU32(std::uint8_t* p, std::uint32_t v) {
  p[0] = static_cast<std::uint8_t>(v >> 24);
  StoreU24(p + 1, v);
}
inline void StoreU64(std::uint8_t* p, std::uint64_t v) {
  StoreU32(p, static_cast<std::uint32_t>(v >> 32));
  StoreU32(p + 4, static_cast<std::uint32_t>(v));
}

// Reads forward through a byte range. A read past the end returns 0 and makes
// `ok()` false for good, so a parser may check once, at the end of a group.
class ByteReader {
 public:
  explicit ByteReader(Bytes bytes) : bytes_(bytes) {}

  std::uint8_t U8() {
    const auto* p = Take(1);
    return p ? *p : std::uint8_t{0};
  }
  std::uint16_t U16() {
    const auto* p = Take(2);
    return p ? LoadU16(p) : std::uint16_t{0};
  }
  std::uint32_t U24() {
    const auto* p = Take(3);
    return p ? LoadU24(p) : 0;
  }
  std::uint32_t U32() {
    const auto* p = Take(4);
    return p ? LoadU32(p) : 0;
  }
  std::uint64_t U64() {
    const auto* p = Take(8);
    return p ? LoadU64(p) : 0;
  }
  // The next `n` bytes; empty (and not ok) if there are fewer.
  Bytes Slice(std::size_t n) {
    const auto* p = Take(n);
    return p ? Bytes(p, n) : Bytes();
  }
  void Skip(std::size_t n) { Take(n); }

  bool ok() const { return ok_; }
  std::size_t remaining() const { return bytes_.size() - offset_; }
  Bytes rest() const { return bytes_.subspan(offset_); }

 private:
  const std::uint8_t* Take(std::size_t n) {
    if (!ok_ || n > remaining()) {
      ok_ = false;
      return nullptr;
    }
    const auto* p = bytes_.data() + offset_;
    offset_ += n;
    return p;
  }

  Bytes bytes_;
  std::size_t offset_ = 0;
  bool ok_ = true;
};

}  // namespace hg
