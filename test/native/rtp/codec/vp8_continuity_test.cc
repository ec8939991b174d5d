#include "rtp/codec/vp8_continuity.h"

#include <doctest/doctest.h>

#include <vector>

namespace hg::test {
namespace {

Vp8PictureIds Ids(unsigned picture_id, unsigned tl0 = 0) {
  return {static_cast<std::uint16_t>(picture_id), true,
          static_cast<std::uint8_t>(tl0)};
}

unsigned OutOf(Vp8Continuity& continuity, unsigned picture_id,
               unsigned tl0 = 0) {
  return *continuity.Forward(Ids(picture_id, tl0)).picture_id;
}

TEST_CASE("picture ids are read and written in all their forms") {
  std::vector<std::uint8_t> plain = {0x10, 1, 2, 3};
  std::vector<std::uint8_t> seven = {0x90, 0x80, 0x11, 3};
  std::vector<std::uint8_t> fifteen = {0x90, 0xe0, 0x81, 0x23, 0x45, 0x40, 9};

  CHECK_FALSE(ReadVp8PictureIds(plain).picture_id);
  CHECK(*ReadVp8PictureIds(seven).picture_id == 0x11);
  CHECK_FALSE(ReadVp8PictureIds(seven).tl0_pic_idx);
  const auto ids = ReadVp8PictureIds(fifteen);
  CHECK(*ids.picture_id == 0x123);
  CHECK(ids.long_picture_id);
  CHECK(*ids.tl0_pic_idx == 0x45);

  WriteVp8PictureIds(Ids(0x7ffe, 0xee), fifteen);
  CHECK(fifteen ==
        std::vector<std::uint8_t>{0x90, 0xe0, 0xff, 0xfe, 0xee, 0x40, 9});
  WriteVp8PictureIds(Ids(0x17f, 0xee), seven);
  CHECK(seven == std::vector<std::uint8_t>{0x90, 0x80, 0x7f, 3});
  WriteVp8PictureIds(Ids(1, 1), plain);
  CHECK(plain == std::vector<std::uint8_t>{0x10, 1, 2, 3});
}

TEST_CASE("a descriptor that is cut has no ids, and is left alone") {
  const std::vector<std::uint8_t> whole = {0x90, 0xe0, 0x81, 0x23, 0x45};
  for (std::size_t size = 0; size < whole.size(); ++size) {
    std::vector<std::uint8_t> cut(
        whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    const auto before = cut;
    CHECK_FALSE(ReadVp8PictureIds(cut).picture_id);
    WriteVp8PictureIds(Ids(1, 1), cut);
    CHECK(cut == before);
  }
}

TEST_CASE("the first encoding keeps its numbers, the next goes on with them") {
  Vp8Continuity continuity;
  CHECK(OutOf(continuity, 0x7fff, 255) == 0x7fff);
  CHECK(OutOf(continuity, 0x7fff, 255) == 0x7fff);
  const auto next = continuity.Forward(Ids(0, 0));
  CHECK(*next.picture_id == 0);
  CHECK(*next.tl0_pic_idx == 0);

  continuity.Switch();
  const auto other = continuity.Forward(Ids(777, 200));

  CHECK(*other.picture_id == 1);
  CHECK(*other.tl0_pic_idx == 1);
  const auto more = continuity.Forward(Ids(778, 201));
  CHECK(*more.picture_id == 2);
  CHECK(*more.tl0_pic_idx == 2);
}

TEST_CASE("a picture left out leaves no gap, a lost one does") {
  Vp8Continuity continuity;
  CHECK(OutOf(continuity, 100) == 100);
  continuity.Skip(Ids(101));
  continuity.Skip(Ids(101));  // its second packet
  CHECK(OutOf(continuity, 102) == 101);
  CHECK(OutOf(continuity, 104) == 103);  // 103 was lost, or is late

  CHECK(OutOf(continuity, 103) == 102);
  CHECK(OutOf(continuity, 102) == 101);
  continuity.Skip(Ids(105));
  CHECK(OutOf(continuity, 104) == 103);
  CHECK(OutOf(continuity, 106) == 104);
}

TEST_CASE("numbers go on through a lap with every other picture left out") {
  Vp8Continuity continuity;
  unsigned expected = 0x7ff0;
  for (unsigned i = 0; i < 100; ++i) {
    const unsigned id = (0x7ff0 + i) & 0x7fff;
    if (i % 2 == 1) {
      continuity.Skip(Ids(id));
    } else {
      REQUIRE(OutOf(continuity, id) == (expected++ & 0x7fff));
    }
  }
}

}  // namespace
}  // namespace hg::test
