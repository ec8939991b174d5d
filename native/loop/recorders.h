// The recordings of an engine: opens their files, puts a track's sink on a
// media thread, and owns the file thread, which starts with the first of
// them. Used by the application's thread.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/events.h"
#include "loop/placed_sinks.h"
#include "route/source.h"
#include "work/file_thread.h"
#include "work/mjr_file.h"
#include "work/recording.h"

namespace hg {

struct RecorderOptions {
  bool video = false;
  std::string info;  // see RecordingWriter
  std::string path;
  std::string temporary_path;  // see MjrFile
};

class Recorders {
 public:
  struct Handle {
    std::shared_ptr<Recording> recording;
    PlacedSinks::Place place;
  };

  // Both must outlive it.
  Recorders(PlacedSinks& sinks, EventSink& events)
      : sinks_(sinks), events_(events) {}

  // Opens the file here and now. Throws FileError, std::system_error.
  Handle Create(const RecorderOptions& options);
  // What it records from now on; null: nothing.
  void Link(Handle& handle, std::shared_ptr<const SourceInfo> source);
  void SetPaused(const Handle& handle, bool paused);
  // With its 8 bytes of time it fits a record.
  static constexpr std::size_t kMaxMessage = MjrFile::kMaxRecord - 8;
  // A message, if nothing was ever linked; at most kMaxMessage. False: dropped.
  bool Write(const Handle& handle, Bytes message);
  // No packet that comes later is recorded. A kRecorderClosed event follows
  // when the file is finished, unless one told of an error before.
  void Close(const Handle& handle);
  // When the media threads are joined: finishes all files.
  void Stop();

 private:
  PlacedSinks& sinks_;
  EventSink& events_;
  RecorderBudget budget_;
  std::optional<FileThread> thread_;
};

}  // namespace hg
