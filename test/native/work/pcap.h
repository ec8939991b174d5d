// Reads a pcap file of UDP over IPv4 over Ethernet back, for tests.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "native/work/mjr.h"

namespace hg::test {

struct PcapContent {
  struct Packet {
    std::int64_t wall_us;
    std::size_t size;  // of what UDP carried
    bool in;
    ByteVector bytes;  // what was kept of it

    bool rtcp() const {
      return bytes.size() > 1 && bytes[1] >= 192 && bytes[1] < 224;
    }
    std::uint16_t seq() const { return LoadU16(&bytes[2]); }
    std::uint32_t ssrc() const { return LoadU32(&bytes[8]); }
  };
  bool whole = false;
  std::vector<Packet> packets;
};

inline PcapContent ReadPcap(const std::string& path) {
  constexpr std::size_t kHeaders = 14 + 20 + 8;
  PcapContent content;
  const ByteVector file = ReadFile(path);
  ByteReader reader(file);
  if (reader.U32() != 0xa1b2c3d4) return content;
  reader.Slice(20);
  while (reader.ok() && reader.remaining() > 0) {
    const std::int64_t seconds = reader.U32();
    const std::int64_t micros = reader.U32();
    const std::uint32_t kept = reader.U32();
    const std::uint32_t size = reader.U32();
    const Bytes frame = reader.Slice(kept);
    if (!reader.ok() || kept < kHeaders) return content;
    const Bytes udp = frame.subspan(34);
    content.packets.push_back(
        {.wall_us = seconds * 1'000'000 + micros,
         .size = size - kHeaders,
         .in = LoadU16(&udp[0]) == 1000,
         .bytes = {frame.begin() + kHeaders, frame.end()}});
  }
  content.whole = reader.ok();
  return content;
}

}  // namespace hg::test
