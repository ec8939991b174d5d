#include "sctp/dcep.h"

#include <algorithm>

#include "base/check.h"

namespace hg {
namespace {

// RFC 8832 s5.
constexpr std::uint8_t kAckType = 0x02;
constexpr std::uint8_t kOpenType = 0x03;
constexpr std::size_t kOpenHeader = 12;

// The channel type, without the bit that says unordered.
constexpr std::uint8_t kReliable = 0x00;
constexpr std::uint8_t kRexmit = 0x01;
constexpr std::uint8_t kTimed = 0x02;
constexpr std::uint8_t kUnordered = 0x80;

DcepMessage ParseOpen(ByteReader& reader) {
  DcepMessage message;
  const std::uint8_t type = reader.U8();
  message.config.priority = reader.U16();
  const std::uint32_t reliability = reader.U32();
  const std::size_t label_size = reader.U16();
  const std::size_t protocol_size = reader.U16();
  if (label_size > kMaxChannelName || protocol_size > kMaxChannelName)
    return message;
  const Bytes label = reader.Slice(label_size);
  const Bytes protocol = reader.Slice(protocol_size);
  if (!reader.ok()) return message;

  message.config.ordered = (type & kUnordered) == 0;
  switch (type & ~kUnordered) {
    case kReliable:
      break;
    case kRexmit:
      message.config.max_retransmits = reliability;
      break;
    case kTimed:
      message.config.max_packet_life_time = reliability;
      break;
    default:
      return message;
  }
  message.config.label.assign(label.begin(), label.end());
  message.config.protocol.assign(protocol.begin(), protocol.end());
  message.kind = DcepKind::kOpen;
  return message;
}

}  // namespace

DcepMessage ParseDcep(Bytes bytes) {
  ByteReader reader(bytes);
  switch (reader.U8()) {
    case kAckType:
      return {reader.ok() ? DcepKind::kAck : DcepKind::kUnusable, {}};
    case kOpenType:
      return ParseOpen(reader);
    default:
      return {};
  }
}

std::vector<std::uint8_t> WriteDcepOpen(const ChannelConfig& config) {
  HG_CHECK(config.label.size() <= kMaxChannelName &&
           config.protocol.size() <= kMaxChannelName);
  std::vector<std::uint8_t> bytes(kOpenHeader + config.label.size() +
                                  config.protocol.size());
  std::uint8_t type = kReliable;
  std::uint32_t reliability = 0;
  if (config.max_retransmits) {
    type = kRexmit;
    reliability = *config.max_retransmits;
  } else if (config.max_packet_life_time) {
    type = kTimed;
    reliability = *config.max_packet_life_time;
  }
  std::uint8_t* p = bytes.data();
  p[0] = kOpenType;
  p[1] = static_cast<std::uint8_t>(type | (config.ordered ? 0 : kUnordered));
  StoreU16(p + 2, config.priority);
  StoreU32(p + 4, reliability);
  StoreU16(p + 8, static_cast<std::uint16_t>(config.label.size()));
  StoreU16(p + 10, static_cast<std::uint16_t>(config.protocol.size()));
  const auto names = std::ranges::copy(config.label, p + kOpenHeader).out;
  std::ranges::copy(config.protocol, names);
  return bytes;
}

std::vector<std::uint8_t> WriteDcepAck() { return {kAckType}; }

}  // namespace hg
