#include "work/capture_file.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <string_view>
#include <utility>

namespace hg {
namespace {

// Magic number for microseconds, version 2.4, UTC, whole packets, Ethernet.
constexpr std::array<std::uint8_t, 24> kPcapHeader = {
    0xa1, 0xb2, 0xc3, 0xd4, 0, 2, 0,    4,    0, 0, 0, 0,  //
    0,    0,    0,    0,    0, 0, 0xff, 0xff, 0, 0, 0, 1};
constexpr std::size_t kRecordHeader = 16;
constexpr std::size_t kEthernet = 14;
constexpr std::size_t kIp = 20;
constexpr std::size_t kUdp = 8;
constexpr std::size_t kHeaders = kEthernet + kIp + kUdp;

constexpr std::uint32_t kTheirAddress = 0x0a010101;
constexpr std::uint32_t kOurAddress = 0x0a020202;
constexpr std::uint16_t kTheirPort = 1000;
constexpr std::uint16_t kOurPort = 2000;

// RFC 1071.
std::uint16_t Checksum(Bytes header) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i + 1 < header.size(); i += 2)
    sum += LoadU16(&header[i]);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~(sum + (sum >> 16)));
}

// Of a packet of `size` bytes; the lengths are those of the whole packet, which
// is less than 64 KiB with them.
void WriteHeaders(bool in, std::size_t size, MutableBytes to) {
  std::ranges::fill(to, std::uint8_t{0});
  StoreU16(&to[12], 0x0800);  // IPv4
  const MutableBytes ip = to.subspan(kEthernet, kIp);
  ip[0] = 0x45;
  StoreU16(&ip[2], static_cast<std::uint16_t>(kIp + kUdp + size));
  StoreU16(&ip[6], 0x4000);  // in one piece
  ip[8] = 64;
  ip[9] = 17;  // UDP
  StoreU32(&ip[12], in ? kTheirAddress : kOurAddress);
  StoreU32(&ip[16], in ? kOurAddress : kTheirAddress);
  StoreU16(&ip[10], Checksum(ip));
  const MutableBytes udp = to.subspan(kEthernet + kIp, kUdp);
  StoreU16(&udp[0], in ? kTheirPort : kOurPort);
  StoreU16(&udp[2], in ? kOurPort : kTheirPort);
  // A checksum of 0 is none (RFC 768).
  StoreU16(&udp[4], static_cast<std::uint16_t>(kUdp + size));
}

// "I 09:30:00.123456 000000 ": what text2pcap -D -t "%H:%M:%S.%f" takes. The
// time is local: so does text2pcap.
constexpr std::size_t kLineHead = 25;

std::string LineHead(bool in, std::int64_t wall_us) {
  const auto seconds = static_cast<std::time_t>(wall_us / 1'000'000);
  std::tm local = {};
  localtime_r(&seconds, &local);
  std::array<char, 64> text;
  std::snprintf(text.data(), text.size(), "%c %02d:%02d:%02d.%06d 000000 ",
                in ? 'I' : 'O', local.tm_hour, local.tm_min, local.tm_sec,
                static_cast<int>(wall_us % 1'000'000));
  return text.data();
}

bool IsLineHead(std::string_view text) {
  constexpr std::string_view kPattern = "? ##:##:##.###### 000000 ";
  static_assert(kPattern.size() == kLineHead);
  return std::ranges::equal(text.substr(0, kLineHead), kPattern,
                            [](char c, char pattern) {
                              if (pattern == '?') return c == 'I' || c == 'O';
                              if (pattern == '#') return c >= '0' && c <= '9';
                              return c == pattern;
                            });
}

bool IsPcap(std::string_view text) {
  return std::ranges::equal(AsBytes(text.substr(0, kPcapHeader.size())),
                            kPcapHeader);
}

}  // namespace

CaptureFile::CaptureFile(const std::string& path, CaptureFormat format,
                         std::string label)
    : format_(format),
      label_(std::move(label)),
      file_(path, RecordFile::Link::kRefuse) {
  const bool is_pcap = format == CaptureFormat::kPcap;
  if (file_.size() == 0) {
    if (!is_pcap) return;
    file_.Add(kPcapHeader);
    file_.Flush();
    return;
  }
  const std::string head = file_.Head(std::max(kPcapHeader.size(), kLineHead));
  if (!(is_pcap ? IsPcap(head) : IsLineHead(head)))
    throw FileError(EEXIST, path);
  // The end of a line whose writer was killed.
  if (!is_pcap && file_.LastByte() != '\n') file_.Add(AsBytes("\n"));
}

void CaptureFile::Add(const CapturedPacket& packet, Bytes bytes,
                      std::int64_t wall_us) {
  if (format_ == CaptureFormat::kPcap)
    AddFrame(packet, bytes, wall_us);
  else
    AddLine(packet, bytes, wall_us);
}

void CaptureFile::AddFrame(const CapturedPacket& packet, Bytes bytes,
                           std::int64_t wall_us) {
  const MutableBytes record =
      file_.Add(kRecordHeader + kHeaders + bytes.size());
  StoreU32(&record[0], static_cast<std::uint32_t>(wall_us / 1'000'000));
  StoreU32(&record[4], static_cast<std::uint32_t>(wall_us % 1'000'000));
  StoreU32(&record[8], static_cast<std::uint32_t>(kHeaders + bytes.size()));
  StoreU32(&record[12], static_cast<std::uint32_t>(kHeaders + packet.size));
  WriteHeaders(packet.direction == CaptureDirection::kIn, packet.size,
               record.subspan(kRecordHeader, kHeaders));
  std::ranges::copy(bytes, record.begin() + kRecordHeader + kHeaders);
}

void CaptureFile::AddLine(const CapturedPacket& packet, Bytes bytes,
                          std::int64_t wall_us) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string line =
      LineHead(packet.direction == CaptureDirection::kIn, wall_us);
  line.reserve(line.size() + 3 * bytes.size() + label_.size() + 8);
  for (const std::uint8_t byte : bytes) {
    line += ' ';
    line += kDigits[byte >> 4];
    line += kDigits[byte & 15];
  }
  line += packet.kind == CaptureKind::kRtp ? " RTP" : " RTCP";
  if (!label_.empty()) line += ' ' + label_;
  line += '\n';
  file_.Add(AsBytes(line));
}

}  // namespace hg
