#include "rtp/packet.h"

namespace hg {

PacketKind Classify(Bytes packet) {
  // The shortest useful RTCP packet is a header and one SSRC.
  if (packet.size() < 8 || (packet[0] >> 6) != 2) return PacketKind::kUnknown;
  const std::uint8_t second = packet[1];
  if (second >= 192 && second <= 223) return PacketKind::kRtcp;
  const std::uint8_t payload_type = second & 0x7f;
  if (payload_type >= 64 && payload_type <= 95) return PacketKind::kUnknown;
  return packet.size() >= RtpView::kFixedHeaderSize ? PacketKind::kRtp
                                                    : PacketKind::kUnknown;
}

void ExtensionRange::Iterator::Advance() {
  element_ = {0, {}};
  while (!rest_.empty()) {
    const std::uint8_t first = rest_[0];
    if (first == 0) {  // padding, one byte in both forms
      rest_ = rest_.subspan(1);
      continue;
    }
    const std::size_t header = two_byte_ ? 2 : 1;
    if (rest_.size() < header) break;
    const std::uint8_t id = two_byte_ ? first : first >> 4;
    // s4.2: 15 is reserved and ends the block. 0 with a length is nothing.
    if (!two_byte_ && (id == 0 || id > kMaxOneByteExtensionId)) break;
    const std::size_t length = two_byte_ ? rest_[1] : (first & 0x0f) + 1u;
    if (rest_.size() - header < length) break;
    element_ = {id, rest_.subspan(header, length)};
    rest_ = rest_.subspan(header + length);
    return;
  }
  rest_ = {};
}

ExtensionRange::Iterator ExtensionRange::begin() const {
  if (profile_ == kOneByteExtensions) return {block_, false};
  if ((profile_ & kTwoByteExtensionsMask) == kTwoByteExtensions)
    return {block_, true};
  return {};
}

std::optional<Bytes> ExtensionRange::Find(std::uint8_t id) const {
  for (const ExtensionElement& element : *this)
    if (element.id == id) return element.data;
  return std::nullopt;
}

std::optional<RtpView> RtpView::Parse(Bytes packet) {
  ByteReader reader(packet);
  const std::uint8_t first = reader.U8();
  const std::uint8_t second = reader.U8();
  if ((first >> 6) != 2) return std::nullopt;

  RtpView view;
  view.marker = (second & 0x80) != 0;
  view.payload_type = second & 0x7f;
  view.seq = reader.U16();
  view.timestamp = reader.U32();
  view.ssrc = reader.U32();
  view.csrcs = reader.Slice((first & 0x0fu) * 4);
  if ((first & 0x10) != 0) {
    view.extension_profile = reader.U16();
    const std::size_t words = reader.U16();
    view.extension = reader.Slice(words * 4);
  }
  if (!reader.ok()) return std::nullopt;
  view.payload = reader.rest();
  view.header_size = packet.size() - view.payload.size();
  if ((first & 0x20) != 0) {
    // RFC 3550 s5.1: the last byte counts the padding, itself included.
    if (view.payload.empty()) return std::nullopt;
    view.padding_size = view.payload.back();
    if (view.padding_size == 0 || view.padding_size > view.payload.size())
      return std::nullopt;
    view.payload = view.payload.first(view.payload.size() - view.padding_size);
  }
  return view;
}

void Describe(const RtpView& view, PacketInfo& info) {
  info.ssrc = view.ssrc;
  info.payload_type = view.payload_type;
  info.marker = view.marker;
  info.payload_offset = static_cast<std::uint16_t>(view.header_size);
  info.payload_size = static_cast<std::uint16_t>(view.payload.size());
  info.extension_profile = view.extension_profile;
  info.extension_size = static_cast<std::uint16_t>(view.extension.size());
  info.extension_offset =
      static_cast<std::uint16_t>(view.header_size - view.extension.size());
}

}  // namespace hg
