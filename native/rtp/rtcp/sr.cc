#include "rtp/rtcp/sr.h"

namespace hg {
namespace {

constexpr std::size_t kMaxBlocks = 31;
constexpr std::size_t kInfoSize = 20;

}  // namespace

std::optional<SenderReport> SenderReport::Parse(const RtcpPacket& packet) {
  ByteReader reader(packet.body);
  SenderReport report;
  report.sender_ssrc = reader.U32();
  report.info.ntp = reader.U64();
  report.info.rtp_timestamp = reader.U32();
  report.info.packets = reader.U32();
  report.info.octets = reader.U32();
  report.blocks =
      ReportBlockRange(reader.Slice(packet.count * ReportBlock::kSize));
  if (!reader.ok()) return std::nullopt;
  return report;
}

bool WriteSenderReport(RtcpWriter& writer, std::uint32_t sender_ssrc,
                       const SenderInfo& info,
                       std::span<const ReportBlock> blocks) {
  if (blocks.size() > kMaxBlocks) return false;
  std::uint8_t* out = writer.Begin(
      RtcpType::kSenderReport, static_cast<std::uint8_t>(blocks.size()),
      4 + kInfoSize + blocks.size() * ReportBlock::kSize);
  if (out == nullptr) return false;
  StoreU32(out, sender_ssrc);
  StoreU64(out + 4, info.ntp);
  StoreU32(out + 12, info.rtp_timestamp);
  StoreU32(out + 16, info.packets);
  StoreU32(out + 20, info.octets);
  out += 4 + kInfoSize;
  for (const ReportBlock& block : blocks) {
    WriteReportBlock(block, out);
    out += ReportBlock::kSize;
  }
  return true;
}

}  // namespace hg
