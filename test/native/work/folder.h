// A folder of its own for a test, gone afterwards; and limits of the disk.
#pragma once

#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "base/check.h"

namespace hg::test {

class Folder {
 public:
  Folder() {
    std::string path =
        (std::filesystem::temp_directory_path() / "hg-work-XXXXXX").string();
    HG_CHECK(mkdtemp(path.data()) != nullptr);
    path_ = path;
  }
  ~Folder() {
    if (mounted_) umount(path_.c_str());
    std::filesystem::remove_all(path_);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string operator/(const std::string& name) const {
    return path_ + "/" + name;
  }
  const std::string& path() const { return path_; }
  // A disk of this size from now on. False: not allowed here.
  bool BecomeDisk(const std::string& size) {
    const std::string options = "size=" + size;
    mounted_ = mount("tmpfs", path_.c_str(), "tmpfs", 0, options.c_str()) == 0;
    return mounted_;
  }

 private:
  std::string path_;
  bool mounted_ = false;
};

// No file of this process gets larger meanwhile.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(signal(SIGXFSZ, SIG_IGN)) {
    HG_CHECK(getrlimit(RLIMIT_FSIZE, &before_) == 0);
    rlimit limit = before_;
    limit.rlim_cur = bytes;
    HG_CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
  }
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &before_);
    signal(SIGXFSZ, handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit before_{};
  sighandler_t handler_;
};

}  // namespace hg::test
