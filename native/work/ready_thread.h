// Waits for a file to become readable and tells so, once for each Resume(): how
// an event loop that cannot be given a file to watch hears of one. It reads
// nothing.
#pragma once

#include <atomic>
#include <functional>
#include <thread>

namespace hg {

class ReadyThread {
 public:
  // `on_ready` is called on the thread, first without a Resume(). `fd` outlives
  // this object. Throws std::system_error.
  ReadyThread(int fd, const char* name, std::function<void()> on_ready);
  ~ReadyThread();  // joins
  ReadyThread(const ReadyThread&) = delete;
  ReadyThread& operator=(const ReadyThread&) = delete;

  // Any thread: what was there is read.
  void Resume();

 private:
  void Run();
  void Wake() const;

  const int fd_;
  const std::function<void()> on_ready_;
  int event_fd_ = -1;
  std::atomic<bool> watching_{true};
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace hg
