#include "rtp/rtcp/twcc.h"

namespace hg {

std::optional<TransportCc> TransportCc::Parse(const RtcpPacket& packet) {
  ByteReader reader(packet.body);
  TransportCc feedback;
  feedback.sender_ssrc = reader.U32();
  feedback.media_ssrc = reader.U32();
  feedback.base_seq = reader.U16();
  feedback.count = reader.U16();
  feedback.reference_time = reader.U24();
  feedback.feedback_count = reader.U8();
  if (!reader.ok() || feedback.count == 0 || feedback.count > kMaxCount)
    return std::nullopt;

  const Bytes chunks = reader.rest();
  std::size_t left = feedback.count;
  std::size_t delta_size = 0;
  while (left > 0) {
    const std::uint16_t chunk = reader.U16();
    if (!reader.ok()) return std::nullopt;
    const std::size_t n =
        internal::ForEachSymbol(chunk, left, [&](unsigned symbol) {
          const std::size_t size = internal::TransportCcDeltaSize(symbol);
          delta_size += size;
          if (size != 0) ++feedback.received;
        });
    if (n == 0) return std::nullopt;  // a run of none would never end
    left -= n;
  }
  feedback.chunks = chunks.first(chunks.size() - reader.remaining());
  feedback.deltas = reader.Slice(delta_size);
  if (!reader.ok()) return std::nullopt;
  feedback.lost =
      static_cast<std::uint16_t>(feedback.count - feedback.received);
  return feedback;
}

}  // namespace hg
