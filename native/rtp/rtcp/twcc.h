// Transport-wide congestion control feedback, as received
// (draft-holmer-rmcat-transport-wide-cc-extensions-01 s3.1): which packets of a
// transport arrived, and when.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/clock.h"
#include "rtp/rtcp/compound.h"

namespace hg {

inline constexpr std::uint8_t kTransportCcFormat = 15;  // of RTPFB

struct TransportCc {
  std::uint32_t sender_ssrc = 0;
  std::uint32_t media_ssrc = 0;
  std::uint16_t base_seq = 0;
  std::uint16_t count = 0;           // packets it speaks of
  std::uint32_t reference_time = 0;  // 24 bit, signed, in units of 64 ms
  std::uint8_t feedback_count = 0;   // number of this feedback, wrapping
  std::uint16_t received = 0;
  std::uint16_t lost = 0;

  // A few bytes can speak of 65535 packets; nobody sends this many between two
  // feedbacks.
  static constexpr std::uint16_t kMaxCount = 8192;

  // Walks it once; nullopt if chunks or deltas end early.
  static std::optional<TransportCc> Parse(const RtcpPacket& packet);

  // f(std::uint16_t seq, std::optional<Duration> arrival): arrival in the
  // receiver's clock, counted from reference_time; nullopt if lost.
  template <typename F>
  void ForEach(F&& f) const;

  Bytes chunks;  // 2 bytes each, as many as `count` needs
  Bytes deltas;  // what follows; maybe with padding
};

namespace internal {
// Bytes of delta behind a packet status symbol: 0 not received, 1 small,
// 2 large or negative, 3 reserved (treated as not received, without delta).
constexpr std::size_t TransportCcDeltaSize(unsigned symbol) {
  return symbol == 3 ? 0 : symbol;
}
// Calls f(symbol) for at most `left` packets of a chunk; returns how many.
template <typename F>
std::size_t ForEachSymbol(std::uint16_t chunk, std::size_t left, F&& f) {
  std::size_t n = 0;
  if ((chunk & 0x8000) == 0) {  // s3.1.3: a run
    const std::size_t run = chunk & 0x1fff;
    for (; n < run && n < left; ++n) f((chunk >> 13) & 3u);
  } else if ((chunk & 0x4000) == 0) {  // s3.1.4: 14 of one bit
    for (; n < 14 && n < left; ++n) f((chunk >> (13 - n)) & 1u);
  } else {  // 7 of two bits
    for (; n < 7 && n < left; ++n) f((chunk >> (12 - 2 * n)) & 3u);
  }
  return n;
}
}  // namespace internal

template <typename F>
void TransportCc::ForEach(F&& f) const {
  constexpr Duration kDeltaUnit = 250us;
  std::uint16_t seq = base_seq;
  std::size_t left = count;
  Duration arrival{0};
  ByteReader delta_reader(deltas);
  for (std::size_t i = 0; i + 2 <= chunks.size() && left > 0; i += 2) {
    left -= internal::ForEachSymbol(
        LoadU16(&chunks[i]), left, [&](unsigned symbol) {
          const std::size_t size = internal::TransportCcDeltaSize(symbol);
          if (size == 0) {
            f(seq++, std::optional<Duration>());
            return;
          }
          arrival +=
              kDeltaUnit *
              (size == 1 ? int{delta_reader.U8()}
                         : int{static_cast<std::int16_t>(delta_reader.U16())});
          f(seq++, std::optional<Duration>(arrival));
        });
  }
}

}  // namespace hg
