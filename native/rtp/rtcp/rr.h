// Report blocks and receiver reports (RFC 3550 s6.4.2).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/bytes.h"
#include "rtp/ntp.h"
#include "rtp/rtcp/compound.h"

namespace hg {

struct ReportBlock {
  static constexpr std::size_t kSize = 24;

  std::uint32_t ssrc = 0;          // of the stream this is about
  std::uint8_t fraction_lost = 0;  // since the last report, of 256
  std::int32_t lost = 0;           // in all; 24 bit; negative by duplicates
  std::uint32_t highest_seq = 0;   // extended by a 16-bit count of laps
  std::uint32_t jitter = 0;        // in units of the stream's clock
  CompactNtp last_sr = 0;          // 0: none received
  CompactNtp delay_since_last_sr = 0;

  friend bool operator==(const ReportBlock&, const ReportBlock&) = default;
};

// The blocks of one report, for a range-based for.
class ReportBlockRange {
 public:
  class Iterator {
   public:
    explicit Iterator(const std::uint8_t* at) : at_(at) {}
    ReportBlock operator*() const;
    Iterator& operator++() {
      at_ += ReportBlock::kSize;
      return *this;
    }
    friend bool operator==(const Iterator&, const Iterator&) = default;

   private:
    const std::uint8_t* at_;
  };

  ReportBlockRange() = default;
  // A rest that is not a whole block is ignored.
  explicit ReportBlockRange(Bytes blocks)
      : blocks_(blocks.first(blocks.size() / ReportBlock::kSize *
                             ReportBlock::kSize)) {}
  Iterator begin() const { return Iterator(blocks_.data()); }
  Iterator end() const { return Iterator(blocks_.data() + blocks_.size()); }
  std::size_t size() const { return blocks_.size() / ReportBlock::kSize; }

 private:
  Bytes blocks_;
};

struct ReceiverReport {
  std::uint32_t sender_ssrc = 0;
  ReportBlockRange blocks;

  static std::optional<ReceiverReport> Parse(const RtcpPacket& packet);
};

// At most 31 blocks; false if it does not fit.
bool WriteReceiverReport(RtcpWriter& writer, std::uint32_t sender_ssrc,
                         std::span<const ReportBlock> blocks);
// One block to `out`, which has ReportBlock::kSize bytes.
void WriteReportBlock(const ReportBlock& block, std::uint8_t* out);

}  // namespace hg
