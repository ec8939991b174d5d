#include "base/bytes.h"

#include <doctest/doctest.h>

#include <array>
#include <cstdint>

namespace hg {

TEST_CASE("what is stored is loaded again, most significant byte first") {
  std::array<std::uint8_t, 8> bytes{};

  StoreU64(bytes.data(), 0x0102030405060708);

  CHECK(bytes[0] == 1);
  CHECK(bytes[7] == 8);
  CHECK(LoadU16(bytes.data()) == 0x0102);
  CHECK(LoadU24(bytes.data()) == 0x010203);
  CHECK(LoadU32(bytes.data()) == 0x01020304);
  CHECK(LoadU64(bytes.data()) == 0x0102030405060708);
}

TEST_CASE("a read past the end gives 0 and is remembered") {
  const std::array<std::uint8_t, 5> bytes{1, 2, 3, 4, 5};
  ByteReader reader(bytes);

  CHECK(reader.U32() == 0x01020304);
  CHECK(reader.ok());
  CHECK(reader.U16() == 0);
  CHECK_FALSE(reader.ok());
  CHECK(reader.U8() == 0);  // though a byte is left
  CHECK(reader.Slice(0).empty());
}

}  // namespace hg
