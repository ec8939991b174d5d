// Full Intra Request (RFC 5104 s4.3.1): a keyframe request with a command
// number, by which a repeated request is told from a new one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "rtp/rtcp/compound.h"

namespace hg {

inline constexpr std::uint8_t kFirFormat = 4;  // of PSFB

struct FirEntry {
  std::uint32_t ssrc = 0;    // of the media sender that shall make the keyframe
  std::uint8_t command = 0;  // goes up by one with each new request
};

struct Fir {
  std::uint32_t sender_ssrc = 0;
  Bytes entries;  // 8 bytes each

  static std::optional<Fir> Parse(const RtcpPacket& packet);
  std::size_t size() const { return entries.size() / 8; }
  FirEntry entry(std::size_t i) const {
    return {LoadU32(&entries[i * 8]), entries[i * 8 + 4]};
  }
};

bool WriteFir(RtcpWriter& writer, std::uint32_t sender_ssrc,
              const FirEntry& entry);

// Of one viewer's track: is this a request we have not seen?
class FirFilter {
 public:
  bool IsNew(std::uint32_t sender_ssrc, std::uint8_t command) {
    if (last_ && last_->ssrc == sender_ssrc && last_->command == command)
      return false;
    last_ = FirEntry{sender_ssrc, command};
    return true;
  }

 private:
  std::optional<FirEntry> last_;
};

}  // namespace hg
