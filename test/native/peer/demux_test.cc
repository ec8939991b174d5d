#include "peer/demux.h"

#include <doctest/doctest.h>

#include <vector>

namespace hg {
namespace {

DatagramKind KindOf(std::vector<std::uint8_t> datagram) {
  return Demux(datagram);
}

TEST_CASE("datagrams are told apart by RFC 7983") {
  for (int first = 0; first < 256; ++first) {
    CAPTURE(first);
    const auto byte = static_cast<std::uint8_t>(first);
    const bool dtls = first >= 20 && first <= 63;
    const bool media = first >= 128 && first <= 191;

    CHECK(KindOf({byte, 96, 0, 0}) == (dtls    ? DatagramKind::kDtls
                                       : media ? DatagramKind::kRtp
                                               : DatagramKind::kOther));
  }
}

TEST_CASE("media is told apart by the payload types of RFC 5761") {
  for (int second = 0; second < 256; ++second) {
    CAPTURE(second);
    const bool rtcp = second >= 192 && second <= 223;

    CHECK(KindOf({0x80, static_cast<std::uint8_t>(second)}) ==
          (rtcp ? DatagramKind::kRtcp : DatagramKind::kRtp));
  }
}

TEST_CASE("a datagram too short to tell is nothing of ours") {
  CHECK(KindOf({}) == DatagramKind::kOther);
  CHECK(KindOf({0x80}) == DatagramKind::kOther);
  CHECK(KindOf({22}) == DatagramKind::kDtls);  // OpenSSL refuses it
}

}  // namespace
}  // namespace hg
