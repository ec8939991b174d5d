// A thread that does file work: serves FileTasks every 200 ms, and sooner if
// one of their rings fills.
#pragma once

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "base/mpsc_stack.h"
#include "base/ring_reader.h"
#include "work/file_task.h"

namespace hg {

class FileThread final : public RingReader {
 public:
  // Throws std::system_error.
  explicit FileThread(const char* name);
  ~FileThread();  // stops
  FileThread(const FileThread&) = delete;
  FileThread& operator=(const FileThread&) = delete;

  // Any thread. It ends with its file.
  void Add(std::unique_ptr<FileTask> task);
  void Wake() override;
  // Finishes every file and joins. Whoever pushes must have ended before.
  void Stop();

 private:
  static constexpr Duration kTick = 200ms;

  struct Node : MpscNode {
    std::unique_ptr<FileTask> task;
  };

  void Run();
  void Wait(Duration at_most) const;

  int event_fd_ = -1;
  std::atomic<bool> wake_pending_{false};
  std::atomic<bool> stopping_{false};
  MpscStack<Node> added_;
  std::vector<std::unique_ptr<FileTask>> tasks_;
  std::thread thread_;
};

}  // namespace hg
