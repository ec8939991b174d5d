#include "work/mjr_file.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <string_view>
#include <utility>

#include "base/check.h"

namespace hg {
namespace {

constexpr std::string_view kMagic = "MJR00002";
constexpr std::string_view kRecordMagic = "MEET";
constexpr std::size_t kRecordHeader = 10;

}  // namespace

MjrFile::MjrFile(std::string path, std::string temporary_path)
    : path_(std::move(path)),
      temporary_path_(std::move(temporary_path)),
      file_(temporary_path_, RecordFile::Link::kFollow) {
  file_.Empty();
  file_.Add(AsBytes(kMagic));
  file_.Flush();
}

MjrFile::~MjrFile() {
  try {
    Finish();
  } catch (const FileError&) {
    // Told to nobody, as promised.
  }
}

void MjrFile::WriteInfo(const std::string& json) {
  HG_CHECK(file_.size() == kMagic.size());
  HG_CHECK(json.size() <= 0xffff);
  const MutableBytes record = file_.Add(2 + json.size());
  StoreU16(record.data(), static_cast<std::uint16_t>(json.size()));
  std::ranges::copy(json, record.begin() + 2);
}

MutableBytes MjrFile::AddRecord(std::uint32_t millis, std::size_t size) {
  HG_CHECK(size <= kMaxRecord);
  const MutableBytes record = file_.Add(kRecordHeader + size);
  std::ranges::copy(kRecordMagic, record.begin());
  StoreU32(&record[4], millis);
  StoreU16(&record[8], static_cast<std::uint16_t>(size));
  return record.subspan(kRecordHeader);
}

void MjrFile::Flush() {
  try {
    file_.Flush();
  } catch (const FileError&) {
    Rename();
    throw;
  }
}

void MjrFile::Finish() {
  if (file_.closed()) return;
  try {
    file_.Close();
  } catch (const FileError&) {
    Rename();
    throw;
  }
  if (!Rename()) throw FileError(errno, path_);
}

bool MjrFile::Rename() {
  return temporary_path_ == path_ ||
         std::rename(temporary_path_.c_str(), path_.c_str()) == 0;
}

}  // namespace hg
