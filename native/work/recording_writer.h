// The file side of one recording: numbers what waits in its ring by the time it
// came, and writes it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/events.h"
#include "work/file_task.h"
#include "work/mjr_file.h"
#include "work/recording.h"

namespace hg {

class RecordingWriter final : public FileTask {
 public:
  // `info`: text of a JSON object with one member at least; `u`, the time of
  // the first frame, is added to it.
  RecordingWriter(std::shared_ptr<Recording> recording,
                  std::unique_ptr<MjrFile> file, std::string info,
                  EventSink& events);

 private:
  // FileTask
  bool Ended() override { return recording_->ended(); }
  bool TakeOne(Timestamp now, WallTime wall_now) override;
  std::size_t Buffered() const override { return file_->buffered(); }
  void Flush() override { file_->Flush(); }
  void Finish() override { file_->Finish(); }
  void OnFailed() override;
  std::uint64_t Dropped() const override {
    return recording_->stats.dropped.value();
  }

  void Add(const Recording::Item& item, Timestamp now, WallTime wall_now);

  struct First {
    Timestamp time;
    std::int64_t wall_us;
    std::uint32_t ssrc;  // of a track; all packets get it
  };

  const std::shared_ptr<Recording> recording_;
  const std::unique_ptr<MjrFile> file_;
  const std::string info_;
  std::optional<First> first_;
  std::uint32_t millis_ = 0;  // of the newest record
};

}  // namespace hg
