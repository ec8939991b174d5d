// Transport-wide congestion control feedback, as sent: remembers when each
// packet of a transport arrived and writes reports about them
// (draft-holmer-rmcat-transport-wide-cc-extensions-01 s3.1). Sans-IO: the owner
// says when (WebRTC senders expect it every 50-250 ms).
//
// Each number is reported once, when its turn comes; a packet that came late is
// reported with the next feedback, and what follows it once more.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/clock.h"
#include "rtp/rtcp/compound.h"
#include "rtp/seq_num.h"

namespace hg {

class TransportCcWriter {
 public:
  // Further behind the newest is forgotten; a larger step forward is a restart.
  static constexpr std::size_t kWindow = 2048;
  // Packets in one feedback, so that it fits 1200 bytes whatever they are.
  static constexpr std::size_t kMaxReported = 400;

  TransportCcWriter();

  void OnPacket(std::uint16_t transport_seq, Timestamp arrival);
  // Something came that was not reported yet.
  bool HasNews() const { return has_news_; }
  // One feedback packet; false if there is nothing to report or no room for it.
  // Call until HasNews() is false.
  bool Write(RtcpWriter& writer, std::uint32_t sender_ssrc,
             std::uint32_t media_ssrc);

 private:
  // The draft's unit of time is 250 us.
  using Ticks = std::int64_t;
  static constexpr Ticks kNotReceived = -1;

  static Ticks TicksOf(Timestamp time);
  Ticks& At(std::uint64_t seq) { return arrivals_[seq % kWindow]; }
  void Restart(std::uint64_t seq);

  SeqExtender extender_;
  bool has_news_ = false;
  std::uint64_t oldest_ = 0;  // that is remembered
  std::uint64_t next_ = 0;    // to report
  std::uint64_t end_ = 0;     // behind the newest
  std::uint8_t feedback_count_ = 0;
  std::array<Ticks, kWindow> arrivals_;
};

}  // namespace hg
