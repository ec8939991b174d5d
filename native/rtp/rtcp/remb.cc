#include "rtp/rtcp/remb.h"

#include <bit>
#include <limits>

namespace hg {
namespace {

constexpr std::uint32_t kName = 0x52454d42;  // "REMB"
constexpr int kMantissaBits = 18;
constexpr std::size_t kMaxSsrcs = 255;

}  // namespace

std::optional<Remb> Remb::Parse(const RtcpPacket& packet) {
  ByteReader reader(packet.body);
  Remb remb;
  remb.sender_ssrc = reader.U32();
  reader.Skip(4);  // the media SSRC is 0
  const std::uint32_t name = reader.U32();
  const std::uint8_t count = reader.U8();
  const std::uint32_t value = reader.U24();
  remb.ssrcs = reader.Slice(count * 4u);
  if (!reader.ok() || name != kName) return std::nullopt;

  const std::uint64_t mantissa = value & ((1u << kMantissaBits) - 1);
  const int exponent = static_cast<int>(value >> kMantissaBits);
  remb.bitrate_bps = exponent > std::countl_zero(mantissa)
                         ? std::numeric_limits<std::uint64_t>::max()
                         : mantissa << exponent;
  return remb;
}

bool WriteRemb(RtcpWriter& writer, std::uint32_t sender_ssrc,
               std::uint64_t bitrate_bps,
               std::span<const std::uint32_t> ssrcs) {
  if (ssrcs.size() > kMaxSsrcs) return false;
  std::uint8_t* out = writer.Begin(RtcpType::kPayloadFeedback,
                                   kApplicationFormat, 16 + ssrcs.size() * 4);
  if (out == nullptr) return false;
  const auto width = static_cast<int>(std::bit_width(bitrate_bps));
  const int exponent = width > kMantissaBits ? width - kMantissaBits : 0;
  const auto mantissa = static_cast<std::uint32_t>(bitrate_bps >> exponent);
  StoreU32(out, sender_ssrc);
  StoreU32(out + 4, 0);
  StoreU32(out + 8, kName);
  out[12] = static_cast<std::uint8_t>(ssrcs.size());
  StoreU24(out + 13,
           (static_cast<std::uint32_t>(exponent) << kMantissaBits) | mantissa);
  out += 16;
  for (const std::uint32_t ssrc : ssrcs) {
    StoreU32(out, ssrc);
    out += 4;
  }
  return true;
}

}  // namespace hg
