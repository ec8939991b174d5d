#include "rtp/ntp.h"

#include <doctest/doctest.h>

namespace hg {

TEST_CASE("wall time becomes NTP time and back") {
  // RFC 5905 s6: 1970-01-01 is 2208988800 in the first era.
  CHECK(ToNtp(WallTime()) == std::uint64_t{2'208'988'800} << 32);
  CHECK(ToNtp(WallTime(500ms)) ==
        ((std::uint64_t{2'208'988'800} << 32) | 0x80000000u));

  const WallTime now(1'714'550'000'123'456'789ns);
  const Duration error = now - FromNtp(ToNtp(now));
  CHECK(error >= 0ns);
  CHECK(error <= 1ns);
}

TEST_CASE("compact NTP counts in 65536ths of a second") {
  CHECK(ToCompactNtp(Duration(1s)) == 0x10000);
  CHECK(ToCompactNtp(Duration(1500ms)) == 0x18000);
  CHECK(ToCompactNtp(NtpTime{0x1122334455667788}) == 0x33445566);
  CHECK(FromCompactNtp(0x18000) == 1500ms);
}

TEST_CASE("abs-send-time is 6.18 fixed point and wraps after 64 seconds") {
  const Timestamp start(123'456s);

  CHECK(((AbsSendTime(start + 1s) - AbsSendTime(start)) & 0xffffff) == 1 << 18);
  CHECK(AbsSendTime(start + 64s) == AbsSendTime(start));
  CHECK(AbsSendTime(Timestamp(63'999'999'999ns)) == 0xffffff);
}

TEST_CASE("send ticks do not overflow after years of uptime") {
  const Timestamp late(std::chrono::hours(24 * 365 * 100));

  CHECK(SendTicks(late + 250ms) - SendTicks(late) == 1 << 16);
}

TEST_CASE("durations become ticks of a stream's clock") {
  CHECK(ToRtpTicks(20ms, 48000) == 960);
  CHECK(ToRtpTicks(1s, 90000) == 90000);
  CHECK(ToRtpTicks(-1s, 90000) == 0);
  CHECK(ToRtpTicks(std::chrono::hours(24 * 365), 90000) ==
        static_cast<std::uint32_t>(std::uint64_t{24 * 365 * 3600} * 90000));
}

}  // namespace hg
