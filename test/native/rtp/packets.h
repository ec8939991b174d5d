// Packets for the tests of this folder.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/pool.h"
#include "rtp/packet.h"

namespace hg {

// Every test of a 16-bit counter starts on both sides of the wrap.
inline constexpr std::uint16_t kStarts[] = {0, 1, 511, 32767, 32768, 65535};

inline std::uint16_t Plus(std::uint16_t seq, int n) {
  return static_cast<std::uint16_t>(seq + n);
}

using ByteVector = std::vector<std::uint8_t>;

inline void AppendU16(ByteVector& out, std::uint16_t v) {
  out.resize(out.size() + 2);
  StoreU16(&out[out.size() - 2], v);
}
inline void AppendU32(ByteVector& out, std::uint32_t v) {
  out.resize(out.size() + 4);
  StoreU32(&out[out.size() - 4], v);
}
inline void Append(ByteVector& out, Bytes bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

// The fields of an RTP packet (RFC 3550 s5.1); Build() writes them as told,
// also wrongly.
struct RtpFields {
  bool marker = false;
  std::uint8_t payload_type = 96;
  std::uint16_t seq = 0;
  std::uint32_t timestamp = 0;
  std::uint32_t ssrc = 0x11223344;
  std::vector<std::uint32_t> csrcs;
  std::uint16_t extension_profile = 0;  // 0: none
  ByteVector extension;                 // whole words
  ByteVector payload{1, 2, 3, 4, 5};
  std::uint8_t padding = 0;

  ByteVector Build() const {
    ByteVector out;
    out.push_back(static_cast<std::uint8_t>(
        0x80 | (padding != 0 ? 0x20 : 0) | (extension_profile != 0 ? 0x10 : 0) |
        static_cast<int>(csrcs.size())));
    out.push_back(
        static_cast<std::uint8_t>((marker ? 0x80 : 0) | payload_type));
    AppendU16(out, seq);
    AppendU32(out, timestamp);
    AppendU32(out, ssrc);
    for (const std::uint32_t csrc : csrcs) AppendU32(out, csrc);
    if (extension_profile != 0) {
      AppendU16(out, extension_profile);
      AppendU16(out, static_cast<std::uint16_t>(extension.size() / 4));
      Append(out, extension);
    }
    Append(out, payload);
    if (padding != 0) {
      out.resize(out.size() + padding - 1u);
      out.push_back(padding);
    }
    return out;
  }
};

// A packet as a source seals it, its normalised numbers set apart from those in
// its bytes.
inline PacketRef Seal(PacketPool& pool, const RtpFields& fields,
                      const PacketInfo& info = {}) {
  PacketDraft draft = pool.Allocate();
  HG_CHECK(draft);
  const ByteVector bytes = fields.Build();
  std::copy(bytes.begin(), bytes.end(), draft->buffer().begin());
  draft->set_size(bytes.size());
  const auto view = RtpView::Parse(draft->bytes());
  HG_CHECK(view.has_value());
  draft->info = info;
  Describe(*view, draft->info);
  return std::move(draft).Seal();
}

}  // namespace hg
