#include "rtp/ext/dependency_descriptor.h"

#include <doctest/doctest.h>

#include <array>
#include <random>
#include <string_view>
#include <vector>

#include "base/bits.h"
#include "native/rtp/ext/bit_writer.h"

namespace hg {
namespace {

struct Template {
  std::uint8_t spatial, temporal;
  std::string_view indications;  // as appendix A writes them: `-DSR`
  std::vector<unsigned> references;
};

// L2T2, each layer with two templates or more: decode targets are (0, 0),
// (0, 1), (1, 0), (1, 1). As in appendix A, the first of a layer is for
// keyframes.
const std::vector<Template> kL2T2 = {
    {0, 0, "SSSS", {}},  {0, 0, "SSRR", {4}},    {0, 1, "-D-R", {2}},
    {1, 0, "--SS", {1}}, {1, 0, "--SS", {4, 1}}, {1, 1, "---D", {2, 1}},
};
// The same, with upper frames that refer to lower ones in keyframes alone.
const std::vector<Template> kL2T2Key = {
    {0, 0, "SSSS", {}},  {0, 0, "SS--", {4}}, {0, 1, "-D--", {2}},
    {1, 0, "--SS", {1}}, {1, 0, "--SS", {4}}, {1, 1, "---D", {2}},
};

struct Descriptor {
  bool start = true;
  bool end = false;
  unsigned id = 0;
  std::uint16_t number = 0;
  const std::vector<Template>* templates = nullptr;  // attached
  unsigned offset = 0;
  std::string_view indications = {};
  std::vector<unsigned> references = {};

  ByteVector Build() const {
    BitWriter out;
    out.Bits(start, 1).Bits(end, 1).Bits(id, 6).Bits(number, 16);
    if (templates == nullptr && indications.empty() && references.empty())
      return out.bytes();
    out.Bits(templates != nullptr, 1).Bits(0, 1);
    out.Bits(!indications.empty(), 1).Bits(!references.empty(), 1).Bits(0, 1);
    if (templates != nullptr) WriteTemplates(out);
    WriteIndications(out, indications);
    if (!references.empty()) {
      for (const unsigned reference : references)
        out.Bits(2, 2).Bits(reference - 1, 8);
      out.Bits(0, 2);
    }
    return out.bytes();
  }

