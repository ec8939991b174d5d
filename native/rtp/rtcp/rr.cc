#include "rtp/rtcp/rr.h"

#include <algorithm>

namespace hg {
namespace {

constexpr std::size_t kMaxBlocks = 31;
constexpr std::int32_t kMaxLost = 0x7fffff;
constexpr std::int32_t kMinLost = -0x800000;

}  // namespace

ReportBlock ReportBlockRange::Iterator::operator*() const {
  // 24 bits with a sign: to the top, and down again arithmetically.
  const auto lost = static_cast<std::int32_t>(LoadU24(at_ + 5) << 8) >> 8;
  return {.ssrc = LoadU32(at_),
          .fraction_lost = at_[4],
          .lost = lost,
          .highest_seq = LoadU32(at_ + 8),
          .jitter = LoadU32(at_ + 12),
          .last_sr = LoadU32(at_ + 16),
          .delay_since_last_sr = LoadU32(at_ + 20)};
}

std::optional<ReceiverReport> ReceiverReport::Parse(const RtcpPacket& packet) {
  ByteReader reader(packet.body);
  ReceiverReport report;
  report.sender_ssrc = reader.U32();
  report.blocks =
      ReportBlockRange(reader.Slice(packet.count * ReportBlock::kSize));
  if (!reader.ok()) return std::nullopt;
  return report;
}

void WriteReportBlock(const ReportBlock& block, std::uint8_t* out) {
  StoreU32(out, block.ssrc);
  out[4] = block.fraction_lost;
  StoreU24(out + 5, static_cast<std::uint32_t>(
                        std::clamp(block.lost, kMinLost, kMaxLost)));
  StoreU32(out + 8, block.highest_seq);
  StoreU32(out + 12, block.jitter);
  StoreU32(out + 16, block.last_sr);
  StoreU32(out + 20, block.delay_since_last_sr);
}

bool WriteReceiverReport(RtcpWriter& writer, std::uint32_t sender_ssrc,
                         std::span<const ReportBlock> blocks) {
  if (blocks.size() > kMaxBlocks) return false;
  std::uint8_t* out = writer.Begin(RtcpType::kReceiverReport,
                                   static_cast<std::uint8_t>(blocks.size()),
                                   4 + blocks.size() * ReportBlock::kSize);
  if (out == nullptr) return false;
  StoreU32(out, sender_ssrc);
  out += 4;
  for (const ReportBlock& block : blocks) {
    WriteReportBlock(block, out);
    out += ReportBlock::kSize;
  }
  return true;
}

}  // namespace hg
