#include "rtp/rtcp/bye.h"

namespace hg {

std::optional<Bye> Bye::Parse(const RtcpPacket& packet) {
  ByteReader reader(packet.body);
  Bye bye;
  bye.ssrcs = reader.Slice(packet.count * 4u);
  if (!reader.ok()) return std::nullopt;
  return bye;
}

bool WriteBye(RtcpWriter& writer, std::span<const std::uint32_t> ssrcs) {
  if (ssrcs.size() > 31) return false;
  std::uint8_t* out =
      writer.Begin(RtcpType::kBye, static_cast<std::uint8_t>(ssrcs.size()),
                   ssrcs.size() * 4);
  if (out == nullptr) return false;
  for (const std::uint32_t ssrc : ssrcs) {
    StoreU32(out, ssrc);
    out += 4;
  }
  return true;
}

}  // namespace hg
