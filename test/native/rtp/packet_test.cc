#include "rtp/packet.h"

#include <doctest/doctest.h>

#include <random>
#include <vector>

#include "native/rtp/packets.h"
#include "rtp/ext/abs_send_time.h"
#include "rtp/ext/audio_level.h"
#include "rtp/ext/mid.h"
#include "rtp/ext/playout_delay.h"
#include "rtp/ext/transport_wide_cc.h"

namespace hg {
namespace {

struct Element {
  int id;
  ByteVector data;
  friend bool operator==(const Element&, const Element&) = default;
};

std::vector<Element> Elements(std::uint16_t profile, const ByteVector& block) {
  std::vector<Element> result;
  for (const ExtensionElement& element : ExtensionRange(profile, block))
    result.push_back(
        {element.id, ByteVector(element.data.begin(), element.data.end())});
  return result;
}

}  // namespace

TEST_CASE("the fields of a packet are where RFC 3550 puts them") {
  for (const std::uint16_t seq : kStarts) {
    RtpFields fields{.marker = true,
                     .payload_type = 111,
                     .seq = seq,
                     .timestamp = 0xdeadbeef,
                     .ssrc = 0xcafebabe,
                     .csrcs = {1, 2},
                     .extension_profile = kOneByteExtensions,
                     .extension = {0x10, 'a', 0, 0},
                     .payload = {9, 8, 7},
                     .padding = 5};
    const ByteVector bytes = fields.Build();

    const auto view = RtpView::Parse(bytes);

    REQUIRE(view);
    CHECK(view->marker);
    CHECK(view->payload_type == 111);
    CHECK(view->seq == seq);
    CHECK(view->timestamp == 0xdeadbeef);
    CHECK(view->ssrc == 0xcafebabe);
    CHECK(view->csrcs.size() == 8);
    CHECK(view->header_size == 12 + 8 + 8);
    CHECK(view->payload.size() == 3);
    CHECK(view->payload[0] == 9);
    CHECK(view->padding_size == 5);
    REQUIRE(view->extensions().Find(1));
    CHECK(ReadMid(*view->extensions().Find(1)) == "a");
    CHECK_FALSE(view->extensions().Find(2));
  }
}

TEST_CASE("a description has the offsets of the parts") {
  const ByteVector bytes = RtpFields{.csrcs = {1},
                                     .extension_profile = kOneByteExtensions,
                                     .extension = ByteVector(8),
                                     .payload = ByteVector(100),
                                     .padding = 3}
                               .Build();
  PacketInfo info;

  Describe(*RtpView::Parse(bytes), info);

  CHECK(info.extension_offset == 20);
  CHECK(info.extension_size == 8);
  CHECK(info.payload_offset == 28);
  CHECK(info.payload_size == 100);
  CHECK(info.payload_type == 96);
}

TEST_CASE("a packet of nothing but padding has an empty payload") {
  const ByteVector bytes = RtpFields{.payload = {}, .padding = 255}.Build();

  const auto view = RtpView::Parse(bytes);

  REQUIRE(view);
  CHECK(view->payload.empty());
  CHECK(view->padding_size == 255);
}

TEST_CASE("lengths that do not fit the packet are refused") {
  const ByteVector good = RtpFields{
      .csrcs = {1, 2, 3},
      .extension_profile = kTwoByteExtensions,
      .extension = ByteVector(8),
      .payload = {}}.Build();
  REQUIRE(RtpView::Parse(good));
  for (std::size_t size = 0; size < good.size(); ++size) {
    CAPTURE(size);
    CHECK_FALSE(RtpView::Parse(Bytes(good).first(size)));
  }

  ByteVector bytes = RtpFields{.payload = {1, 2}, .padding = 2}.Build();
  CHECK(RtpView::Parse(bytes));
  bytes.back() = 5;  // more than there is behind the header
  CHECK_FALSE(RtpView::Parse(bytes));
  bytes.back() = 0;
  CHECK_FALSE(RtpView::Parse(bytes));
  bytes.resize(12);  // the padding bit, and nothing behind the header
  CHECK_FALSE(RtpView::Parse(bytes));

  bytes = RtpFields{}.Build();
  bytes[0] = 0x40;  // version 1
  CHECK_FALSE(RtpView::Parse(bytes));
}

TEST_CASE("RTP and RTCP are told apart by the second byte") {
  ByteVector bytes(12);
  bytes[0] = 0x80;
  const auto kind = [&](int second) {
    bytes[1] = static_cast<std::uint8_t>(second);
    return Classify(bytes);
  };

  for (const int second : {0, 63, 96, 127, 128, 191, 224, 255})
    CHECK(kind(second) == PacketKind::kRtp);
  for (const int second : {192, 200, 201, 206, 223}) {
    CHECK(kind(second) == PacketKind::kRtcp);
    CHECK(IsRtcp(bytes));
  }
  for (const int second : {64, 72, 95})
    CHECK(kind(second) == PacketKind::kUnknown);
  bytes[0] = 0x16;  // DTLS
  CHECK(kind(96) == PacketKind::kUnknown);
  CHECK(Classify({}) == PacketKind::kUnknown);
}

TEST_CASE("one-byte elements are walked with their padding") {
  const ByteVector block{0x10, 'a', 0, 0, 0x22, 1, 2, 3, 0xe0, 9, 0, 0};

  const auto elements = Elements(kOneByteExtensions, block);

  CHECK(elements ==
        std::vector<Element>{{1, {'a'}}, {2, {1, 2, 3}}, {14, {9}}});
}

TEST_CASE("two-byte elements may be empty and have large ids") {
  const ByteVector block{1, 0, 200, 2, 7, 8, 0, 0};

  for (const int appbits : {0, 15})
    CHECK(Elements(static_cast<std::uint16_t>(kTwoByteExtensions | appbits),
                   block) == std::vector<Element>{{1, {}}, {200, {7, 8}}});
}

TEST_CASE("a malformed element ends the walk, not the program") {
  CHECK(Elements(kOneByteExtensions, {0x10, 'a', 0xf0, 1, 0x20, 1}) ==
        std::vector<Element>{{1, {'a'}}});  // id 15 is reserved
  CHECK(Elements(kOneByteExtensions, {0x03, 0x10, 'a', 0}).empty());  // id 0
  CHECK(Elements(kOneByteExtensions, {0x1f, 1, 2, 3}).empty());  // too long
  CHECK(Elements(kTwoByteExtensions, {1, 1, 9, 2}) ==
        std::vector<Element>{{1, {9}}});  // a length is missing
  CHECK(Elements(kTwoByteExtensions, {1, 3, 0, 0}).empty());
  CHECK(Elements(0x1234, {0x10, 'a', 0, 0}).empty());  // another profile
  CHECK(Elements(kOneByteExtensions, {}).empty());
}

TEST_CASE("the extensions we know are read only at their own length") {
  CHECK(ReadAbsSendTime(ByteVector{1, 2, 3}) == 0x010203);
  CHECK_FALSE(ReadAbsSendTime(ByteVector{1, 2}));
  CHECK(ReadTransportSeq(ByteVector{1, 2}) == 0x0102);
  CHECK_FALSE(ReadTransportSeq(ByteVector{}));
  REQUIRE(ReadAudioLevel(ByteVector{0x80 | 30}));
  CHECK(ReadAudioLevel(ByteVector{0x80 | 30})->voice);
  CHECK(ReadAudioLevel(ByteVector{0x80 | 30})->level == 30);
  CHECK_FALSE(ReadAudioLevel(ByteVector{}));
  CHECK_FALSE(ReadPlayoutDelay(ByteVector{0}));
}

TEST_CASE("a playout delay is kept in steps of 10 ms up to its largest") {
  ByteVector data(3);

  WritePlayoutDelay({.min_ms = 400, .max_ms = 1005}, data.data());
  CHECK(ReadPlayoutDelay(data) == PlayoutDelay{.min_ms = 400, .max_ms = 1000});
  WritePlayoutDelay({.min_ms = 0, .max_ms = 65535}, data.data());
  CHECK(ReadPlayoutDelay(data) == PlayoutDelay{.min_ms = 0, .max_ms = 40950});
}

// Run under ASan: no byte outside the packet is touched, and what a view shows
// lies inside.
TEST_CASE("damaged packets never show anything outside themselves") {
  std::mt19937 random(1);
  const ByteVector good =
      RtpFields{.csrcs = {1, 2},
                .extension_profile = kOneByteExtensions,
                .extension = {0x10, 'a', 0x22, 1, 2, 3, 0, 0},
                .payload = {1, 2, 3, 4},
                .padding = 4}
          .Build();
  std::size_t parsed = 0;
  std::size_t wrong = 0;
  for (int i = 0; i < 50'000; ++i) {
    ByteVector bytes(good.begin(),
                     good.begin() + static_cast<std::ptrdiff_t>(
                                        random() % (good.size() + 1)));
    if (random() % 2 == 0) bytes = good;
    for (int n = 0; n < 3 && !bytes.empty(); ++n)
      bytes[random() % bytes.size()] = static_cast<std::uint8_t>(random());
    if (random() % 4 == 0 && bytes.size() > 21)
      StoreU16(&bytes[20], kTwoByteExtensions);

    const auto view = RtpView::Parse(bytes);
    if (!view) continue;
    ++parsed;
    std::size_t sum = 0;
    for (const ExtensionElement& element : view->extensions())
      for (const std::uint8_t byte : element.data) sum += byte;
    for (const std::uint8_t byte : view->payload) sum += byte;
    if (sum > bytes.size() * 255 ||
        view->header_size + view->payload.size() + view->padding_size !=
            bytes.size())
      ++wrong;
  }
  CHECK(wrong == 0);
  CHECK(parsed > 2'500);
}

}  // namespace hg
