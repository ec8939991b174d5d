// Reads an .mjr file back, for tests.
#pragma once

#include <cstdint>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace hg::test {

using ByteVector = std::vector<std::uint8_t>;

struct MjrContent {
  struct Record {
    std::uint32_t millis;
    ByteVector bytes;

    std::uint16_t seq() const { return LoadU16(&bytes[2]); }
    std::uint32_t timestamp() const { return LoadU32(&bytes[4]); }
    std::uint32_t ssrc() const { return LoadU32(&bytes[8]); }
  };
  bool whole = false;  // nothing is cut at the end
  std::string info;
  std::vector<Record> records;
};

inline ByteVector ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline std::string Text(Bytes bytes) { return {bytes.begin(), bytes.end()}; }

inline MjrContent ParseMjr(const ByteVector& file) {
  MjrContent content;
  ByteReader reader(file);
  if (Text(reader.Slice(8)) != "MJR00002") return content;
  content.whole = true;
  if (reader.remaining() == 0) return content;
  content.info = Text(reader.Slice(reader.U16()));
  while (reader.ok() && reader.remaining() > 0) {
    const std::string magic = Text(reader.Slice(4));
    const std::uint32_t millis = reader.U32();
    const Bytes bytes = reader.Slice(reader.U16());
    if (!reader.ok() || magic != "MEET") {
      content.whole = false;
      return content;
    }
    content.records.push_back({millis, {bytes.begin(), bytes.end()}});
  }
  content.whole = reader.ok();
  return content;
}

inline MjrContent ReadMjr(const std::string& path) {
  return ParseMjr(ReadFile(path));
}

}  // namespace hg::test
