#include "rtp/header_rewrite.h"

#include <doctest/doctest.h>

#include <optional>
#include <string>

#include "native/rtp/packets.h"
#include "rtp/ext/abs_send_time.h"
#include "rtp/ext/mid.h"
#include "rtp/ext/transport_wide_cc.h"

namespace hg {
namespace {

constexpr HeaderRewrite::Stamp kStamp{.seq = 65535,
                                      .timestamp = 0x01020304,
                                      .abs_send_time = 0xabcdef,
                                      .transport_seq = 0x4567};

HeaderRewrite::Config FullConfig() {
  return {.ssrc = 0xaabbccdd,
          .payload_type = 100,
          .rtx = HeaderRewrite::Rtx{.ssrc = 0x55667788, .payload_type = 101},
          .ids = {.mid = 4,
                  .abs_send_time = 2,
                  .transport_wide_cc = 3,
                  .playout_delay = 12},
          .mid = "v0",
          .playout_delay = PlayoutDelay{.min_ms = 100, .max_ms = 400}};
}

RtpFields SourceFields() {
  return {.marker = true,
          .seq = 7,
          .timestamp = 99,
          .csrcs = {1, 2, 3},
          .extension_profile = kOneByteExtensions,
          .extension = {0x10, 'x', 0, 0},
          .payload = {10, 20, 30},
          .padding = 9};
}

ByteVector Write(const HeaderRewrite& rewrite, const PacketRef& packet,
                 const HeaderRewrite::Stamp& stamp = kStamp) {
  ByteVector out(PacketBuffer::kCapacity);
  out.resize(rewrite.Write(*packet, stamp, out));
  return out;
}

void CheckExtensions(const RtpView& view, const HeaderRewrite::Config& config) {
  const ExtensionRange extensions = view.extensions();
  CHECK(ReadMid(extensions.Find(config.ids.mid).value()) == config.mid);
  CHECK(ReadAbsSendTime(extensions.Find(config.ids.abs_send_time).value()) ==
        kStamp.abs_send_time);
  CHECK(
      ReadTransportSeq(extensions.Find(config.ids.transport_wide_cc).value()) ==
      kStamp.transport_seq);
  CHECK(ReadPlayoutDelay(extensions.Find(config.ids.playout_delay).value()) ==
        config.playout_delay);
}

}  // namespace

TEST_CASE("a viewer gets its own header before the source's payload") {
  PacketPool pool({});
  const PacketRef packet = Seal(pool, SourceFields());
  const HeaderRewrite rewrite(FullConfig());

  const ByteVector out = Write(rewrite, packet);

  const auto view = RtpView::Parse(out);
  REQUIRE(view);
  CHECK(view->ssrc == 0xaabbccdd);
  CHECK(view->payload_type == 100);
  CHECK(view->seq == 65535);
  CHECK(view->timestamp == 0x01020304);
  CHECK(view->marker);
  CHECK(view->csrcs.empty());
  CHECK(view->padding_size == 0);
  CHECK(ByteVector(view->payload.begin(), view->payload.end()) ==
        ByteVector{10, 20, 30});
  CHECK(view->extension_profile == kOneByteExtensions);
  CheckExtensions(*view, FullConfig());
}

TEST_CASE("an id above 14 or a long mid asks for the two-byte form") {
  PacketPool pool({});
  const PacketRef packet = Seal(pool, SourceFields());
  HeaderRewrite::Config config = FullConfig();
  const std::string long_mid(HeaderRewrite::kMaxMidSize, 'm');
  SUBCASE("an id above 14") { config.ids.transport_wide_cc = 255; }
  SUBCASE("id 15") { config.ids.mid = 15; }
  SUBCASE("a long mid") { config.mid = long_mid; }

  const HeaderRewrite rewrite(config);
  const ByteVector out = Write(rewrite, packet);

  const auto view = RtpView::Parse(out);
  REQUIRE(view);
  CHECK(view->extension_profile == kTwoByteExtensions);
  CHECK(view->header_size + 2 <= HeaderRewrite::kMaxHeaderSize);
  CheckExtensions(*view, config);
}

TEST_CASE("without extensions there is no extension block") {
  PacketPool pool({});
  const PacketRef packet = Seal(pool, SourceFields());

  const ByteVector out = Write(HeaderRewrite({.payload_type = 8}), packet);

  CHECK(out.size() == 12 + 3);
  CHECK(out[0] == 0x80);
}

TEST_CASE("the same stamp makes the same bytes") {
  PacketPool pool({});
  const PacketRef packet = Seal(pool, SourceFields());
  const HeaderRewrite rewrite(FullConfig());

  CHECK(Write(rewrite, packet) == Write(rewrite, packet));
}

TEST_CASE("an RTX packet carries the original sequence number in front") {
  PacketPool pool({});
  const PacketRef packet = Seal(pool, SourceFields());
  const HeaderRewrite rewrite(FullConfig());
  for (const std::uint16_t seq : kStarts) {
    ByteVector out(PacketBuffer::kCapacity);
    HeaderRewrite::Stamp stamp = kStamp;
    stamp.seq = seq;

    out.resize(rewrite.WriteRtx(*packet, stamp, Plus(seq, 1000), out));

    const auto view = RtpView::Parse(out);
    REQUIRE(view);
    CHECK(view->ssrc == 0x55667788);
    CHECK(view->payload_type == 101);
    CHECK(view->seq == seq);
    CHECK(view->marker);
    REQUIRE(view->payload.size() == 5);
    CHECK(LoadU16(view->payload.data()) == Plus(seq, 1000));
    CHECK(view->payload[2] == 10);
    CheckExtensions(*view, FullConfig());
  }
}

TEST_CASE("without RTX there is no RTX packet") {
  PacketPool pool({});
  const PacketRef packet = Seal(pool, SourceFields());
  HeaderRewrite::Config config = FullConfig();
  config.rtx.reset();
  ByteVector out(PacketBuffer::kCapacity);

  CHECK(HeaderRewrite(config).WriteRtx(*packet, kStamp, 1, out) == 0);
}

TEST_CASE("a buffer that is too small stays as it was") {
  PacketPool pool({});
  const PacketRef packet = Seal(pool, SourceFields());
  const HeaderRewrite rewrite(FullConfig());
  const std::size_t size = Write(rewrite, packet).size();

  ByteVector out(size - 1, 0xee);
  CHECK(rewrite.Write(*packet, kStamp, out) == 0);
  CHECK(rewrite.WriteRtx(*packet, kStamp, 1, out) == 0);
  CHECK(out == ByteVector(size - 1, 0xee));

  out.resize(size);
  CHECK(rewrite.Write(*packet, kStamp, out) == size);
}

TEST_CASE("pure padding is sent on as an empty packet") {
  PacketPool pool({});
  RtpFields fields = SourceFields();
  fields.payload.clear();
  const PacketRef packet = Seal(pool, fields);

  const ByteVector out = Write(HeaderRewrite(FullConfig()), packet);

  const auto view = RtpView::Parse(out);
  REQUIRE(view);
  CHECK(view->payload.empty());
  CHECK(view->padding_size == 0);
}

namespace {

// With a descriptor of that size, whose frame number is 100, as the element 7.
PacketRef WithDescriptor(PacketPool& pool, std::size_t size,
                         PacketInfo info = {}) {
  RtpFields fields = SourceFields();
  fields.csrcs.clear();
  fields.extension_profile = kTwoByteExtensions;
  fields.extension = {7, static_cast<std::uint8_t>(size), 0xc1, 0, 100};
  for (std::size_t i = 3; i < size; ++i)
    fields.extension.push_back(static_cast<std::uint8_t>(i));
  fields.extension.resize((fields.extension.size() + 3) / 4 * 4);
  info.passed |= PacketInfo::kDependencyDescriptor;
  info.descriptor_offset = 12 + 4 + 2;
  info.descriptor_size = static_cast<std::uint8_t>(size);
  info.frame_number = 100;
  return Seal(pool, fields, info);
}

HeaderRewrite::Config PassingConfig() {
  HeaderRewrite::Config config = FullConfig();
  config.playout_delay.reset();
  config.ids.audio_level = 1;
  config.ids.video_orientation = 13;
  config.ids.dependency_descriptor = 8;
  return config;
}

std::optional<Bytes> Element(const ByteVector& packet, std::uint8_t id) {
  return RtpView::Parse(packet)->extensions().Find(id);
}

}  // namespace

TEST_CASE("a dependency descriptor is passed on, with its number moved") {
  PacketPool pool({});
  const HeaderRewrite rewrite(PassingConfig());
  for (const std::size_t size : {3u, 16u, 17u, 80u, 255u}) {
    CAPTURE(size);
    const PacketRef packet = WithDescriptor(pool, size);
    for (const std::uint16_t offset : kStarts) {
      HeaderRewrite::Stamp stamp = kStamp;
      stamp.frame_offset = offset;

      const ByteVector out = Write(rewrite, packet, stamp);

      const auto view = RtpView::Parse(out);
      REQUIRE(view);
      CHECK(view->extension_profile ==
            (size > 16 ? kTwoByteExtensions : kOneByteExtensions));
      const auto descriptor = view->extensions().Find(8);
      REQUIRE(descriptor);
      REQUIRE(descriptor->size() == size);
      CHECK((*descriptor)[0] == 0xc1);
      CHECK(LoadU16(&(*descriptor)[1]) == Plus(100, offset));
      for (std::size_t i = 3; i < size; ++i) CHECK((*descriptor)[i] == i);
      // And our own are what they are without it.
      CHECK(ReadMid(*view->extensions().Find(4)) == "v0");
      CHECK(ReadAbsSendTime(*view->extensions().Find(2)) ==
            kStamp.abs_send_time);
      CHECK(ReadTransportSeq(*view->extensions().Find(3)) ==
            kStamp.transport_seq);
      CHECK(ByteVector(view->payload.begin(), view->payload.end()) ==
            ByteVector{10, 20, 30});
    }
  }
}

TEST_CASE("what the source says of sound, picture and delay is passed on") {
  PacketPool pool({});
  PacketInfo info;
  info.passed = PacketInfo::kAudioLevel | PacketInfo::kVideoOrientation |
                PacketInfo::kPlayoutDelay;
  info.audio_level = 0x85;
  info.video_orientation = 3;
  info.playout_delay = 0x00a028;
  const PacketRef packet = Seal(pool, SourceFields(), info);

  const ByteVector out = Write(HeaderRewrite(PassingConfig()), packet);

  CHECK(Element(out, 1)->front() == 0x85);
  CHECK(Element(out, 13)->front() == 3);
  CHECK(ReadPlayoutDelay(*Element(out, 12)) ==
        PlayoutDelay{.min_ms = 100, .max_ms = 400});
  CHECK_FALSE(Element(out, 8));

  // What is not negotiated is left out, and no block of its own is made.
  CHECK(Write(HeaderRewrite({.payload_type = 8}), packet).size() == 12 + 3);
  // A viewer's own delay goes before the source's.
  HeaderRewrite::Config own = PassingConfig();
  own.playout_delay = PlayoutDelay{.min_ms = 0, .max_ms = 50};
  CHECK(ReadPlayoutDelay(*Element(Write(HeaderRewrite(own), packet), 12)) ==
        PlayoutDelay{.min_ms = 0, .max_ms = 50});
}

TEST_CASE("what is passed on needs room too, and goes into RTX packets") {
  PacketPool pool({});
  const PacketRef packet = WithDescriptor(pool, 40);
  const HeaderRewrite rewrite(PassingConfig());
  const std::size_t size = Write(rewrite, packet).size();

  ByteVector out(size - 1, 0xee);
  CHECK(rewrite.Write(*packet, kStamp, out) == 0);
  CHECK(out == ByteVector(size - 1, 0xee));

  out.resize(size + 2);
  CHECK(rewrite.WriteRtx(*packet, kStamp, 9, out) == size + 2);
  CHECK(Element(out, 8)->size() == 40);
}

TEST_CASE("a marker can be added, and none is taken away") {
  PacketPool pool({});
  RtpFields fields = SourceFields();
  fields.marker = false;
  const PacketRef packet = Seal(pool, fields);
  const HeaderRewrite rewrite(FullConfig());
  HeaderRewrite::Stamp stamp = kStamp;

  CHECK_FALSE(RtpView::Parse(Write(rewrite, packet, stamp))->marker);
  stamp.marker = true;
  CHECK(RtpView::Parse(Write(rewrite, packet, stamp))->marker);
}

TEST_CASE("RED goes to those who have it, its primary encoding to others") {
  PacketPool pool({});
  RtpFields fields = SourceFields();
  fields.payload = {0x80 | 111, 0, 0, 2, 111, 'o', 'l', 'n', 'e', 'w'};
  PacketInfo info;
  info.red_primary = 7;
  const PacketRef packet = Seal(pool, fields, info);
  HeaderRewrite::Config config = FullConfig();
  const auto check = [&](std::uint8_t payload_type, ByteVector payload) {
    const ByteVector out = Write(HeaderRewrite(config), packet);
    const auto view = RtpView::Parse(out);
    CHECK(view->payload_type == payload_type);
    CHECK(ByteVector(view->payload.begin(), view->payload.end()) == payload);
  };

  check(100, {'n', 'e', 'w'});
  config.red_payload_type = 63;
  check(63, fields.payload);
}

}  // namespace hg
