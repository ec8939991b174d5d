// A file that grows by whole records. They are collected and written whole, so
// that whatever happens to this process or the disk, at most the last record of
// the file is cut, and after an error that we see none is. Blocks; for a
// service thread, but for the constructor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
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

inline Bytes AsBytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

class RecordFile {
 public:
  enum class Link : std::uint8_t { kFollow, kRefuse };

  // Opens or makes an ordinary file, and keeps others from writing to it in
  // this way; what is in it stays. `link`: what to do with a symbolic one.
  // Throws FileError.
  RecordFile(std::string path, Link link);
  ~RecordFile();  // what was not flushed is gone
  RecordFile(const RecordFile&) = delete;
  RecordFile& operator=(const RecordFile&) = delete;

  // Before the first record. What the file begins with, as much as there is and
  // fits; its last byte; without what was in it. Throw FileError.
  std::string Head(std::size_t size) const;
  char LastByte() const;
  void Empty();

  // Makes room for a record and returns where its `size` bytes go, all of which
  // the caller fills. Valid until the next call.
  MutableBytes Add(std::size_t size);
  void Add(Bytes record);
  std::size_t buffered() const { return buffer_.size(); }

  // These throw FileError; what was written whole stays, and the file is
  // closed. After that nothing more is written.
  void Flush();
  void Close();
  bool closed() const { return fd_ < 0; }

  // Of whole records, on disk or on the way there.
  std::uint64_t size() const { return written_ + buffer_.size(); }

 private:
  [[noreturn]] void Fail(int error, const std::string& what);
  // How much of the buffer's first `size` bytes is whole records.
  std::size_t WholeUpTo(std::size_t size) const;

  const std::string path_;
  int fd_ = -1;
  std::uint64_t written_ = 0;
  std::vector<std::uint8_t> buffer_;
  std::vector<std::size_t> ends_;  // of the records in it
};

}  // namespace hg
