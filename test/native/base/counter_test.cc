#include "base/counter.h"

#include <doctest/doctest.h>

namespace hg {

TEST_CASE("a counter adds up and a gauge shows the last value") {
  Counter counter;
  Gauge gauge;

  counter.Add();
  counter.Add(41);
  gauge.Set(7);
  gauge.Set(3);

  CHECK(counter.value() == 42);
  CHECK(gauge.value() == 3);
}

}  // namespace hg
