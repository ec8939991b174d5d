#include "work/record_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace hg {
namespace {

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

}  // namespace

FileError::FileError(int error, const std::string& what)
    : std::runtime_error(what + ": " + std::strerror(error)),
      code_(NameOf(error)) {}

RecordFile::RecordFile(std::string path, Link link) : path_(std::move(path)) {
  // Not to wait for the reader of a pipe; and nothing is truncated before it is
  // known that nobody else writes to it.
  const int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_APPEND |
                    (link == Link::kRefuse ? O_NOFOLLOW : 0);
  fd_ = open(path_.c_str(), flags, 0666);
  if (fd_ < 0) throw FileError(errno, path_);
  struct stat status = {};
  if (fstat(fd_, &status) != 0) Fail(errno, path_);
  if (!S_ISREG(status.st_mode)) Fail(EINVAL, path_ + " is no file");
  if (flock(fd_, LOCK_EX | LOCK_NB) != 0)
    Fail(errno == EWOULDBLOCK ? EBUSY : errno, path_);
  written_ = static_cast<std::uint64_t>(status.st_size);
}

RecordFile::~RecordFile() {
  if (fd_ >= 0) close(fd_);
}

std::string RecordFile::Head(std::size_t size) const {
  std::string head(size, '\0');
  const ssize_t n = pread(fd_, head.data(), size, 0);
  if (n < 0) throw FileError(errno, path_);
  head.resize(static_cast<std::size_t>(n));
  return head;
}

char RecordFile::LastByte() const {
  char last = 0;
  if (pread(fd_, &last, 1, static_cast<off_t>(written_) - 1) != 1)
    throw FileError(EIO, path_);
  return last;
}

void RecordFile::Empty() {
  if (ftruncate(fd_, 0) != 0) Fail(errno, path_);
  written_ = 0;
}

MutableBytes RecordFile::Add(std::size_t size) {
  const std::size_t at = buffer_.size();
  buffer_.resize(at + size);
  ends_.push_back(buffer_.size());
  return MutableBytes(buffer_).last(size);
}

void RecordFile::Add(Bytes record) {
  std::ranges::copy(record, Add(record.size()).begin());
}

void RecordFile::Flush() {
  if (fd_ < 0) {
    buffer_.clear();
    ends_.clear();
    return;
  }
  struct stat status = {};
  if (fstat(fd_, &status) == 0 && status.st_nlink == 0)
    Fail(ENOENT, path_ + " was removed while it was written");
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
  ends_.clear();
}

void RecordFile::Close() {
  if (fd_ < 0) return;
  Flush();
  if (close(std::exchange(fd_, -1)) != 0) throw FileError(errno, path_);
}

std::size_t RecordFile::WholeUpTo(std::size_t size) const {
  const auto beyond = std::ranges::upper_bound(ends_, size);
  return beyond == ends_.begin() ? 0 : *std::prev(beyond);
}

void RecordFile::Fail(int error, const std::string& what) {
  buffer_.clear();
  ends_.clear();
  close(std::exchange(fd_, -1));
  throw FileError(error, what);
}

}  // namespace hg
