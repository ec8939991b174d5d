#include "work/capture_file.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include "native/work/folder.h"
#include "native/work/pcap.h"

namespace hg::test {
namespace {

constexpr auto kPcap = CaptureFormat::kPcap;
constexpr auto kText = CaptureFormat::kText2pcap;
// 2026-01-02 03:04:05.000678 UTC
constexpr std::int64_t kTime = 1767323045'000678;

CapturedPacket Head(std::size_t size, CaptureDirection direction,
                    CaptureKind kind = CaptureKind::kRtp) {
  return {.size = static_cast<std::uint16_t>(size),
          .direction = direction,
          .kind = kind};
}

void Write(const std::string& path, const std::string& text) {
  std::ofstream(path) << text;
}

std::string CodeOf(auto&& f) {
  try {
    f();
  } catch (const FileError& error) {
    return error.code();
  }
  return "none";
}

// Without what the machine says.
class Utc {
 public:
  Utc() {
    if (const char* zone = std::getenv("TZ")) before_ = zone;
    Set("UTC");
  }
  ~Utc() {
    if (before_)
      Set(before_->c_str());
    else
      unsetenv("TZ"), tzset();
  }
  void Set(const char* zone) {
    setenv("TZ", zone, 1);
    tzset();
  }

 private:
  std::optional<std::string> before_;
};

TEST_CASE("a pcap file is one of UDP packets between two made-up addresses") {
  const Folder folder;
  CaptureFile file(folder / "a.pcap", kPcap, "");
  file.Add(Head(300, CaptureDirection::kIn), ByteVector{0x80, 1, 2}, kTime);
  file.Close();

  const ByteVector expected = {
      0xa1, 0xb2, 0xc3, 0xd4, 0,  2,    0,    4,    0,  0,  0,    0,  //
      0,    0,    0,    0,    0,  0,    0xff, 0xff, 0,  0,  0,    1,  //
      0x69, 0x57, 0x35, 0xa5, 0,  0,    0x02, 0xa6,  // the time
      0,    0,    0,    45,   0,  0,    1,    0x56,  // kept, size
      0,    0,    0,    0,    0,  0,    0,    0,    0,  0,  0,    0,
      8,    0,  // Ethernet
      0x45, 0,    1,    0x48, 0,  0,    0x40, 0,    64, 17, 0x22, 0xa0,  // IPv4
      10,   1,    1,    1,    10, 2,    2,    2,                         //
      0x03, 0xe8, 0x07, 0xd0, 1,  0x34, 0,    0,                         // UDP
      0x80, 1,    2};
  CHECK(ReadFile(folder / "a.pcap") == expected);
  CHECK(file.size() == expected.size());
}

TEST_CASE("what goes out has the addresses the other way round") {
  const Folder folder;
  CaptureFile file(folder / "a.pcap", kPcap, "");
  file.Add(Head(3, CaptureDirection::kIn), ByteVector{1, 2, 3}, kTime);
  file.Add(Head(3, CaptureDirection::kOut), ByteVector{4, 5, 6}, kTime + 7);
  file.Flush();

  const PcapContent content = ReadPcap(folder / "a.pcap");
  REQUIRE(content.packets.size() == 2);
  CHECK(content.packets[0].in);
  CHECK_FALSE(content.packets[1].in);
  CHECK(content.packets[1].wall_us == kTime + 7);
  CHECK(content.packets[1].bytes == ByteVector{4, 5, 6});
}

TEST_CASE("a text has a line for each packet, in local time") {
  Utc zone;
  const Folder folder;
  CaptureFile file(folder / "a.txt", kText, "[handle=7]");
  CHECK(ReadFile(folder / "a.txt").empty());

  file.Add(Head(2, CaptureDirection::kIn), ByteVector{0x80, 0xff}, kTime);
  zone.Set("XYZ-2");
  file.Add(Head(9, CaptureDirection::kOut, CaptureKind::kRtcp),
           ByteVector{0x81}, kTime + 60'000'000);
  file.Close();

  CHECK(Text(ReadFile(folder / "a.txt")) ==
        "I 03:04:05.000678 000000  80 ff RTP [handle=7]\n"
        "O 05:05:05.000678 000000  81 RTCP [handle=7]\n");
}

TEST_CASE("a capture of the same format is continued") {
  const Utc zone;
  const Folder folder;
  for (int i = 0; i < 2; ++i) {
    CaptureFile pcap(folder / "a.pcap", kPcap, "");
    pcap.Add(Head(3, CaptureDirection::kIn), ByteVector{1, 2, 3}, kTime);
    pcap.Close();
    CaptureFile text(folder / "a.txt", kText, "");
    text.Add(Head(3, CaptureDirection::kIn), ByteVector{1, 2, 3}, kTime);
    text.Close();
  }

  const PcapContent content = ReadPcap(folder / "a.pcap");
  CHECK(content.whole);
  CHECK(content.packets.size() == 2);
  CHECK(Text(ReadFile(folder / "a.txt")) ==
        "I 03:04:05.000678 000000  01 02 03 RTP\n"
        "I 03:04:05.000678 000000  01 02 03 RTP\n");
}

TEST_CASE("a line that was cut is ended before the next") {
  const Utc zone;
  const Folder folder;
  Write(folder / "a.txt", "O 03:04:05.000678 000000  01 0");

  CaptureFile file(folder / "a.txt", kText, "");
  file.Add(Head(1, CaptureDirection::kIn), ByteVector{9}, kTime);
  file.Close();

  CHECK(Text(ReadFile(folder / "a.txt")) ==
        "O 03:04:05.000678 000000  01 0\n"
        "I 03:04:05.000678 000000  09 RTP\n");
}

TEST_CASE("no other file is written to") {
  const Folder folder;
  const auto open = [&](const std::string& path, CaptureFormat format) {
    return CodeOf([&] { const CaptureFile file(path, format, ""); });
  };
  for (const std::string text : {"x", "a text that is long enough to be one\n",
                                 "I 3:04:05.000678 000000  01 02 03\n"}) {
    Write(folder / "other", text);
    CHECK(open(folder / "other", kPcap) == "EEXIST");
    CHECK(open(folder / "other", kText) == "EEXIST");
    CHECK(Text(ReadFile(folder / "other")) == text);
  }
  { const CaptureFile file(folder / "a.pcap", kPcap, ""); }
  CHECK(open(folder / "a.pcap", kText) == "EEXIST");
  REQUIRE(mkfifo((folder / "pipe").c_str(), 0600) == 0);
  std::filesystem::create_symlink(folder / "a.pcap", folder / "link");
  std::filesystem::create_symlink(folder / "nothing", folder / "dangling");

  CHECK(open(folder / "no/such/folder", kPcap) == "ENOENT");
  CHECK(open(folder.path(), kPcap) == "EISDIR");
  CHECK(open(folder / "pipe", kPcap) == "EINVAL");
  CHECK(open("/dev/full", kPcap) == "EINVAL");
  CHECK(open(folder / "link", kPcap) == "ELOOP");
  CHECK(open(folder / "dangling", kText) == "ELOOP");
  CHECK_FALSE(std::filesystem::exists(folder / "nothing"));
}

TEST_CASE("a file has one capture at a time") {
  const Folder folder;
  {
    const CaptureFile first(folder / "a.pcap", kPcap, "");
    CHECK(CodeOf([&] { CaptureFile second(folder / "a.pcap", kPcap, ""); }) ==
          "EBUSY");
  }
  CHECK(CodeOf([&] { CaptureFile third(folder / "a.pcap", kPcap, ""); }) ==
        "none");
}

TEST_CASE("a file that may not grow keeps whole packets, also those it had") {
  const Folder folder;
  const std::string path = folder / "a.pcap";
  constexpr std::size_t kRecord = 16 + 42 + 100;
  const auto add = [](CaptureFile& file, int count) {
    for (int i = 0; i < count; ++i)
      file.Add(Head(100, CaptureDirection::kIn), ByteVector(100, 1), kTime);
  };
  {
    CaptureFile file(path, kPcap, "");
    add(file, 2);
    file.Close();
  }
  CaptureFile file(path, kPcap, "");
  add(file, 20);
  const FileSizeLimit limited(24 + 5 * kRecord + 77);

  CHECK(CodeOf([&] { file.Flush(); }) == "EFBIG");

  const PcapContent content = ReadPcap(path);
  CHECK(content.whole);
  CHECK(content.packets.size() == 5);
  CHECK(file.size() == std::filesystem::file_size(path));
}

}  // namespace
}  // namespace hg::test
