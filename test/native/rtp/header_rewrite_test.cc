#include "rtp/header_rewrite.h"

#include <doctest/doctest.h>

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
          .playout_delay = {.min_ms = 100, .max_ms = 400}};
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
  CHECK(view->header_size == rewrite.header_size());
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
  CHECK(rewrite.header_size() + 2 <= HeaderRewrite::kMaxHeaderSize);
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

}  // namespace hg
