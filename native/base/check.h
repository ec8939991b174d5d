// HG_CHECK is for our own mistakes: it ends the process with the place and the
// condition. Nothing a remote peer sends may reach one that fails.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace hg::internal {
[[noreturn]] inline void CheckFailed(const char* file, int line,
                                     const char* condition) {
  std::fprintf(stderr, "headgate: internal error at %s:%d: %s\n", file, line,
               condition);
  std::abort();
}
}  // namespace hg::internal

#define HG_CHECK(condition)                                        \
  do {                                                             \
    if (!(condition)) [[unlikely]]                                 \
      ::hg::internal::CheckFailed(__FILE__, __LINE__, #condition); \
  } while (false)
