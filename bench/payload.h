// What the feeder sends and the load client checks: RTP that a gateway takes
// for VP8 (RFC 7741), with a running number, the time of sending and a pattern
// inside. The time is CLOCK_MONOTONIC, which all processes of a machine share.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>

#include "base/bytes.h"
#include "base/clock.h"

namespace hg::bench {

inline constexpr std::size_t kRtpHeaderSize = 12;
inline constexpr std::size_t kPacketSize = 1200;
inline constexpr std::size_t kPayloadSize = kPacketSize - kRtpHeaderSize;

// Payload: descriptor (4 bytes), frame header (10, of a frame's first packet),
// filler (2), mark (4), what follows aligned to 4: number (8), time (8), words.
inline constexpr std::size_t kMarkOffset = 16;
inline constexpr std::size_t kWordsOffset = kMarkOffset + 20;
inline constexpr std::size_t kWords = (kPayloadSize - kWordsOffset) / 8;
static_assert(kWordsOffset + kWords * 8 == kPayloadSize);
inline constexpr std::uint32_t kMark = 0x68674231;

struct Stamp {
  std::uint64_t number;  // of the packet, from 1 on
  Timestamp sent;
};

inline std::uint64_t PatternWord(std::uint64_t number, std::uint64_t index) {
  return number * 0x9e3779b97f4a7c15u + index * 0x0101010101010101u;
}

struct VideoPosition {
  bool keyframe;
  bool first;  // packet of its frame
  std::uint16_t picture;
};

inline void WritePayload(const VideoPosition& at, const Stamp& stamp,
                         std::uint8_t* out) {
  std::memset(out, 0, kMarkOffset);
  // RFC 7741 s4.2: X, S at the start of the frame; I; 15 bits of picture id.
  out[0] = static_cast<std::uint8_t>(0x80 | (at.first ? 0x10 : 0));
  out[1] = 0x80;
  StoreU16(out + 2, static_cast<std::uint16_t>(0x8000 | at.picture));
  if (at.first) {
    // RFC 6386 s9.1: P (0 in a keyframe), version 0, shown.
    out[4] = static_cast<std::uint8_t>(0x10 | (at.keyframe ? 0 : 1));
    if (at.keyframe) {
      constexpr std::array<std::uint8_t, 7> kStartCode = {
          0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01};  // 640 x 360
      std::memcpy(out + 7, kStartCode.data(), kStartCode.size());
    }
  }
  StoreU32(out + kMarkOffset, kMark);
  StoreU64(out + kMarkOffset + 4, stamp.number);
  StoreU64(out + kMarkOffset + 12,
           static_cast<std::uint64_t>(stamp.sent.time_since_epoch().count()));
  for (std::size_t i = 0; i < kWords; ++i) {
    const std::uint64_t word = PatternWord(stamp.number, i);
    std::memcpy(out + kWordsOffset + 8 * i, &word, sizeof word);
  }
}

// False if the payload is not what WritePayload() wrote.
inline bool ReadPayload(Bytes payload, Stamp& stamp) {
  if (payload.size() != kPayloadSize) return false;
  const std::uint8_t* in = payload.data();
  if (LoadU32(in + kMarkOffset) != kMark) return false;
  stamp.number = LoadU64(in + kMarkOffset + 4);
  stamp.sent = Timestamp(
      Duration(static_cast<std::int64_t>(LoadU64(in + kMarkOffset + 12))));
  std::uint64_t difference = 0;
  for (std::size_t i = 0; i < kWords; ++i) {
    std::uint64_t word;
    std::memcpy(&word, in + kWordsOffset + 8 * i, sizeof word);
    difference |= word ^ PatternWord(stamp.number, i);
  }
  return difference == 0;
}

}  // namespace hg::bench
