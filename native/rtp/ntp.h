// The clocks of RTP and RTCP: NTP timestamps (RFC 3550 s4), the clock of a
// stream's timestamps, and the 24-bit abs-send-time of
// http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time.
#pragma once

#include <cstdint>

#include "base/clock.h"

namespace hg {

// 32.32 fixed point seconds since 1900-01-01.
using NtpTime = std::uint64_t;
// The middle 32 bits, 16.16: what LSR and DLSR carry. Wraps every 18 hours.
using CompactNtp = std::uint32_t;

// From 1900-01-01 to 1970-01-01: 70 years with 17 leap days.
inline constexpr std::uint64_t kNtpUnixOffsetSeconds = 2'208'988'800;

constexpr NtpTime ToNtp(WallTime time) {
  const auto ns = static_cast<std::uint64_t>(time.time_since_epoch().count());
  const std::uint64_t seconds = ns / 1'000'000'000;
  const std::uint64_t rest = ns % 1'000'000'000;
  return ((seconds + kNtpUnixOffsetSeconds) << 32) |
         ((rest << 32) / 1'000'000'000);
}
constexpr WallTime FromNtp(NtpTime ntp) {
  const std::uint64_t seconds = (ntp >> 32) - kNtpUnixOffsetSeconds;
  const std::uint64_t rest = ((ntp & 0xffffffff) * 1'000'000'000) >> 32;
  return WallTime(
      Duration(static_cast<std::int64_t>(seconds * 1'000'000'000 + rest)));
}
constexpr CompactNtp ToCompactNtp(NtpTime ntp) {
  return static_cast<CompactNtp>(ntp >> 16);
}
constexpr CompactNtp ToCompactNtp(Duration duration) {
  const auto ns = static_cast<std::uint64_t>(duration.count());
  return static_cast<CompactNtp>(((ns / 1'000'000'000) << 16) +
                                 ((ns % 1'000'000'000) << 16) / 1'000'000'000);
}
constexpr Duration FromCompactNtp(CompactNtp compact) {
  return Duration(static_cast<std::int64_t>(
      (std::uint64_t{compact} * 1'000'000'000) >> 16));
}

// A duration in ticks of a stream's clock of `rate` Hz, wrapping; 0 if
// negative.
constexpr std::uint32_t ToRtpTicks(Duration duration, std::uint32_t rate) {
  if (duration < Duration::zero()) return 0;
  const auto ns = static_cast<std::uint64_t>(duration.count());
  return static_cast<std::uint32_t>((ns / 1'000'000'000) * rate +
                                    (ns % 1'000'000'000) * rate /
                                        1'000'000'000);
}

// Seconds in units of 2^-18 (3.8 us), wrapping. The low 24 bits are the
// abs-send-time.
constexpr std::uint32_t SendTicks(Timestamp time) {
  const auto ns = static_cast<std::uint64_t>(time.time_since_epoch().count());
  return static_cast<std::uint32_t>(((ns / 1'000'000'000) << 18) +
                                    ((ns % 1'000'000'000) << 18) /
                                        1'000'000'000);
}
// Its epoch means nothing: receivers look at differences only.
constexpr std::uint32_t AbsSendTime(Timestamp time) {
  return SendTicks(time) & 0xffffff;
}

}  // namespace hg
