#include "loop/poller.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace hg {
namespace {

// epoll_wait counts milliseconds; rounded up, so that the loop does not spin
// through the last one. What wants finer time uses what else wakes the loop.
int TimeoutMillis(std::optional<Timestamp> until) {
  if (!until) return -1;
  const Duration left = *until - MonotonicNow();
  if (left <= Duration::zero()) return 0;
  return static_cast<int>(
      std::min<std::int64_t>(ToMillis(left + 999'999ns), 60'000));
}

}  // namespace

Poller::Poller()
    : epoll_fd_(epoll_create1(EPOLL_CLOEXEC)),
      event_fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = nullptr;  // our own eventfd
  if (epoll_fd_ < 0 || event_fd_ < 0 ||
      epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, event_fd_, &event) != 0) {
    const int error = errno;
    if (epoll_fd_ >= 0) close(epoll_fd_);
    if (event_fd_ >= 0) close(event_fd_);
    throw std::system_error(error, std::generic_category(),
                            "cannot make the epoll set of a media thread");
  }
}

Poller::~Poller() {
  close(epoll_fd_);
  close(event_fd_);
}

bool Poller::Add(int fd, std::uint32_t epoll_events, FdHandler& handler) {
  epoll_event event{};
  event.events = epoll_events;
  event.data.ptr = &handler;
  return epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event) == 0;
}

bool Poller::Modify(int fd, std::uint32_t epoll_events, FdHandler& handler) {
  epoll_event event{};
  event.events = epoll_events;
  event.data.ptr = &handler;
  return epoll_ctl(epoll_fd_, EPOLL_CTL_MOD, fd, &event) == 0;
}

void Poller::Remove(int fd) {
  // Fails harmlessly when the fd's owner closed it first: closing removes it.
  epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, fd, nullptr);
}

bool Poller::Poll(std::optional<Timestamp> until, Timestamp& now) {
  const int count =
      epoll_wait(epoll_fd_, events_.data(), static_cast<int>(events_.size()),
                 TimeoutMillis(until));
  now = MonotonicNow();
  bool woken = false;
  for (int i = 0; i < count; ++i) {
    auto* handler = static_cast<FdHandler*>(events_[i].data.ptr);
    if (handler != nullptr) {
      handler->OnFdReady(events_[i].events);
      continue;
    }
    std::uint64_t drained = 0;
    [[maybe_unused]] const auto n = read(event_fd_, &drained, sizeof drained);
    // Cleared before the mailboxes are read: a Wake() from now on wakes again.
    // An exchange, not a store: it reads what the last Wake() wrote, and so
    // sees what was put into the mailbox before.
    wake_pending_.exchange(false, std::memory_order_acq_rel);
    woken = true;
  }
  return woken;
}

void Poller::Wake() {
  if (wake_pending_.exchange(true, std::memory_order_acq_rel)) return;
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto n = write(event_fd_, &one, sizeof one);
}

}  // namespace hg
