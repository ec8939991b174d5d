#include "native/sctp/association_rig.h"

#include <sys/time.h>

#include <chrono>

namespace {

hg::Timestamp g_now{};

}  // namespace

// usrsctp calls this one: an executable's symbols come before a library's.
int gettimeofday(timeval* __restrict tv, void* __restrict) noexcept {
  const auto us = hg::ToMicros(g_now.time_since_epoch());
  tv->tv_sec = us / 1'000'000;
  tv->tv_usec = us % 1'000'000;
  return 0;
}

namespace hg::test {

void SetVirtualTime(Timestamp now) { g_now = now; }

}  // namespace hg::test
