#include "rtp/red.h"

#include <doctest/doctest.h>

#include "native/rtp/packets.h"

namespace hg {
namespace {

std::optional<std::size_t> Find(const ByteVector& payload) {
  return FindRedPrimary(payload);
}

}  // namespace

TEST_CASE("RED: the primary encoding is behind the copies") {
  CHECK(Find({111, 'n', 'e', 'w'}) == 1);
  CHECK(Find({0x80 | 111, 0, 0, 3, 111, 'o', 'l', 'd', 'n'}) == 8);
  CHECK(Find({0x80 | 111, 0x1e, 0, 1, 0x80 | 111, 0x0f, 0, 2, 111, 'a', 'b',
              'b'}) == 12);
  CHECK(Find({0x80 | 111, 0, 0, 0, 111, 'n'}) == 5);
}

TEST_CASE("RED: what is cut is none") {
  CHECK_FALSE(Find({}));
  CHECK_FALSE(Find({0x80 | 111}));
  CHECK_FALSE(Find({0x80 | 111, 0, 0, 3}));
  CHECK_FALSE(Find({0x80 | 111, 0, 0, 3, 111, 'o', 'l'}));
}

}  // namespace hg
