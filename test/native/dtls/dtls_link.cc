#include "dtls_link.h"

#include <doctest/doctest.h>
#include <sys/time.h>

#include <algorithm>

namespace {
constexpr std::int64_t kStartSeconds = 1'700'000'000;
hg::Duration g_elapsed{};
}  // namespace

// libssl calls this one: an executable's symbols come before a library's.
int gettimeofday(timeval* __restrict tv, void* __restrict) noexcept {
  const auto us =
      std::chrono::duration_cast<std::chrono::microseconds>(g_elapsed).count();
  tv->tv_sec = kStartSeconds + us / 1'000'000;
  tv->tv_usec = us % 1'000'000;
  return 0;
}

namespace hg::test {

Timestamp VirtualNow() { return Timestamp(g_elapsed); }
void Advance(Duration duration) { g_elapsed += duration; }

std::optional<Duration> OurEnd::TimeLeft() {
  const auto due = session.NextTimeout(VirtualNow());
  if (!due) return std::nullopt;
  return *due - VirtualNow();
}

void OurEnd::OnDtlsSend(Bytes datagram) {
  sent.emplace_back(datagram.begin(), datagram.end());
}
void OurEnd::OnDtlsConnected(const SrtpKeys& srtp_keys) {
  CHECK(!keys);
  CHECK(!closed);
  keys = srtp_keys;
}
void OurEnd::OnDtlsApplicationData(Bytes bytes) {
  if (closed) ++calls_after_close;
  data.emplace_back(bytes.begin(), bytes.end());
}
void OurEnd::OnDtlsClosed(DtlsState state, std::string_view text) {
  if (closed) ++calls_after_close;
  closed = state;
  why = text;
}

std::size_t Run(End& a, End& b, const Mangle& mangle) {
  constexpr int kMaxTimeouts = 60;
  std::size_t count = 0;
  const auto carry = [&](End& from, End& to) {
    if (from.sent.empty()) return false;
    const Datagram datagram = std::move(from.sent.front());
    from.sent.pop_front();
    const Datagrams arriving =
        mangle ? mangle(count, datagram) : Datagrams{datagram};
    ++count;
    for (const Datagram& bytes : arriving) to.Take(bytes);
    return true;
  };
  a.Start();
  b.Start();
  for (int timeouts = 0; timeouts < kMaxTimeouts; ++timeouts) {
    while (carry(a, b) || carry(b, a)) {
    }
    if (a.done() && b.done()) break;
    const auto left_a = a.TimeLeft();
    const auto left_b = b.TimeLeft();
    if (!left_a && !left_b) break;
    Advance(std::min(left_a.value_or(24h), left_b.value_or(24h)));
    if (left_a && *a.TimeLeft() <= 0ms) a.OnTime();
    if (left_b && b.TimeLeft() && *b.TimeLeft() <= 0ms) b.OnTime();
  }
  return count;
}

}  // namespace hg::test
