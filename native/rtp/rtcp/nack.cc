#include "rtp/rtcp/nack.h"

#include <array>

namespace hg {
namespace {

struct Item {
  std::uint16_t pid;
  std::uint16_t blp;
};

// Takes as many of `seqs` from the front as one item can name.
Item TakeItem(std::span<const std::uint16_t>& seqs) {
  Item item{seqs.front(), 0};
  seqs = seqs.subspan(1);
  while (!seqs.empty()) {
    const auto after = static_cast<std::uint16_t>(seqs.front() - item.pid);
    if (after > 16) break;
    if (after > 0)
      item.blp = static_cast<std::uint16_t>(item.blp | (1u << (after - 1)));
    seqs = seqs.subspan(1);
  }
  return item;
}

}  // namespace

std::optional<Nack> Nack::Parse(const RtcpPacket& packet) {
  ByteReader reader(packet.body);
  Nack nack;
  nack.sender_ssrc = reader.U32();
  nack.media_ssrc = reader.U32();
  if (!reader.ok()) return std::nullopt;
  nack.items = reader.rest();
  return nack;
}

std::size_t WriteNack(RtcpWriter& writer, std::uint32_t sender_ssrc,
                      std::uint32_t media_ssrc,
                      std::span<const std::uint16_t> seqs) {
  if (seqs.empty()) return 0;
  // One packet must know its length first; 64 items are a lot of loss.
  std::array<Item, 64> items;
  std::size_t count = 0;
  const std::size_t room = writer.room() / 4;
  auto rest = seqs;
  while (!rest.empty() && count < items.size() &&
         kRtcpHeaderSize / 4 + 2 + count < room)
    items[count++] = TakeItem(rest);
  if (count == 0) return 0;

  std::uint8_t* out =
      writer.Begin(RtcpType::kTransportFeedback, kNackFormat, 8 + count * 4);
  if (out == nullptr) return 0;
  StoreU32(out, sender_ssrc);
  StoreU32(out + 4, media_ssrc);
  out += 8;
  for (std::size_t i = 0; i < count; ++i, out += 4) {
    StoreU16(out, items[i].pid);
    StoreU16(out + 2, items[i].blp);
  }
  return seqs.size() - rest.size();
}

}  // namespace hg
