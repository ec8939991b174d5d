#include "rtp/rtcp/sdes.h"

#include <algorithm>

namespace hg {
namespace {

constexpr std::uint8_t kCnameItem = 1;  // RFC 3550 s6.5.1
constexpr std::size_t kMaxItemSize = 255;

}  // namespace

bool WriteCname(RtcpWriter& writer, std::uint32_t ssrc,
                std::string_view cname) {
  if (cname.size() > kMaxItemSize) return false;
  // At least one zero byte ends the chunk, which fills whole words.
  const std::size_t size = (4 + 2 + cname.size() + 1 + 3) / 4 * 4;
  std::uint8_t* out = writer.Begin(RtcpType::kSdes, 1, size);
  if (out == nullptr) return false;
  std::fill_n(out, size, std::uint8_t{0});
  StoreU32(out, ssrc);
  out[4] = kCnameItem;
  out[5] = static_cast<std::uint8_t>(cname.size());
  std::ranges::copy(cname, out + 6);
  return true;
}

}  // namespace hg
