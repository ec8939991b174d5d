// The file side of one recording: takes what waits in its ring and writes it.
// Knows no thread and no clock; called now and then on the recorder thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/events.h"
#include "work/mjr_file.h"
#include "work/recording.h"

namespace hg {

class RecordingWriter {
 public:
  // What is written is on disk at most this much later, and a tick.
  static constexpr Duration kFlushInterval = 500ms;

  // `info`: text of a JSON object with one member at least; `u`, the time of
  // the first frame, is added to it.
  RecordingWriter(std::shared_ptr<Recording> recording,
                  std::unique_ptr<MjrFile> file, std::string info,
                  EventSink& events);

  // What is left to do for now: kNone until the next tick, kMore at once; kDone
  // for ever, the file is closed. `last`: nobody pushes any more.
  enum class Left : std::uint8_t { kNone, kMore, kDone };
  Left Serve(Timestamp now, WallTime wall_now, bool last);

 private:
  static constexpr std::size_t kChunk = 64 << 10;
  static constexpr Duration kFullInterval = 1s;
  static constexpr std::size_t kItemsPerTurn = Recording::kVideoRing;

  // True if the ring is empty.
  bool Drain(Timestamp now, WallTime wall_now);
  void Add(const Recording::Item& item, Timestamp now, WallTime wall_now);
  void Flush();
  void ReportDrops(Timestamp now);
  void PostClosed(const FileError* error);

  struct First {
    Timestamp time;
    std::int64_t wall_us;
    std::uint32_t ssrc;  // of a track; all packets get it
  };

  const std::shared_ptr<Recording> recording_;
  const std::unique_ptr<MjrFile> file_;
  const std::string info_;
  EventSink& events_;
  std::optional<First> first_;
  std::uint32_t millis_ = 0;  // of the newest record
  std::optional<Timestamp> unflushed_since_;
  std::optional<Timestamp> drops_reported_;
  std::uint64_t drops_seen_ = 0;
  bool failed_ = false;
};

}  // namespace hg
