// Sender reports (RFC 3550 s6.4.1): the relation of a stream's timestamps to
// wall-clock time, by which receivers keep audio and video in sync.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "rtp/ntp.h"
#include "rtp/rtcp/compound.h"
#include "rtp/rtcp/rr.h"

namespace hg {

struct SenderInfo {
  NtpTime ntp = 0;
  std::uint32_t rtp_timestamp = 0;
  std::uint32_t packets = 0;  // in all, wrapping
  std::uint32_t octets = 0;   // of payload, wrapping

  friend bool operator==(const SenderInfo&, const SenderInfo&) = default;
};

struct SenderReport {
  std::uint32_t sender_ssrc = 0;
  SenderInfo info;
  ReportBlockRange blocks;

  static std::optional<SenderReport> Parse(const RtcpPacket& packet);
};

bool WriteSenderReport(RtcpWriter& writer, std::uint32_t sender_ssrc,
                       const SenderInfo& info,
                       std::span<const ReportBlock> blocks = {});

}  // namespace hg
