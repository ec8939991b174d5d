#include "work/file_thread.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "work/service_thread.h"

namespace hg {

FileThread::FileThread(const char* name)
    : event_fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (event_fd_ < 0)
    throw std::system_error(errno, std::generic_category(), "eventfd");
  try {
    thread_ = StartServiceThread(name, [this] { Run(); });
  } catch (...) {
    close(event_fd_);
    throw;
  }
}

FileThread::~FileThread() {
  Stop();
  for (auto chain = added_.TakeAll(); Node* node = chain.Next();) delete node;
  close(event_fd_);
}

void FileThread::Add(std::unique_ptr<FileTask> task) {
  auto* node = new Node;
  node->task = std::move(task);
  added_.Push(node);
  Wake();
}

void FileThread::Wake() {
  if (wake_pending_.exchange(true, std::memory_order_acq_rel)) return;
  const std::uint64_t one = 1;
  // It cannot fail: the counter is at most 1.
  [[maybe_unused]] const ssize_t n = write(event_fd_, &one, sizeof one);
}

void FileThread::Stop() {
  stopping_.store(true, std::memory_order_release);
  Wake();
  if (thread_.joinable()) thread_.join();
}

void FileThread::Wait(Duration at_most) const {
  pollfd waiting = {event_fd_, POLLIN, 0};
  const int timeout =
      at_most < Duration::zero() ? -1 : static_cast<int>(ToMillis(at_most));
  poll(&waiting, 1, timeout);
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t n = read(event_fd_, &count, sizeof count);
}

void FileThread::Run() {
  Duration until_next = -1s;  // nothing to do: for ever
  for (;;) {
    Wait(until_next);
    // Before the rings are looked at: what is pushed from now on wakes again.
    wake_pending_.exchange(false, std::memory_order_acq_rel);
    const bool last = stopping_.load(std::memory_order_acquire);
    for (auto chain = added_.TakeAll(); Node* node = chain.Next();) {
      tasks_.push_back(std::move(node->task));
      delete node;
    }
    bool more = false;
    std::erase_if(tasks_, [&](const auto& task) {
      const auto left = task->Serve(MonotonicNow(), WallNow(), last);
      more = more || left == FileTask::Left::kMore;
      return left == FileTask::Left::kDone;
    });
    if (last && tasks_.empty()) return;
    if (more) {
      until_next = 0s;
    } else if (tasks_.empty()) {
      until_next = -1s;
    } else {
      until_next = kTick;
    }
  }
}

}  // namespace hg
