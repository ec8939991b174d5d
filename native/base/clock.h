// Time types of the media core. A protocol unit never reads a clock: its owner
// passes `now` in, so tests run in virtual time.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace hg {

using Duration = std::chrono::nanoseconds;
// Monotonic; its epoch means nothing outside this process.
using Timestamp = std::chrono::time_point<std::chrono::steady_clock, Duration>;
// Wall clock, as nanoseconds since 1970-01-01 UTC; only for NTP in RTCP.
using WallTime = std::chrono::time_point<std::chrono::system_clock, Duration>;

using namespace std::chrono_literals;

inline Timestamp MonotonicNow() { return std::chrono::steady_clock::now(); }
inline WallTime WallNow() { return std::chrono::system_clock::now(); }

// Makes `due` the earlier of the two; nullopt: never.
inline void Earliest(std::optional<Timestamp>& due,
                     const std::optional<Timestamp>& other) {
  if (other && (!due || *other < *due)) due = other;
}

inline constexpr std::int64_t ToMillis(Duration d) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(d).count();
}
inline constexpr std::int64_t ToMicros(Duration d) {
  return std::chrono::duration_cast<std::chrono::microseconds>(d).count();
}

}  // namespace hg
