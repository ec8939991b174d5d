#include "rtp/resend_budget.h"

#include <doctest/doctest.h>

namespace hg {

TEST_CASE("resends may take a share of what is sent") {
  const Timestamp now(1s);
  ResendBudget budget(
      {.share_percent = 50, .floor_bps = 0, .burst_bytes = 1000}, now);
  CHECK(budget.Take(1000, now));
  CHECK_FALSE(budget.Take(1, now));

  budget.OnSent(1200);

  CHECK_FALSE(budget.Take(601, now));
  CHECK(budget.Take(600, now));
  CHECK_FALSE(budget.Take(1, now));
  CHECK(budget.refused() == 3);
}

TEST_CASE("the floor fills the budget without any sending") {
  const Timestamp now(1s);
  ResendBudget budget(
      {.share_percent = 50, .floor_bps = 80'000, .burst_bytes = 1200}, now);
  CHECK(budget.Take(1200, now));

  // 10 bytes a millisecond, though asked in steps that are worth less than one.
  for (int us = 0; us < 99'990; us += 30)
    CHECK_FALSE(budget.Take(1000, now + us * 1us));
  CHECK(budget.Take(1000, now + 100ms));
  CHECK_FALSE(budget.Take(1000, now + 199ms));
  CHECK(budget.Take(1000, now + 1h));
}

TEST_CASE("no more is saved up than a burst") {
  const Timestamp now(1s);
  ResendBudget budget(
      {.share_percent = 50, .floor_bps = 1'000'000, .burst_bytes = 3000}, now);

  budget.OnSent(1'000'000);

  CHECK(budget.Take(3000, now + 1h));
  CHECK_FALSE(budget.Take(1, now + 1h));
}

}  // namespace hg
