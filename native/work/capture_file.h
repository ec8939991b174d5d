// Plain packets of a peer in a file that Wireshark opens: a pcap file
// (draft-ietf-opsawg-pcap) of Ethernet frames, or lines of text for text2pcap.
// Both are as Janus makes them: what comes in goes from 10.1.1.1, port 1000, to
// 10.2.2.2, port 2000, and what goes out the other way; the text says I and O.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "route/capture_queue.h"
#include "work/record_file.h"

namespace hg {

enum class CaptureFormat : std::uint8_t { kPcap, kText2pcap };

class CaptureFile {
 public:
  // A capture of that format is continued; any other file is refused (EEXIST),
  // and so is a symbolic link. `label` is behind each line of text. Throws
  // FileError.
  CaptureFile(const std::string& path, CaptureFormat format, std::string label);

  // `bytes` is what was kept of it; the time is microseconds since 1970.
  void Add(const CapturedPacket& packet, Bytes bytes, std::int64_t wall_us);
  std::size_t buffered() const { return file_.buffered(); }
  std::uint64_t size() const { return file_.size(); }

  // These throw FileError: see RecordFile.
  void Flush() { file_.Flush(); }
  void Close() { file_.Close(); }

 private:
  void AddFrame(const CapturedPacket& packet, Bytes bytes,
                std::int64_t wall_us);
  void AddLine(const CapturedPacket& packet, Bytes bytes, std::int64_t wall_us);

  const CaptureFormat format_;
  const std::string label_;
  RecordFile file_;
};

}  // namespace hg
