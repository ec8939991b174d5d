// One .mjr recording on disk, the format of Janus: "MJR00002", the length (2)
// and the text of a JSON object about the track, then for each packet "MEET",
// milliseconds since the first (4), length (2) and the bytes; big-endian.
//
// Whoever owns it calls Flush() about once a second. Blocks; for a service
// thread, but for the constructor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "work/record_file.h"

namespace hg {

class MjrFile {
 public:
  // What the 2 bytes of length can say.
  static constexpr std::size_t kMaxRecord = 0xffff;

  // Makes the file, empty but for "MJR00002", and keeps others from recording
  // to it too. While it is written it is called `temporary_path`; the two may
  // be the same. Throws FileError.
  MjrFile(std::string path, std::string temporary_path);
  ~MjrFile();  // as Finish(), but an error is not told
  MjrFile(const MjrFile&) = delete;
  MjrFile& operator=(const MjrFile&) = delete;

  // `json` is the object about the track; once, before the first record.
  void WriteInfo(const std::string& json);
  // Makes room for a record and returns where its `size` bytes go, all of which
  // the caller fills. Valid until the next call. At most kMaxRecord.
  MutableBytes AddRecord(std::uint32_t millis, std::size_t size);
  std::size_t buffered() const { return file_.buffered(); }

  // These throw FileError; what was written whole stays, and the file is
  // closed. After that nothing more is written.
  void Flush();
  void Finish();

  const std::string& path() const { return path_; }
  // Of whole records, on disk or on the way there.
  std::uint64_t size() const { return file_.size(); }

 private:
  // What there is gets its final name in any case. False: errno says why not.
  bool Rename();

  const std::string path_;
  const std::string temporary_path_;
  RecordFile file_;
};

}  // namespace hg
