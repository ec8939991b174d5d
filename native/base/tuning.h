// What the application may change while media runs, for all peers and sources
// at once. Whoever goes by it looks anew each second, or when it matters.
#pragma once

#include <cstdint>

#include "base/clock.h"
#include "base/counter.h"

namespace hg {

class Tuning {
 public:
  struct Values {
    Duration max_nack_age{};   // 0: no packet is sent again
    Duration no_media_time{};  // silence that is reported; 0: never
    std::uint32_t slow_link_threshold = 0;  // packets lost per second; 0: off
  };

  Tuning() = default;
  explicit Tuning(const Values& values) { Set(values); }

  // One thread; any may read meanwhile.
  void Set(const Values& values) {
    max_nack_age_.Set(static_cast<std::uint64_t>(values.max_nack_age.count()));
    no_media_time_.Set(
        static_cast<std::uint64_t>(values.no_media_time.count()));
    slow_link_threshold_.Set(values.slow_link_threshold);
  }

  Duration max_nack_age() const { return DurationOf(max_nack_age_); }
  Duration no_media_time() const { return DurationOf(no_media_time_); }
  std::uint64_t slow_link_threshold() const {
    return slow_link_threshold_.value();
  }

 private:
  static Duration DurationOf(const Gauge& gauge) {
    return Duration(static_cast<std::int64_t>(gauge.value()));
  }

  Gauge max_nack_age_, no_media_time_;  // nanoseconds
  Gauge slow_link_threshold_;
};

}  // namespace hg