 private:
  static void WriteIndications(BitWriter& out, std::string_view indications) {
    for (const char c : indications)
      out.Bits(std::string_view("-DSR").find(c), 2);
  }
  void WriteTemplates(BitWriter& out) const {
    const auto targets =
        static_cast<std::uint32_t>(templates->front().indications.size());
    out.Bits(offset, 6).Bits(targets - 1, 5);
    for (std::size_t i = 1; i < templates->size(); ++i) {
      const Template& before = (*templates)[i - 1];
      const Template& one = (*templates)[i];
      out.Bits(one.spatial > before.spatial     ? 2
               : one.temporal > before.temporal ? 1
                                                : 0,
               2);
    }
    out.Bits(3, 2);
    for (const Template& one : *templates)
      WriteIndications(out, one.indications);
    for (const Template& one : *templates) {
      for (const unsigned reference : one.references)
        out.Bits(1, 1).Bits(reference - 1, 4);
      out.Bits(0, 1);
    }
    // Two chains, each for half of the targets.
    out.NonSymmetric(2, targets + 1);
    for (std::uint32_t i = 0; i < targets; ++i)
      out.NonSymmetric(i < targets / 2 ? 0 : 1, 2);
    for (std::size_t i = 0; i < templates->size() * 2; ++i) out.Bits(1, 4);
    out.Bits(1, 1);  // resolutions
    for (unsigned i = 0; i <= templates->back().spatial; ++i)
      out.Bits(319, 16).Bits(179, 16);
  }
};

constexpr FrameDescription kFrame{.frame_start = true};

}  // namespace

TEST_CASE("bits and non-symmetric numbers are read as they were written") {
  for (std::uint32_t values = 1; values <= 40; ++values) {
    for (std::uint32_t value = 0; value < values; ++value) {
      BitWriter out;
      out.Bits(1, 1).NonSymmetric(value, values).Bits(5, 3);
      BitReader in(out.bytes());
      CHECK(in.Flag());
      CHECK(in.NonSymmetric(values) == value);
      CHECK(in.Bits(3) == 5);
      CHECK(in.ok());
    }
  }
  const ByteVector one_byte{0xff};
  BitReader in(one_byte);
  CHECK(in.Bits(9) == 0);
  CHECK_FALSE(in.ok());
  CHECK(in.Bits(1) == 0);
}

TEST_CASE("a keyframe brings the templates that later descriptors name") {
  for (const std::uint16_t first : kStarts) {
    for (const unsigned offset : {0u, 5u, 62u}) {
      CAPTURE(first);
      CAPTURE(offset);
      DependencyDescriptorReader reader;
      const auto read = [&](Descriptor what, std::uint32_t picture) {
        what.id = (what.id + offset) % 64;
        what.offset = offset;
        what.number = Plus(first, what.number);
        return reader.Read(what.Build(), picture * 3000 - 6000);
      };

      FrameDescription expected = kFrame;
      expected.keyframe = expected.temporal_switch = true;
      expected.spatial_sync = true;
      CHECK(read({.id = 0, .templates = &kL2T2}, 0) == expected);

      expected = {.frame_end = true,
                  .temporal_switch = true,
                  .spatial_sync = true,
                  .spatial_layer = 1};
      CHECK(read({.start = false, .end = true, .id = 3, .number = 1}, 0) ==
            expected);

      expected = kFrame;
      expected.temporal_layer = 1;
      CHECK(read({.id = 2, .number = 2}, 1) == expected);
      expected.spatial_layer = 1;
      CHECK(read({.id = 5, .number = 3}, 1) == expected);

      expected = kFrame;
      expected.temporal_switch = true;
      CHECK(read({.id = 1, .number = 4}, 2) == expected);
      expected.spatial_layer = 1;
      CHECK(read({.id = 4, .number = 5}, 2) == expected);
    }
  }
}

TEST_CASE("lower frames that upper ones do not refer to are told apart") {
  DependencyDescriptorReader reader;
  const auto key =
      reader.Read(Descriptor{.id = 0, .templates = &kL2T2Key}.Build(), 0);
  REQUIRE(key);
  CHECK_FALSE(key->not_for_upper);
  CHECK(
      reader.Read(Descriptor{.id = 1, .number = 2}.Build(), 9)->not_for_upper);
  CHECK_FALSE(
      reader.Read(Descriptor{.id = 4, .number = 3}.Build(), 9)->not_for_upper);
}

TEST_CASE("what a frame says of itself goes before its template") {
  DependencyDescriptorReader reader;
  reader.Read(Descriptor{.id = 0, .templates = &kL2T2}.Build(), 0);

  // Refers to the frame before, which is of its picture; or to one before that.
  const auto sync = [&](std::vector<unsigned> references) {
    reader.Read(Descriptor{.id = 1, .number = 4}.Build(), 3000);
    return reader
        .Read(
            Descriptor{.id = 4, .number = 5, .references = references}.Build(),
            3000)
        ->spatial_sync;
  };
  CHECK(sync({1}));
  CHECK_FALSE(sync({2}));
  CHECK_FALSE(sync({1, 200}));

  const auto frame = reader.Read(
      Descriptor{.id = 1, .number = 8, .indications = "SR--"}.Build(), 6000);
  REQUIRE(frame);
  CHECK(frame->not_for_upper);
  CHECK_FALSE(frame->temporal_switch);
}

TEST_CASE("a keyframe without templates is none that one can start with") {
  DependencyDescriptorReader reader;
  CHECK_FALSE(reader.Read(Descriptor{.id = 0}.Build(), 0));
  CHECK(reader.Read(Descriptor{.id = 0, .templates = &kL2T2}.Build(), 0)
            ->keyframe);
  CHECK_FALSE(
      reader.Read(Descriptor{.id = 0, .number = 9}.Build(), 1)->keyframe);
  // Nor is the rest of one, or the frame above.
  CHECK_FALSE(
      reader.Read(Descriptor{.start = false, .templates = &kL2T2}.Build(), 0)
          ->keyframe);
  CHECK_FALSE(
      reader
          .Read(Descriptor{.id = 3, .number = 1, .templates = &kL2T2}.Build(),
                0)
          ->keyframe);
}

TEST_CASE("what cannot be read leaves the templates as they were") {
  DependencyDescriptorReader reader;
  const ByteVector whole = Descriptor{
      .id = 0,
      .templates = &kL2T2Key,
      .offset = 0,
      .references = {200}}.Build();
  reader.Read(Descriptor{.id = 0, .templates = &kL2T2}.Build(), 0);

  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    // Three bytes are a whole descriptor that names the template 0.
    CHECK(reader.Read(Bytes(whole).first(size), 0).has_value() == (size == 3));
  }
  CHECK_FALSE(reader.Read(Descriptor{.id = 6}.Build(), 0));  // one too many
  CHECK_FALSE(
      reader.Read(Descriptor{.id = 6, .templates = &kL2T2Key}.Build(), 0));
  CHECK_FALSE(
      reader.Read(Descriptor{.id = 63}.Build(), 0));  // before the first
  // 64 templates and no end; more than 4 spatial layers.
  CHECK_FALSE(reader.Read(ByteVector{0x80, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0,
                                     0,    0, 0, 0,    0, 0, 0, 0, 0, 0, 0, 0},
                          0));
  CHECK_FALSE(
      reader.Read(ByteVector{0x80, 0, 0, 0x80, 0, 0xaa, 0xaa, 0xaa}, 0));
  CHECK_FALSE(
      reader.Read(Descriptor{.id = 1, .number = 7}.Build(), 9)->not_for_upper);
}

TEST_CASE("what comes late refers to pictures that are gone") {
  DependencyDescriptorReader reader;
  reader.Read(Descriptor{.id = 0, .templates = &kL2T2}.Build(), 0);
  reader.Read(Descriptor{.id = 1, .number = 4}.Build(), 3000);

  CHECK_FALSE(
      reader.Read(Descriptor{.id = 3, .number = 1}.Build(), 0)->spatial_sync);
}

// Run under ASan and UBSan.
TEST_CASE("any bytes may be a descriptor") {
  std::mt19937 random(3);
  DependencyDescriptorReader reader;
  const ByteVector key = Descriptor{.id = 0, .templates = &kL2T2}.Build();
  for (int i = 0; i < 200'000; ++i) {
    ByteVector data(random() % 40);
    for (std::uint8_t& byte : data) byte = static_cast<std::uint8_t>(random());
    if (random() % 2 == 0) {
      data = key;
      for (int k = 0; k < 3; ++k)
        data[random() % data.size()] ^= static_cast<std::uint8_t>(random());
    }
    const auto frame = reader.Read(data, random() % 8);
    if (!frame) continue;
    CHECK(frame->spatial_layer <= 3);
    CHECK(frame->temporal_layer <= 7);
  }
}

}  // namespace hg
