#include "work/mjr_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/check.h"

namespace hg {
namespace {

constexpr std::string_view kMagic = "MJR00002";
constexpr std::string_view kRecordMagic = "MEET";
constexpr std::size_t kRecordHeader = 10;

std::string NameOf(int error) {
  const char* name = strerrorname_np(error);
  return name != nullptr ? name : "UNKNOWN";
}

// All of it, or errno. `done` tells how much it was.
int WriteAll(int fd, Bytes bytes, std::size_t& done) {
  done = 0;
  while (done < bytes.size()) {
    const ssize_t n = write(fd, bytes.data() + done, bytes.size() - done);
    if (n > 0) {
      done += static_cast<std::size_t>(n);
    } else if (n == 0) {
      return EIO;
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

Bytes AsBytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace

FileError::FileError(int error, const std::string& what)
    : std::runtime_error(what + ": " + std::strerror(error)),
      code_(NameOf(error)) {}

MjrFile::MjrFile(std::string path, std::string temporary_path)
    : path_(std::move(path)), temporary_path_(std::move(temporary_path)) {
  // Not to wait for the reader of a pipe; and nothing is truncated before it is
  // known that nobody else records to it.
  fd_ = open(temporary_path_.c_str(),
             O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0666);
  if (fd_ < 0) throw FileError(errno, temporary_path_);
  struct stat status = {};
  if (fstat(fd_, &status) != 0) Fail(errno, temporary_path_);
  if (!S_ISREG(status.st_mode)) Fail(EINVAL, temporary_path_ + " is no file");
  if (flock(fd_, LOCK_EX | LOCK_NB) != 0)
    Fail(errno == EWOULDBLOCK ? EBUSY : errno, temporary_path_);
  std::size_t done = 0;
  if (ftruncate(fd_, 0) != 0) Fail(errno, temporary_path_);
  const int error = WriteAll(fd_, AsBytes(kMagic), done);
  if (error != 0) Fail(error, temporary_path_);
  written_ = kMagic.size();
}

MjrFile::~MjrFile() {
  try {
    Finish();
  } catch (const FileError&) {
    // Told to nobody, as promised.
  }
}

void MjrFile::WriteInfo(const std::string& json) {
  HG_CHECK(written_ == kMagic.size() && buffer_.empty());
  HG_CHECK(json.size() <= 0xffff);
  buffer_.resize(2);
  StoreU16(buffer_.data(), static_cast<std::uint16_t>(json.size()));
  buffer_.insert(buffer_.end(), json.begin(), json.end());
  info_size_ = buffer_.size();
}

MutableBytes MjrFile::AddRecord(std::uint32_t millis, std::size_t size) {
  HG_CHECK(size <= kMaxRecord);
  const std::size_t at = buffer_.size();
  buffer_.resize(at + kRecordHeader + size);
  std::uint8_t* header = &buffer_[at];
  std::ranges::copy(kRecordMagic, header);
  StoreU32(header + 4, millis);
  StoreU16(header + 8, static_cast<std::uint16_t>(size));
  return {header + kRecordHeader, size};
}

void MjrFile::Flush() {
  if (fd_ < 0) {
    buffer_.clear();
    return;
  }
  struct stat status = {};
  if (fstat(fd_, &status) == 0 && status.st_nlink == 0)
    Fail(ENOENT, temporary_path_ + " was removed while it was written");
  std::size_t done = 0;
  const int error = WriteAll(fd_, buffer_, done);
  if (error != 0) {
    written_ += WholeUpTo(done);
    // If that fails as well, the last record is one that is cut.
    if (ftruncate(fd_, static_cast<off_t>(written_)) != 0) Fail(error, path_);
    Fail(error, path_);
  }
  written_ += buffer_.size();
  buffer_.clear();
  info_size_ = 0;
}

void MjrFile::Finish() {
  if (fd_ < 0) return;
  Flush();
  Close(false);
}

std::size_t MjrFile::WholeUpTo(std::size_t size) const {
  if (size < info_size_) return 0;
  std::size_t whole = info_size_;
  while (whole + kRecordHeader <= size) {
    const std::size_t next =
        whole + kRecordHeader + LoadU16(&buffer_[whole + 8]);
    if (next > size) break;
    whole = next;
  }
  return whole;
}

// What there is gets its final name in any case.
void MjrFile::Close(bool keep_error_quiet) {
  int error = close(std::exchange(fd_, -1)) == 0 ? 0 : errno;
  if (temporary_path_ != path_ &&
      rename(temporary_path_.c_str(), path_.c_str()) != 0)
    error = errno;
  if (error != 0 && !keep_error_quiet) throw FileError(error, path_);
}

void MjrFile::Fail(int error, const std::string& what) {
  buffer_.clear();
  // In the constructor the file may be somebody else's.
  if (written_ == 0) {
    close(std::exchange(fd_, -1));
  } else {
    Close(true);
  }
  throw FileError(error, what);
}

}  // namespace hg
