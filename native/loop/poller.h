// epoll of one media thread, and the eventfd by which other threads wake it.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>

#include "base/clock.h"

namespace hg {

class FdHandler {
 public:
  virtual void OnFdReady(std::uint32_t epoll_events) = 0;

 protected:
  ~FdHandler() = default;
};

class Poller {
 public:
  Poller();  // throws std::system_error
  ~Poller();
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  // Level-triggered. `handler` must outlive the turn in which it is removed:
  // an event of that turn may still be on its way.
  bool Add(int fd, std::uint32_t epoll_events, FdHandler& handler);
  bool Modify(int fd, std::uint32_t epoll_events, FdHandler& handler);
  void Remove(int fd);

  // Waits until an fd is ready, Wake() is called or `until` is reached, then
  // calls the handlers. `until` absent: waits for ever. `now` is set to the
  // time after the wait. Returns true if woken.
  bool Poll(std::optional<Timestamp> until, Timestamp& now);

  // Any thread; never waits.
  void Wake();

 private:
  int epoll_fd_ = -1;
  int event_fd_ = -1;
  std::atomic<bool> wake_pending_{false};
  std::array<epoll_event, 256> events_;
};

}  // namespace hg
