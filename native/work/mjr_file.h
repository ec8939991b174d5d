// One .mjr recording on disk, the format of Janus: "MJR00002", the length (2)
// and the text of a JSON object about the track, then for each packet "MEET",
// milliseconds since the first (4), length (2) and the bytes; big-endian.
//
// Records are collected and written whole, so that whatever happens to this
// process or the disk, at most the last record of the file is cut, and after an
// error that we see none is. Whoever owns it calls Flush() about once a second.
// Blocks; for a service thread, but for the constructor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace hg {

// A file cannot be had, or written any more. `code` is the errno's name, such
// as "ENOSPC".
class FileError : public std::runtime_error {
 public:
  FileError(int error, const std::string& what);
  const std::string& code() const { return code_; }

 private:
  std::string code_;
};

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
  std::size_t buffered() const { return buffer_.size(); }

  // These throw FileError; what was written whole stays, and the file is
  // closed. After that nothing more is written.
  void Flush();
  void Finish();

  const std::string& path() const { return path_; }
  // Of whole records, on disk or on the way there.
  std::uint64_t size() const { return written_ + buffer_.size(); }

 private:
  void Close(bool keep_error_quiet);
  [[noreturn]] void Fail(int error, const std::string& what);
  // How much of the buffer's first `size` bytes is whole records.
  std::size_t WholeUpTo(std::size_t size) const;

  const std::string path_;
  const std::string temporary_path_;
  int fd_ = -1;
  std::uint64_t written_ = 0;
  std::vector<std::uint8_t> buffer_;
  std::size_t info_size_ = 0;  // of what stands before records in the buffer
};

}  // namespace hg
