#include "rtp/rtcp/fir.h"

namespace hg {

std::optional<Fir> Fir::Parse(const RtcpPacket& packet) {
  ByteReader reader(packet.body);
  Fir fir;
  fir.sender_ssrc = reader.U32();
  reader.Skip(4);  // RFC 5104 s4.3.1.2: the media SSRC here is unused
  if (!reader.ok()) return std::nullopt;
  fir.entries = reader.rest();
  return fir;
}

bool WriteFir(RtcpWriter& writer, std::uint32_t sender_ssrc,
              const FirEntry& entry) {
  std::uint8_t* out = writer.Begin(RtcpType::kPayloadFeedback, kFirFormat, 16);
  if (out == nullptr) return false;
  StoreU32(out, sender_ssrc);
  StoreU32(out + 4, 0);
  StoreU32(out + 8, entry.ssrc);
  StoreU32(out + 12, std::uint32_t{entry.command} << 24);
  return true;
}

}  // namespace hg
