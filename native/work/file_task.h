// The writing of one file on a file thread: takes what waits for it in rings,
// and writes it out now and then. Knows no thread and no clock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/clock.h"
#include "base/events.h"
#include "work/record_file.h"

namespace hg {

class FileTask {
 public:
  // What is written is on disk at most this much later, and a tick.
  static constexpr Duration kFlushInterval = 500ms;

  virtual ~FileTask() = default;

  // What is left to do for now: kNone until the next tick, kMore at once; kDone
  // for ever, the file is closed. `last`: nobody pushes any more.
  enum class Left : std::uint8_t { kNone, kMore, kDone };
  Left Serve(Timestamp now, WallTime wall_now, bool last);

 protected:
  // What it tells the application.
  struct Events {
    EventSink& sink;
    EventType full;    // something was dropped; `a` is how much so far
    EventType closed;  // `text` and `more`: an error's code and text
    std::uint32_t object = 0;
  };
  explicit FileTask(const Events& events) : events_(events) {}

  // The file cannot be written any more: what comes is thrown away.
  bool failed() const { return failed_; }

 private:
  static constexpr std::size_t kChunk = 64 << 10;
  static constexpr Duration kFullInterval = 1s;
  static constexpr std::size_t kItemsPerTurn = 2048;

  // Nothing is pushed any more. Asked before the rings are emptied.
  virtual bool Ended() = 0;
  // Takes the oldest, and adds it to the file unless that failed. False: the
  // rings are empty.
  virtual bool TakeOne(Timestamp now, WallTime wall_now) = 0;
  // Bytes that were added and are not on disk.
  virtual std::size_t Buffered() const = 0;
  // These throw FileError.
  virtual void Flush() = 0;
  virtual void Finish() = 0;
  virtual void OnFailed() = 0;
  // Since the start.
  virtual std::uint64_t Dropped() const = 0;

  // True if the rings are empty.
  bool Drain(Timestamp now, WallTime wall_now);
  void WriteOut();
  void ReportDrops(Timestamp now, bool final);
  void PostClosed(const FileError* error);

  const Events events_;
  const std::shared_ptr<StateCell> full_ = std::make_shared<StateCell>();
  std::optional<Timestamp> unflushed_since_;
  std::optional<Timestamp> drops_reported_;
  std::uint64_t drops_seen_ = 0;
  bool failed_ = false;
};

}  // namespace hg
