#include "sctp/dcep.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace hg {
namespace {

const ChannelConfig kChannels[] = {
    {.label = "JanusDataChannel"},
    {.label = "", .protocol = "chat", .ordered = false},
    {.label = "lossy", .ordered = false, .max_retransmits = 0},
    {.label = "ordered and lossy", .max_retransmits = 7, .priority = 1024},
    {.label = "\xc3\xbc", .protocol = "x", .max_packet_life_time = 500},
    {.label = std::string(kMaxChannelName, 'l'),
     .protocol = std::string(kMaxChannelName, 'p'),
     .ordered = false,
     .max_packet_life_time = 0xffffffff},
};

TEST_CASE("what opens a channel is read as it was written") {
  for (const ChannelConfig& config : kChannels) {
    CAPTURE(config.label);
    const DcepMessage read = ParseDcep(WriteDcepOpen(config));
    CHECK(read.kind == DcepKind::kOpen);
    CHECK(read.config == config);
  }
}

TEST_CASE("the bytes are those of RFC 8832 section 5.1") {
  const auto bytes = WriteDcepOpen(
      {.label = "ab", .protocol = "c", .ordered = false, .max_retransmits = 3});
  const std::vector<std::uint8_t> expected = {
      0x03, 0x81, 0x01, 0x00, 0, 0, 0, 3, 0, 2, 0, 1, 'a', 'b', 'c'};
  CHECK(bytes == expected);
  CHECK(WriteDcepAck() == std::vector<std::uint8_t>{0x02});
}

TEST_CASE("an acknowledgement is one") {
  CHECK(ParseDcep(WriteDcepAck()).kind == DcepKind::kAck);
}

TEST_CASE("a cut message is unusable, wherever it is cut") {
  for (const ChannelConfig& config : kChannels) {
    const auto bytes = WriteDcepOpen(config);
    for (std::size_t size = 0; size < bytes.size(); ++size)
      CHECK(ParseDcep(Bytes(bytes).first(size)).kind == DcepKind::kUnusable);
  }
}

TEST_CASE("unknown types, unknown channels and endless names are unusable") {
  auto bytes = WriteDcepOpen({.label = "a"});
  bytes[0] = 0x07;
  CHECK(ParseDcep(bytes).kind == DcepKind::kUnusable);
  bytes[0] = 0x03;
  bytes[1] = 0x03;
  CHECK(ParseDcep(bytes).kind == DcepKind::kUnusable);
  bytes[1] = 0;
  std::vector<std::uint8_t> endless(12 + kMaxChannelName + 1, 'x');
  std::copy_n(bytes.begin(), 12, endless.begin());
  StoreU16(endless.data() + 8, kMaxChannelName + 1);
  CHECK(ParseDcep(endless).kind == DcepKind::kUnusable);
}

}  // namespace
}  // namespace hg
