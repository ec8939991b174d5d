#include "work/recorder_thread.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <system_error>
#include <utility>

namespace hg {

RecorderThread::RecorderThread(EventSink& events)
    : events_(events), event_fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (event_fd_ < 0)
    throw std::system_error(errno, std::generic_category(), "eventfd");
  try {
    thread_ = std::thread([this] { Run(); });
  } catch (...) {
    close(event_fd_);
    throw;
  }
  pthread_setname_np(thread_.native_handle(), "hg-recorder");
}

RecorderThread::~RecorderThread() {
  Stop();
  for (auto chain = added_.TakeAll(); Node* node = chain.Next();) delete node;
  close(event_fd_);
}

void RecorderThread::Add(std::shared_ptr<Recording> recording,
                         std::unique_ptr<MjrFile> file, std::string info) {
  auto* node = new Node;
  node->writer = std::make_unique<RecordingWriter>(
      std::move(recording), std::move(file), std::move(info), events_);
  added_.Push(node);
  Wake();
}

void RecorderThread::Wake() {
  if (wake_pending_.exchange(true, std::memory_order_acq_rel)) return;
  const std::uint64_t one = 1;
  // It cannot fail: the counter is at most 1.
  [[maybe_unused]] const ssize_t n = write(event_fd_, &one, sizeof one);
}

void RecorderThread::Stop() {
  stopping_.store(true, std::memory_order_release);
  Wake();
  if (thread_.joinable()) thread_.join();
}

void RecorderThread::Wait(Duration at_most) const {
  pollfd waiting = {event_fd_, POLLIN, 0};
  const int timeout =
      at_most < Duration::zero() ? -1 : static_cast<int>(ToMillis(at_most));
  poll(&waiting, 1, timeout);
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t n = read(event_fd_, &count, sizeof count);
}

void RecorderThread::Run() {
  // A file that reaches RLIMIT_FSIZE shall be an error of write(), and signals
  // of the process are for its own threads.
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);

  Duration until_next = -1s;  // nothing to do: for ever
  for (;;) {
    Wait(until_next);
    // Before the rings are looked at: what is pushed from now on wakes again.
    wake_pending_.exchange(false, std::memory_order_acq_rel);
    const bool last = stopping_.load(std::memory_order_acquire);
    for (auto chain = added_.TakeAll(); Node* node = chain.Next();) {
      writers_.push_back(std::move(node->writer));
      delete node;
    }
    bool more = false;
    std::erase_if(writers_, [&](const auto& writer) {
      const auto left = writer->Serve(MonotonicNow(), WallNow(), last);
      more = more || left == RecordingWriter::Left::kMore;
      return left == RecordingWriter::Left::kDone;
    });
    if (last && writers_.empty()) return;
    if (more) {
      until_next = 0s;
    } else if (writers_.empty()) {
      until_next = -1s;
    } else {
      until_next = kTick;
    }
  }
}

}  // namespace hg
