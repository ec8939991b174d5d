#include "rtp/rtcp/pli.h"

namespace hg {

std::optional<Pli> Pli::Parse(const RtcpPacket& packet) {
  ByteReader reader(packet.body);
  Pli pli;
  pli.sender_ssrc = reader.U32();
  pli.media_ssrc = reader.U32();
  if (!reader.ok()) return std::nullopt;
  return pli;
}

bool WritePli(RtcpWriter& writer, const Pli& pli) {
  std::uint8_t* out = writer.Begin(RtcpType::kPayloadFeedback, kPliFormat, 8);
  if (out == nullptr) return false;
  StoreU32(out, pli.sender_ssrc);
  StoreU32(out + 4, pli.media_ssrc);
  return true;
}

}  // namespace hg
