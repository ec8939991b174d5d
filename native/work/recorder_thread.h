// The thread that does all file work of an engine's recordings. It looks at the
// rings every 200 ms, and sooner if one fills.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/events.h"
#include "base/mpsc_stack.h"
#include "work/recording.h"
#include "work/recording_writer.h"

namespace hg {

class RecorderThread final : public Recording::Reader {
 public:
  // Throws std::system_error.
  explicit RecorderThread(EventSink& events);
  ~RecorderThread();  // stops
  RecorderThread(const RecorderThread&) = delete;
  RecorderThread& operator=(const RecorderThread&) = delete;

  // Any thread. `info`: see RecordingWriter. A kRecorderClosed event comes when
  // the file is finished.
  void Add(std::shared_ptr<Recording> recording, std::unique_ptr<MjrFile> file,
           std::string info);
  void Wake() override;
  // Finishes every file and joins. Whoever pushes must have ended before.
  void Stop();

  RecorderBudget& budget() { return budget_; }

 private:
  static constexpr Duration kTick = 200ms;

  struct Node : MpscNode {
    std::unique_ptr<RecordingWriter> writer;
  };

  void Run();
  void Wait(Duration at_most) const;

  EventSink& events_;
  RecorderBudget budget_;
  int event_fd_ = -1;
  std::atomic<bool> wake_pending_{false};
  std::atomic<bool> stopping_{false};
  MpscStack<Node> added_;
  std::vector<std::unique_ptr<RecordingWriter>> writers_;
  std::thread thread_;
};

}  // namespace hg
