#include "rtp/rtx.h"

#include <algorithm>

namespace hg {

std::size_t UnwrapRtx(MutableBytes packet, const RtpView& rtx,
                      std::uint32_t ssrc, std::uint8_t payload_type) {
  constexpr std::size_t kOriginalSeq = 2;
  if (rtx.payload.size() < kOriginalSeq) return 0;
  const std::uint16_t seq = LoadU16(rtx.payload.data());
  packet[1] = static_cast<std::uint8_t>((packet[1] & 0x80) | payload_type);
  StoreU16(&packet[2], seq);
  StoreU32(&packet[8], ssrc);
  const MutableBytes rest = packet.subspan(rtx.header_size + kOriginalSeq);
  std::copy(rest.begin(), rest.end(), packet.subspan(rtx.header_size).begin());
  return packet.size() - kOriginalSeq;
}

}  // namespace hg
