#include <doctest/doctest.h>

#include <random>
#include <string_view>

#include "native/rtp/packets.h"
#include "rtp/codec/av1.h"
#include "rtp/codec/h264.h"
#include "rtp/codec/h265.h"
#include "rtp/codec/registry.h"
#include "rtp/codec/vp8.h"
#include "rtp/codec/vp9.h"
#include "rtp/codec/vp9_descriptor.h"

namespace hg {
namespace {

constexpr Inspection kNothing{};
constexpr Inspection kStartOfFrame{.frame_start = true};
constexpr Inspection kKeyframe{.keyframe = true, .frame_start = true};
constexpr Inspection kParameterSets{
    .keyframe = true, .parameter_sets = true, .frame_start = true};

Inspection Vp8(const ByteVector& payload) { return InspectVp8(payload); }
Inspection Vp9(const ByteVector& payload) { return InspectVp9(payload); }
Inspection H264(const ByteVector& payload) { return InspectH264(payload); }
Inspection H265(const ByteVector& payload) { return InspectH265(payload); }
Inspection Av1(const ByteVector& payload) { return InspectAv1(payload); }

}  // namespace

TEST_CASE("codecs with keyframes are found by their lower-case name") {
  for (const std::string_view name : {"vp8", "vp9", "h264", "h265", "av1"}) {
    CAPTURE(name);
    const CodecInspector* const codec = FindCodec(name);
    REQUIRE(codec != nullptr);
    CHECK(codec->name == name);
    CHECK(codec->inspect({}) == kNothing);
  }
  CHECK(FindCodec("opus") == nullptr);
  CHECK(FindCodec("VP8") == nullptr);
  CHECK(FindCodec("") == nullptr);
}

TEST_CASE("VP8: a keyframe has its start code in the first partition") {
  const ByteVector frame{0x50, 0x2d, 0x01, 0x9d, 0x01, 0x2a, 0x80, 0x02};
  const auto with = [&](ByteVector descriptor) {
    Append(descriptor, frame);
    return descriptor;
  };

  CHECK(Vp8(with({0x10})) == kKeyframe);
  CHECK(Vp8(with({0x00})) == kNothing);               // goes on
  CHECK(Vp8(with({0x11})) == kNothing);               // partition 1
  CHECK(Vp8(with({0x90, 0x80, 0x7f})) == kKeyframe);  // 7-bit picture id
  CHECK(Vp8(with({0x90, 0x80, 0xff, 0xff})) == kKeyframe);
  CHECK(Vp8(with({0x90, 0x40, 0x11})) == kKeyframe);  // TL0PICIDX
  CHECK(Vp8(with({0x90, 0x10, 0x01})) == kKeyframe);  // KEYIDX alone
}

TEST_CASE("VP8: an interframe starts a frame, and tells its layer") {
  CHECK(Vp8({0x10, 0x51, 0x2d, 0x01, 0x9d, 0x01, 0x2a}) == kStartOfFrame);
  CHECK(
      Vp8({0x90, 0xe0, 0x80, 0x05, 0x09, 0x60, 0x51, 0, 0, 0, 0}) ==
      Inspection{.frame_start = true, .layer_sync = true, .temporal_layer = 1});
  CHECK(Vp8({0x80, 0x20, 0x80}) == Inspection{.temporal_layer = 2});
}

TEST_CASE("VP8: what is cut short or no VP8 is no keyframe") {
  CHECK(Vp8({0x90}) == kNothing);
  CHECK(Vp8({0x90, 0x80}) == kNothing);
  CHECK(Vp8({0x10}) == kStartOfFrame);
  CHECK_FALSE(Vp8({0x10, 0x50, 0x2d, 0x01, 0x9d, 0x01}).keyframe);
  CHECK_FALSE(Vp8({0x10, 0x50, 0x2d, 0x01, 0x9d, 0x01, 0x2b}).keyframe);
}

TEST_CASE("VP9: a keyframe is not predicted and begins in the lowest layer") {
  const Inspection keyframe{
      .keyframe = true, .frame_start = true, .spatial_sync = true};
  CHECK(Vp9({0x08}) == keyframe);
  CHECK(Vp9({0x88, 0x7f}) == keyframe);
  CHECK(Vp9({0x88, 0xff, 0xff}) == keyframe);
  CHECK(Vp9({0x48}) == kStartOfFrame);
  CHECK(Vp9({0x00}) == Inspection{.spatial_sync = true});  // the rest of it
  CHECK(Vp9({0x2c, 0x03, 0x00}) == Inspection{.frame_start = true,
                                              .frame_end = true,
                                              .spatial_sync = true,
                                              .spatial_layer = 1});
}

TEST_CASE("VP9: layers and switching points are read") {
  CHECK(Vp9({0xe9, 0x81, 0x23, (2 << 5) | 0x10 | (2 << 1), 0x07}) ==
        Inspection{.frame_start = true,
                   .temporal_switch = true,
                   .not_for_upper = true,
                   .spatial_layer = 2,
                   .temporal_layer = 2});
  // D: it needs the one below, which would be of no use without it.
  CHECK_FALSE(
      Vp9({0xe9, 0x81, 0x23, (2 << 5) | (2 << 1) | 1, 7}).not_for_upper);
  CHECK(Vp9({0xa8, 0x81, 0x23}) == kNothing);        // the layers are missing
  CHECK(Vp9({0xa8, 0x81, 0x23, 0x02}) == kNothing);  // TL0PICIDX is
  CHECK(Vp9({0x88}) == kNothing);
}

TEST_CASE("VP9: the whole descriptor is read, in both modes") {
  // I, P, L, F, B, V; two references; two layers with sizes, a group of two.
  const ByteVector flexible{0xfa, 0x81, 0x23, 0x43, 0x03, 0x08, 0x38, 1,
                            64,   0,    180,  2,    128,  1,    104,  2,
                            0x04, 9,    0x48, 8,    7,    0xaa};
  const auto descriptor = ReadVp9Descriptor(flexible);
  REQUIRE(descriptor);
  CHECK(descriptor->flexible);
  CHECK(descriptor->picture_id == 0x0123);
  CHECK(descriptor->long_picture_id);
  CHECK(descriptor->temporal_layer == 2);
  CHECK(descriptor->spatial_layer == 1);
  CHECK(descriptor->inter_layer);
  CHECK_FALSE(descriptor->tl0_pic_idx);
  CHECK(descriptor->references == 2);
  CHECK(descriptor->reference[0] == 1);
  CHECK(descriptor->reference[1] == 4);
  CHECK(descriptor->spatial_layers == 2);
  CHECK(descriptor->size == flexible.size() - 1);
  for (std::size_t size = 0; size < descriptor->size; ++size) {
    CAPTURE(size);
    CHECK_FALSE(ReadVp9Descriptor(Bytes(flexible).first(size)));
  }

  const auto plain = ReadVp9Descriptor(ByteVector{0xa0, 0x05, 0x20, 0x77});
  REQUIRE(plain);
  CHECK(plain->picture_id == 5);
  CHECK(plain->temporal_layer == 1);
  CHECK(plain->tl0_pic_idx == 0x77);
  CHECK(plain->size == 4);

  // At most three references.
  CHECK_FALSE(ReadVp9Descriptor(ByteVector{0x50, 3, 3, 3, 2}));
  CHECK(ReadVp9Descriptor(ByteVector{0x50, 3, 3, 2}));
}

TEST_CASE("H.264: SPS and IDR slices make keyframes") {
  CHECK(H264({0x67, 0x42}) == kParameterSets);
  CHECK(H264({0x65, 0x88}) == kKeyframe);
  CHECK(H264({0x65, 0x08}) == kNothing);  // a further slice of the picture
  CHECK(H264({0x41, 0x9a}) == kStartOfFrame);
  CHECK(H264({0x41, 0x1a}) == kNothing);
  CHECK(H264({0x68, 0xce}) == kStartOfFrame);
  CHECK(H264({0x09, 0xf0}) == kStartOfFrame);
  CHECK(H264({0x65}) == kNothing);
  CHECK(H264({0x1e, 0xff}) == kNothing);  // reserved
}

TEST_CASE("H.264: aggregates are looked into") {
  CHECK(H264({0x78, 0, 2, 0x67, 0x42, 0, 2, 0x68, 0xce}) == kParameterSets);
  CHECK(H264({0x78, 0, 2, 0x68, 0xce, 0, 2, 0x67, 0x42}) == kParameterSets);
  CHECK(H264({0x78, 0, 2, 0x06, 0x01, 0, 2, 0x41, 0x9a}) == kStartOfFrame);
  CHECK(H264({0x79, 0, 0, 0, 2, 0x65, 0x88}) == kKeyframe);  // STAP-B
  CHECK(H264({0x78, 0, 0, 0x67, 0x42}) == kNothing);
  CHECK(H264({0x78, 0, 9, 0x67, 0x42}) == kNothing);
  CHECK(H264({0x78, 0, 2, 0x68, 0xce, 0, 9, 0x67}) == kStartOfFrame);
}

TEST_CASE("H.264: only the first fragment tells") {
  CHECK(H264({0x7c, 0x85, 0x88}) == kKeyframe);
  CHECK(H264({0x7c, 0x05, 0x88}) == kNothing);
  CHECK(H264({0x7c, 0x45, 0x88}) == kNothing);
  CHECK(H264({0x7c, 0x81, 0x9a}) == kStartOfFrame);
  CHECK(H264({0x7c, 0x85}) == kNothing);
  CHECK(H264({0x7d, 0x85, 0, 0, 0x88}) == kKeyframe);  // FU-B
  CHECK(H264({0x7c}) == kNothing);
}

TEST_CASE("H.265: parameter sets and IRAP pictures make keyframes") {
  CHECK(H265({32 << 1, 1, 0x0c}) == kParameterSets);  // VPS
  CHECK(H265({33 << 1, 1, 0x01}) == kParameterSets);
  CHECK(H265({34 << 1, 1, 0xc1}) == kStartOfFrame);
  CHECK(H265({19 << 1, 1, 0xaf}) == kKeyframe);  // IDR_W_RADL
  CHECK(H265({21 << 1, 1, 0xaf}) == kKeyframe);  // CRA
  CHECK(H265({19 << 1, 1, 0x2f}) == kNothing);   // a further slice
  CHECK(H265({1 << 1, 1, 0xd0}) == kStartOfFrame);
  CHECK(H265({1 << 1, 1}) == kNothing);
  CHECK(H265({1 << 1}) == kNothing);
}

TEST_CASE("H.265: aggregates and fragments are looked into") {
  CHECK(H265({48 << 1, 1, 0, 3, 32 << 1, 1, 0x0c, 0, 3, 33 << 1, 1, 0x01}) ==
        kParameterSets);
  CHECK(H265({48 << 1, 1, 0, 3, 1 << 1, 1, 0xd0}) == kStartOfFrame);
  CHECK(H265({48 << 1, 1, 0, 1, 32 << 1, 1}) == kNothing);
  CHECK(H265({48 << 1, 1, 0, 9, 32 << 1, 1}) == kNothing);
  CHECK(H265({49 << 1, 1, 0x80 | 19, 0xaf}) == kKeyframe);
  CHECK(H265({49 << 1, 1, 19, 0xaf}) == kNothing);
  CHECK(H265({49 << 1, 1, 0x80 | 1, 0xd0}) == kStartOfFrame);
  CHECK(H265({49 << 1, 1}) == kNothing);
}

TEST_CASE("H.265: temporal layers and switching points are read") {
  CHECK(H265({2 << 1, 3, 0xd0}) == Inspection{.frame_start = true,
                                              .layer_sync = true,
                                              .temporal_layer = 2});
  CHECK(H265({(1 << 1) | 0, (1 << 3) | 1, 0xd0}) ==
        Inspection{.frame_start = true, .spatial_layer = 1});
}

TEST_CASE("AV1: a new sequence is a keyframe") {
  CHECK(Av1({0x18, 0x0a}) == kKeyframe);        // N, one element
  CHECK(Av1({0x10, 0x0a}) == kKeyframe);        // a sequence header
  CHECK(Av1({0x10, 0x32}) == kStartOfFrame);    // a frame
  CHECK(Av1({0x90, 0x0a}) == kNothing);         // goes on
  CHECK(Av1({0x20, 0x01, 0x0a}) == kKeyframe);  // two elements, with length
  CHECK(Av1({0x00, 0x81, 0x00, 0x0a}) == kKeyframe);
}

TEST_CASE("AV1: layers are not read from OBUs, which not each packet begins") {
  CHECK(Av1({0x10, 0x36, (2 << 5) | (1 << 3)}) == kStartOfFrame);
}

TEST_CASE("AV1: what is cut short is nothing") {
  CHECK(Av1({0x18}) == kNothing);
  CHECK(Av1({0x10}) == kNothing);
  CHECK(Av1({0x20, 0xff, 0xff}) == kNothing);
}

// Run under ASan.
TEST_CASE("any bytes may be inspected") {
  std::mt19937 random(1);
  for (int i = 0; i < 100'000; ++i) {
    ByteVector payload(random() % 24);
    for (std::uint8_t& byte : payload)
      byte = static_cast<std::uint8_t>(random() % 4 == 0 ? random() % 4
                                                         : random());
    Vp8(payload);
    Vp9(payload);
    H264(payload);
    H265(payload);
    Av1(payload);
  }
}

}  // namespace hg
