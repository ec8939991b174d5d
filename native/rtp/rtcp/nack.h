// Generic NACK (RFC 4585 s6.2.1): the sequence numbers a receiver misses.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/bytes.h"
#include "rtp/rtcp/compound.h"

namespace hg {

inline constexpr std::uint8_t kNackFormat = 1;  // of RTPFB

struct Nack {
  std::uint32_t sender_ssrc = 0;
  std::uint32_t media_ssrc = 0;
  Bytes items;  // PID and BLP, 4 bytes each

  static std::optional<Nack> Parse(const RtcpPacket& packet);

  // f(std::uint16_t seq), in the order asked. A packet of 1400 bytes can name
  // 5900: whoever answers needs a budget.
  template <typename F>
  void ForEach(F&& f) const {
    for (std::size_t i = 0; i + 4 <= items.size(); i += 4) {
      const std::uint16_t pid = LoadU16(&items[i]);
      f(pid);
      const std::uint16_t blp = LoadU16(&items[i + 2]);
      for (unsigned bit = 0; bit < 16; ++bit)
        if ((blp >> bit) & 1) f(static_cast<std::uint16_t>(pid + bit + 1));
    }
  }
};

// Writes as many of `seqs` (in rising order, modulo the wrap) as fit into one
// packet; returns how many, 0 if none.
std::size_t WriteNack(RtcpWriter& writer, std::uint32_t sender_ssrc,
                      std::uint32_t media_ssrc,
                      std::span<const std::uint16_t> seqs);

}  // namespace hg
