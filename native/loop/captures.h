// The captures of an engine: opens their files, has peers copy their packets to
// them, and owns the file thread, which starts with the first of them. Not that
// of recordings: a disk that hangs here shall not hold them up. Used by the
// application's thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/events.h"
#include "loop/media_loop.h"
#include "route/capture_queue.h"
#include "work/capture.h"
#include "work/capture_file.h"
#include "work/file_thread.h"

namespace hg {

struct CaptureOptions {
  std::string path;
  CaptureFormat format = CaptureFormat::kPcap;
  std::size_t truncate = 0;  // bytes of a packet that are kept; 0: all
  std::string label;         // see CaptureFile
};

class Captures {
 public:
  struct Feed {
    unsigned shard = 0;
    std::uint32_t peer = 0;
    std::weak_ptr<CaptureQueue> queue;
  };
  struct Handle {
    std::shared_ptr<Capture> capture;
    std::size_t truncate = 0;
    std::vector<Feed> feeds;
  };

  // Both must outlive it.
  Captures(const std::vector<std::unique_ptr<MediaLoop>>& loops,
           EventSink& events)
      : loops_(loops), events_(events) {}

  // Opens the file here and now. Throws FileError, std::system_error.
  Handle Create(const CaptureOptions& options);
  // The packets of a peer from now on, until it or the capture ends; a capture
  // it had ends for it. False: CaptureBudget::kMaxRings are in use.
  bool Add(Handle& handle, unsigned shard, std::uint32_t peer);
  // No packet that comes later is captured. A kCaptureClosed event follows when
  // the file is finished, unless one told of an error before.
  void Close(Handle& handle);
  // When the media threads are joined: finishes all files.
  void Stop();

 private:
  const std::vector<std::unique_ptr<MediaLoop>>& loops_;
  EventSink& events_;
  CaptureBudget budget_;
  std::optional<FileThread> thread_;
  std::uint32_t next_id_ = 1;
  bool stopped_ = false;
};

}  // namespace hg
