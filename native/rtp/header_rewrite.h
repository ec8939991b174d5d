// What differs per viewer of a shared packet: SSRC, payload type, sequence,
// timestamp and header extensions (RFC 8285). The viewer's own fresh header is
// written in front of a copy of the payload; the source's CSRCs, padding and
// extensions are left out, but for those extensions that PacketInfo::Passed
// names, if they are negotiated.
//
// A dependency descriptor of more than 16 bytes needs the two-byte form, which
// such a packet has then whatever others have (RFC 8285 s4.1.2): it may be
// negotiated only with `a=extmap-allow-mixed`.
//
// Invariant: Write() is a pure function of its configuration and arguments. A
// plain resend with the first sending's Stamp is therefore byte-identical, as
// SRTP under AES-GCM demands. Whoever changes the configuration of a viewer
// (renegotiation) clears its SentMap.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/pool.h"
#include "rtp/ext/ids.h"
#include "rtp/ext/playout_delay.h"

namespace hg {

class HeaderRewrite {
 public:
  // RFC 9143 sets no limit; JavaScript refuses longer ones.
  static constexpr std::size_t kMaxMidSize = 32;
  // The largest block of our own extensions: 4 bytes of header, then four
  // elements in the two-byte form with their 2 bytes of header each.
  static constexpr std::size_t kMaxBlockSize =
      4 + 4 * 2 + kMaxMidSize + 3 + 3 + 2;
  // 12 fixed, 2 of RTX. Without what is passed on.
  static constexpr std::size_t kMaxHeaderSize = 12 + kMaxBlockSize + 2;

  struct Rtx {  // RFC 4588, by SSRC multiplexing
    std::uint32_t ssrc = 0;
    std::uint8_t payload_type = 0;
  };
  struct Config {
    std::uint32_t ssrc = 0;
    std::uint8_t payload_type = 0;
    // RED (RFC 2198); nullopt: the viewer gets the primary encoding alone.
    std::optional<std::uint8_t> red_payload_type;
    std::optional<Rtx> rtx;
    ExtensionIds ids;
    std::string_view mid;  // copied; at most kMaxMidSize bytes
    // Instead of the source's, if its id is negotiated.
    std::optional<PlayoutDelay> playout_delay;
  };
  // What differs per packet. abs_send_time (24 bit) and transport_seq are
  // ignored if not negotiated.
  struct Stamp {
    std::uint16_t seq = 0;
    std::uint32_t timestamp = 0;
    std::uint32_t abs_send_time = 0;
    std::uint16_t transport_seq = 0;
    // To add to the frame number of a dependency descriptor.
    std::uint16_t frame_offset = 0;
    // Even if the source's packet has none: the rest of the picture is not for
    // this viewer.
    bool marker = false;
  };

  explicit HeaderRewrite(const Config& config);

  // The size written to `out`, 0 if it does not fit (nothing is written then).
  std::size_t Write(const PacketBuffer& packet, const Stamp& stamp,
                    MutableBytes out) const;
  // RFC 4588 s4: `stamp.seq` is the RTX stream's own; `original_seq` is the one
  // this viewer was sent first. 0 also if RTX was not negotiated.
  std::size_t WriteRtx(const PacketBuffer& packet, const Stamp& stamp,
                       std::uint16_t original_seq, MutableBytes out) const;

  // What a viewer is sent of the packet, behind its header.
  Bytes PayloadOf(const PacketBuffer& packet) const;
  std::uint32_t ssrc() const { return ssrc_; }
  std::uint8_t payload_type() const { return payload_type_; }
  const std::optional<Rtx>& rtx() const { return rtx_; }

 private:
  class Elements;

  std::size_t WriteHeader(const PacketBuffer& packet, std::uint8_t payload_type,
                          std::uint32_t ssrc, const Stamp& stamp,
                          MutableBytes out) const;
  std::size_t WriteBlock(const PacketBuffer& packet, const Stamp& stamp,
                         MutableBytes out) const;

  std::uint32_t ssrc_;
  std::uint8_t payload_type_;
  std::optional<std::uint8_t> red_payload_type_;
  std::optional<Rtx> rtx_;
  ExtensionIds ids_;
  std::uint8_t passes_ = 0;  // of PacketInfo::Passed
  bool one_byte_ = true;
  // The extension block as it goes out, but for the two stamps, whose places
  // (0: absent) are remembered. `own_size_`: before its padding.
  std::uint8_t block_size_ = 0;
  std::uint8_t own_size_ = 0;
  std::uint8_t abs_send_time_at_ = 0;
  std::uint8_t transport_cc_at_ = 0;
  std::array<std::uint8_t, kMaxBlockSize> block_{};
};

}  // namespace hg
