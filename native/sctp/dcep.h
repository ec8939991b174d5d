// The Data Channel Establishment Protocol (RFC 8832): what opens a channel, and
// the payload protocol identifiers of RFC 8831 s8. Pure bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace hg {

enum class Ppid : std::uint32_t {
  kDcep = 50,
  kText = 51,
  kBinary = 53,
  // SCTP has no empty messages: one byte stands for none.
  kEmptyText = 56,
  kEmptyBinary = 57,
};

struct ChannelConfig {
  std::string label;     // UTF-8
  std::string protocol;  // UTF-8
  bool ordered = true;
  // At most one of them; neither: reliable.
  std::optional<std::uint32_t> max_retransmits;
  std::optional<std::uint32_t> max_packet_life_time;  // milliseconds
  std::uint16_t priority = 256;                       // RFC 8831 s6.4: normal

  bool reliable() const { return !max_retransmits && !max_packet_life_time; }
  bool operator==(const ChannelConfig&) const = default;
};

// A stranger's names are kept as long as the channel is there. The wire has
// room for 65,535 bytes of each; nobody was seen to use a hundred.
inline constexpr std::size_t kMaxChannelName = 2048;

enum class DcepKind : std::uint8_t { kOpen, kAck, kUnusable };

struct DcepMessage {
  DcepKind kind = DcepKind::kUnusable;
  ChannelConfig config;  // of kOpen
};

DcepMessage ParseDcep(Bytes message);
// Names longer than kMaxChannelName are not for here.
std::vector<std::uint8_t> WriteDcepOpen(const ChannelConfig& config);
std::vector<std::uint8_t> WriteDcepAck();

}  // namespace hg
