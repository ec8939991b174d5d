// Makes RTP packets for tests: datagrams as a sender would send them, and
// packets as a source hands them on. The payload of each is a VP8 frame (RFC
// 7741) of one packet that tells which one it is.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/pool.h"
#include "rtp/packet.h"

namespace hg::test {

struct RtpFields {
  std::uint32_t ssrc = 0x11111111;
  std::uint16_t seq = 0;
  std::uint32_t timestamp = 0;
  std::uint8_t payload_type = 96;
  bool marker = true;
  bool keyframe = false;
  std::uint64_t id = 0;            // comes back from IdOf()
  std::size_t payload_size = 100;  // at least kLeastPayload
};

inline constexpr std::size_t kRtpHeader = 12;
inline constexpr std::size_t kLeastPayload = 15;

// Into `out`; returns the size of the packet.
inline std::size_t WriteRtp(const RtpFields& fields, MutableBytes out) {
  HG_CHECK(fields.payload_size >= kLeastPayload);
  HG_CHECK(out.size() >= kRtpHeader + fields.payload_size);
  std::uint8_t* p = out.data();
  p[0] = 0x80;
  p[1] = static_cast<std::uint8_t>((fields.marker ? 0x80 : 0) |
                                   fields.payload_type);
  StoreU16(p + 2, fields.seq);
  StoreU32(p + 4, fields.timestamp);
  StoreU32(p + 8, fields.ssrc);
  std::uint8_t* payload = p + kRtpHeader;
  payload[0] = 0x10;  // start of a partition
  StoreU24(payload + 1, fields.keyframe ? 0 : 0x010000);
  StoreU24(payload + 4, 0x9d012a);
  StoreU64(payload + 7, fields.id);
  for (std::size_t i = kLeastPayload; i < fields.payload_size; ++i)
    payload[i] = static_cast<std::uint8_t>(i * 31 + fields.id);
  return kRtpHeader + fields.payload_size;
}

inline std::vector<std::uint8_t> MakeRtp(const RtpFields& fields) {
  std::vector<std::uint8_t> packet(kRtpHeader + fields.payload_size);
  WriteRtp(fields, packet);
  return packet;
}

// Which packet this payload was made for.
inline std::uint64_t IdOf(Bytes payload) {
  HG_CHECK(payload.size() >= kLeastPayload);
  return LoadU64(payload.data() + 7);
}

inline PacketDraft MakeDraft(PacketPool& pool, Bytes datagram) {
  PacketDraft draft = pool.Allocate();
  HG_CHECK(draft);
  const std::size_t size = std::min(datagram.size(), draft->buffer().size());
  std::copy_n(datagram.begin(), size, draft->buffer().begin());
  draft->set_size(size);
  draft->info.truncated = size < datagram.size();
  return draft;
}

// A packet as a source hands it on.
struct SourcePacket {
  std::uint64_t extended_seq = 0x10000;
  std::uint32_t timestamp = 0;  // normalised
  Timestamp arrival{};
  bool keyframe = false;
  bool discontinuity = false;
  bool late = false;
  std::uint64_t id = 0;
  std::size_t payload_size = 100;
};

inline PacketRef MakePacket(PacketPool& pool, const SourcePacket& packet) {
  RtpFields fields;
  fields.seq = static_cast<std::uint16_t>(packet.extended_seq);
  fields.timestamp = packet.timestamp;
  fields.keyframe = packet.keyframe;
  fields.id = packet.id;
  fields.payload_size = packet.payload_size;
  PacketDraft draft = pool.Allocate();
  HG_CHECK(draft);
  draft->set_size(WriteRtp(fields, draft->buffer()));
  Describe(*RtpView::Parse(draft->bytes()), draft->info);
  draft->info.arrival = packet.arrival;
  draft->info.extended_seq = packet.extended_seq;
  draft->info.timestamp = packet.timestamp;
  draft->info.keyframe = packet.keyframe;
  draft->info.frame_start = true;
  draft->info.discontinuity = packet.discontinuity;
  draft->info.late = packet.late;
  return std::move(draft).Seal();
}

}  // namespace hg::test
