// The file side of one capture: takes the packets out of its rings, and writes
// them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/events.h"
#include "work/capture.h"
#include "work/capture_file.h"
#include "work/file_task.h"

namespace hg {

class CaptureWriter final : public FileTask {
 public:
  CaptureWriter(std::shared_ptr<Capture> capture,
                std::unique_ptr<CaptureFile> file, EventSink& events);

 private:
  struct Feed {
    std::shared_ptr<CaptureQueue> queue;
    bool ended = false;  // before it was emptied
  };

  // FileTask
  bool Ended() override;
  bool TakeOne(Timestamp now, WallTime wall_now) override;
  std::size_t Buffered() const override { return file_->buffered(); }
  void Flush() override { file_->Flush(); }
  void Finish() override { file_->Close(); }
  void OnFailed() override;
  std::uint64_t Dropped() const override;

  const std::shared_ptr<Capture> capture_;
  const std::unique_ptr<CaptureFile> file_;
  std::vector<Feed> feeds_;
  std::uint64_t dropped_before_ = 0;  // in rings that are gone
  // What the file's times count from: a clock that is set later makes no gap.
  struct First {
    Timestamp time;
    std::int64_t wall_us;
  };
  std::optional<First> first_;
  std::vector<std::uint8_t> bytes_;
};

}  // namespace hg
