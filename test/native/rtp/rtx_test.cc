#include "rtp/rtx.h"

#include <doctest/doctest.h>

#include <vector>

#include "native/rtp/packets.h"

namespace hg {
namespace {

RtpFields Original() {
  return {.marker = true,
          .payload_type = 96,
          .seq = 65'535,
          .timestamp = 77,
          .ssrc = 10,
          .csrcs = {1, 2},
          .extension_profile = kOneByteExtensions,
          .extension = {0x10, 'x', 0, 0},
          .payload = {10, 20, 30},
          .padding = 5};
}

RtpFields Retransmission() {
  RtpFields fields = Original();
  fields.payload_type = 97;
  fields.seq = 3;
  fields.ssrc = 11;
  fields.payload.insert(fields.payload.begin(), {0xff, 0xff});
  return fields;
}

std::size_t Unwrap(ByteVector& packet) {
  const auto view = RtpView::Parse(packet);
  REQUIRE(view);
  return UnwrapRtx(packet, *view, 10, 96);
}

}  // namespace

TEST_CASE("what was resent becomes what was sent, byte by byte") {
  ByteVector packet = Retransmission().Build();

  packet.resize(Unwrap(packet));

  CHECK(packet == Original().Build());
}

TEST_CASE("an empty packet is resent as one") {
  RtpFields original = Original();
  original.payload = {};
  RtpFields rtx = Retransmission();
  rtx.payload = {0xff, 0xff};
  ByteVector packet = rtx.Build();

  packet.resize(Unwrap(packet));

  CHECK(packet == original.Build());
}

TEST_CASE("padding that probes the path carries nothing") {
  for (const ByteVector& payload : {ByteVector{}, ByteVector{7}}) {
    RtpFields rtx = Retransmission();
    rtx.payload = payload;
    ByteVector packet = rtx.Build();
    const ByteVector before = packet;

    CHECK(Unwrap(packet) == 0);
    CHECK(packet == before);
  }
}

}  // namespace hg
