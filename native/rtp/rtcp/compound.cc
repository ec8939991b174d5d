#include "rtp/rtcp/compound.h"

#include "base/check.h"

namespace hg {

std::optional<RtcpPacket> RtcpReader::Next() {
  if (rest_.empty() || malformed_) return std::nullopt;
  ByteReader reader(rest_);
  const std::uint8_t first = reader.U8();
  const auto type = static_cast<RtcpType>(reader.U8());
  const std::size_t words = reader.U16();
  Bytes body = reader.Slice(words * 4);
  malformed_ = true;
  if (!reader.ok() || (first >> 6) != 2) return std::nullopt;
  if ((first & 0x20) != 0) {
    // RFC 3550 s6.4.1: only the last packet of a compound is padded.
    if (reader.remaining() != 0 || body.empty()) return std::nullopt;
    const std::size_t padding = body.back();
    if (padding == 0 || padding % 4 != 0 || padding > body.size())
      return std::nullopt;
    body = body.first(body.size() - padding);
  }
  malformed_ = false;
  rest_ = reader.rest();
  return RtcpPacket{type, static_cast<std::uint8_t>(first & 0x1f), body};
}

std::uint8_t* RtcpWriter::Begin(RtcpType type, std::uint8_t count,
                                std::size_t body_size) {
  HG_CHECK(body_size % 4 == 0 && body_size <= 0xffff * 4 && count < 32);
  if (out_.size() - size_ < kRtcpHeaderSize + body_size) return nullptr;
  std::uint8_t* const p = out_.data() + size_;
  p[0] = static_cast<std::uint8_t>(0x80 | count);
  p[1] = static_cast<std::uint8_t>(type);
  StoreU16(p + 2, static_cast<std::uint16_t>(body_size / 4));
  size_ += kRtcpHeaderSize + body_size;
  return p + kRtcpHeaderSize;
}

}  // namespace hg
