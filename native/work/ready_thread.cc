#include "work/ready_thread.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>
#include <utility>

#include "work/service_thread.h"

namespace hg {

ReadyThread::ReadyThread(int fd, const char* name,
                         std::function<void()> on_ready)
    : fd_(fd),
      on_ready_(std::move(on_ready)),
      event_fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (event_fd_ < 0)
    throw std::system_error(errno, std::generic_category(), "eventfd");
  try {
    thread_ = StartServiceThread(name, [this] { Run(); });
  } catch (...) {
    close(event_fd_);
    throw;
  }
}

ReadyThread::~ReadyThread() {
  stopping_.store(true, std::memory_order_release);
  Wake();
  thread_.join();
  close(event_fd_);
}

void ReadyThread::Resume() {
  watching_.store(true, std::memory_order_release);
  Wake();
}

void ReadyThread::Wake() const {
  const std::uint64_t one = 1;
  // It cannot fail: the counter stays small.
  [[maybe_unused]] const ssize_t n = write(event_fd_, &one, sizeof one);
}

void ReadyThread::Run() {
  while (!stopping_.load(std::memory_order_acquire)) {
    // poll() overlooks a negative descriptor.
    const bool watching = watching_.load(std::memory_order_acquire);
    pollfd files[] = {{event_fd_, POLLIN, 0}, {watching ? fd_ : -1, POLLIN, 0}};
    if (poll(files, 2, -1) <= 0) continue;
    std::uint64_t count = 0;
    [[maybe_unused]] const ssize_t n = read(event_fd_, &count, sizeof count);
    if (files[1].revents == 0) continue;
    watching_.store(false, std::memory_order_release);
    on_ready_();
  }
}

}  // namespace hg
