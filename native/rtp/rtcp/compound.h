// Walks the packets of a compound RTCP datagram (RFC 3550 s6.1), also a
// reduced-size one (RFC 5506), which need not begin with a report.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"

namespace hg {

// RFC 3550 s12.1, RFC 4585 s6.1, RFC 3611 s2.
enum class RtcpType : std::uint8_t {
  kSenderReport = 200,
  kReceiverReport = 201,
  kSdes = 202,
  kBye = 203,
  kApp = 204,
  kTransportFeedback = 205,  // RTPFB
  kPayloadFeedback = 206,    // PSFB
  kExtendedReport = 207,
};

inline constexpr std::size_t kRtcpHeaderSize = 4;

struct RtcpPacket {
  RtcpType type;       // may be a value that has no name
  std::uint8_t count;  // the 5 bits that are a count or a feedback format
  Bytes body;          // behind the 4-byte header, without padding
};

// for (RtcpReader reader(bytes); auto packet = reader.Next();) …
class RtcpReader {
 public:
  explicit RtcpReader(Bytes compound) : rest_(compound) {}

  // nullopt at the end, and at the first packet that breaks RFC 3550 A.2:
  // what came before it stays valid.
  std::optional<RtcpPacket> Next();
  bool malformed() const { return malformed_; }

 private:
  Bytes rest_;
  bool malformed_ = false;
};

// Writes packets behind each other into the owner's buffer. A packet that does
// not fit is left out whole.
class RtcpWriter {
 public:
  explicit RtcpWriter(MutableBytes out) : out_(out) {}

  // Room for a packet with `body_size` bytes (a multiple of 4) behind the
  // header, which is already written; nullptr if there is none.
  std::uint8_t* Begin(RtcpType type, std::uint8_t count, std::size_t body_size);
  std::size_t size() const { return size_; }
  std::size_t room() const { return out_.size() - size_; }
  Bytes bytes() const { return Bytes(out_.data(), size_); }

 private:
  MutableBytes out_;
  std::size_t size_ = 0;
};

}  // namespace hg
