#include "work/mjr_file.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <string>

#include "native/work/folder.h"
#include "native/work/mjr.h"

namespace hg::test {
namespace {

void Add(MjrFile& file, std::uint32_t millis, const ByteVector& bytes) {
  const MutableBytes record = file.AddRecord(millis, bytes.size());
  std::ranges::copy(bytes, record.begin());
}

std::string CodeOf(auto&& f) {
  try {
    f();
  } catch (const FileError& error) {
    return error.code();
  }
  return "none";
}

TEST_CASE("a recording is laid out as Janus's tools read it") {
  const Folder folder;
  const std::string path = folder / "a.mjr";

  {
    MjrFile file(path, path);
    file.WriteInfo(R"({"t":"a"})");
    Add(file, 0, {1, 2, 3});
    Add(file, 0x01020304, {});
    file.Finish();
  }

  const ByteVector expected = {
      'M', 'J', 'R', '0', '0', '0', '0', '2',       //
      0,   9,   '{', '"', 't', '"', ':', '"', 'a',  //
      '"', '}',                                     //
      'M', 'E', 'E', 'T', 0,   0,   0,   0,   0,   3, 1, 2,
      3,   'M', 'E', 'E', 'T', 1,   2,   3,   4,   0, 0,
  };
  CHECK(ReadFile(path) == expected);
}

TEST_CASE("a recording of nothing has no info") {
  const Folder folder;
  { const MjrFile file(folder / "a.mjr", folder / "a.mjr"); }
  CHECK(Text(ReadFile(folder / "a.mjr")) == "MJR00002");
}

TEST_CASE("a recording has its name when it is finished") {
  const Folder folder;
  MjrFile file(folder / "a.mjr", folder / "a.mjr.tmp");
  file.WriteInfo("{}");
  file.Flush();

  CHECK(std::filesystem::exists(folder / "a.mjr.tmp"));
  CHECK_FALSE(std::filesystem::exists(folder / "a.mjr"));
  file.Finish();
  CHECK_FALSE(std::filesystem::exists(folder / "a.mjr.tmp"));
  CHECK(Text(ReadFile(folder / "a.mjr")) == std::string("MJR00002\0\2{}", 12));
}

TEST_CASE("a recording replaces one of that name, but not while it is made") {
  const Folder folder;
  const std::string path = folder / "a.mjr";
  {
    MjrFile first(path, path);
    first.WriteInfo(R"({"t":"first"})");

    CHECK(CodeOf([&] { MjrFile second(path, path); }) == "EBUSY");
    first.Finish();
  }
  CHECK(ReadMjr(path).info == R"({"t":"first"})");

  { const MjrFile second(path, path); }
  CHECK(ReadMjr(path).info.empty());
}

TEST_CASE("what cannot be a recording is refused") {
  const Folder folder;
  REQUIRE(mkfifo((folder / "pipe").c_str(), 0600) == 0);
  const auto open = [](const std::string& path) {
    return CodeOf([&] { const MjrFile file(path, path); });
  };

  CHECK(open(folder / "no/such/folder.mjr") == "ENOENT");
  CHECK(open(folder.path()) == "EISDIR");
  CHECK(open(folder / "pipe") == "EINVAL");  // and does not wait for a reader
  CHECK(open("/dev/full") == "EINVAL");
}

TEST_CASE("a file that may not grow keeps its whole records") {
  const Folder folder;
  const std::string path = folder / "a.mjr";
  constexpr std::size_t kHead = 8 + 2 + 2;
  // Where the limit falls: in the info, between records, in each part of one.
  for (const std::size_t limit :
       {kHead - 1, kHead, kHead + 1, kHead + 9, kHead + 10, kHead + 109,
        kHead + 110, kHead + 111, kHead + 1000}) {
    CAPTURE(limit);
    std::uint64_t size = 0;
    {
      MjrFile file(path, path);
      file.WriteInfo("{}");
      for (std::uint32_t i = 0; i < 20; ++i)
        Add(file, i, ByteVector(100, static_cast<std::uint8_t>(i)));
      const FileSizeLimit limited(limit);

      CHECK(CodeOf([&] { file.Flush(); }) == "EFBIG");
      CHECK(CodeOf([&] { file.Finish(); }) == "none");  // it is closed
      size = file.size();
    }
    const MjrContent content = ReadMjr(path);
    const std::size_t fits = limit < kHead ? 0 : (limit - kHead) / 110;
    CHECK(content.whole);
    CHECK(content.records.size() == fits);
    CHECK(std::filesystem::file_size(path) ==
          (limit < kHead ? 8 : kHead + fits * 110));
    CHECK(size == std::filesystem::file_size(path));
  }
}

TEST_CASE("a full disk leaves whole records") {
  Folder folder;
  if (!folder.BecomeDisk("64k")) {
    MESSAGE("skipped: no file system may be mounted here");
    return;
  }
  MjrFile file(folder / "a.mjr", folder / "a.mjr.tmp");
  file.WriteInfo("{}");
  std::uint32_t added = 0;
  const auto fill = [&] {
    for (; added < 1000; ++added) {
      Add(file, added, ByteVector(1000));
      if (added % 7 == 0) file.Flush();
    }
  };

  CHECK(CodeOf(fill) == "ENOSPC");

  const MjrContent content = ReadMjr(folder / "a.mjr");
  CHECK(content.whole);
  CHECK(content.records.size() > 50);
}

TEST_CASE("a file that is removed while it is written is an error") {
  const Folder folder;
  MjrFile file(folder / "a.mjr", folder / "a.mjr");
  file.WriteInfo("{}");
  file.Flush();
  std::filesystem::remove(folder / "a.mjr");

  Add(file, 0, {1});

  CHECK(CodeOf([&] { file.Flush(); }) == "ENOENT");
  CHECK_FALSE(std::filesystem::exists(folder / "a.mjr"));
}

TEST_CASE("the folder of a recording may go before it is finished") {
  const Folder folder;
  std::filesystem::create_directory(folder / "b");
  MjrFile file(folder / "b/a.mjr", folder / "b/a.mjr.tmp");
  std::filesystem::rename(folder / "b", folder / "c");

  CHECK(CodeOf([&] { file.Finish(); }) == "ENOENT");
  CHECK(Text(ReadFile(folder / "c/a.mjr.tmp")) == "MJR00002");
}

}  // namespace
}  // namespace hg::test
