// Makes one incoming RTP stream continuous for everybody behind it, so that a
// source that restarts is nothing but a missing keyframe: sequence numbers
// become 64-bit and go on after a new SSRC or a jump; timestamps advance by the
// time that passed. Duplicates, and what is left over from before a restart,
// are told apart.
//
// What makes a restart: a new SSRC; a sequence that jumps by more than
// `max_dropout`, or at all while the timestamp jumps too; a sequence that goes
// back further than a late packet can, confirmed by the next packet. (RFC 3550
// A.1 waits for the next packet in all cases, and so loses the start of the
// keyframe.) A timestamp that jumps alone moves the timestamps only.
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/clock.h"

namespace hg {

class SourceTimeline {
 public:
  struct Limits {
    std::uint32_t clock_rate = 90000;  // Hz
    // A new SSRC is dropped until the old one was silent this long; 0: any
    // SSRC is followed at once.
    Duration collision{0};
    std::uint16_t max_dropout = 3000;  // RFC 3550 A.1
    std::uint16_t max_misorder = 1000;
    // A late packet's timestamp is at most this far behind.
    Duration max_lateness = 2s;
    // How far a timestamp may be from the time that passed since the packet
    // before. Bursts of a file or a segmented stream are several seconds.
    Duration max_timestamp_error = 15s;
  };
  enum class Outcome : std::uint8_t {
    kNext,       // newest so far
    kLate,       // fills an earlier gap
    kDuplicate,  // drop
    kOld,        // drop: too late, or from before a restart
    kCollision,  // drop: another SSRC is still sending
  };
  struct Result {
    Outcome outcome = Outcome::kOld;
    bool restarted = false;          // ask for a keyframe, forget codec state
    std::uint32_t lost = 0;          // newly missing just before this packet
    std::uint64_t extended_seq = 0;  // these two only if kNext or kLate
    std::uint32_t timestamp = 0;

    bool accepted() const {
      return outcome == Outcome::kNext || outcome == Outcome::kLate;
    }
  };
  struct Original {
    std::uint32_t ssrc;
    std::uint16_t seq;
  };

  explicit SourceTimeline(const Limits& limits);

  Result Add(std::uint32_t ssrc, std::uint16_t seq, std::uint32_t timestamp,
             Timestamp now);
  // A packet that the sender says it has sent before (RTX). However old, it
  // makes no restart: senders probe the path with what they find.
  Result AddResent(std::uint32_t ssrc, std::uint16_t seq,
                   std::uint32_t timestamp, Timestamp now);

  // The source's own number of a normalised one, to NACK it; nullopt if that is
  // from before a restart or not sent yet.
  std::optional<Original> OriginalOf(std::uint64_t extended_seq) const;
  // The normalised form of a timestamp in the source's sender report; nullopt
  // if `ssrc` is not the one that sends.
  std::optional<std::uint32_t> MapTimestamp(std::uint32_t ssrc,
                                            std::uint32_t timestamp) const;

  std::optional<std::uint32_t> ssrc() const;
  std::uint64_t highest() const { return highest_; }  // normalised; 0: none yet

 private:
  static constexpr std::size_t kWindow = 1024;

  // What came since a restart, in the source's own numbers.
  struct Run {
    std::uint32_t ssrc = 0;
    std::uint16_t highest = 0;
    std::uint32_t timestamp = 0;  // the newest
  };

  Result Start(std::uint32_t ssrc, std::uint16_t seq, std::uint32_t timestamp,
               Timestamp now);
  Result Restart(std::uint32_t ssrc, std::uint16_t seq, std::uint32_t timestamp,
                 Timestamp now);
  Result Ahead(std::uint16_t seq, std::uint32_t timestamp, Timestamp now);
  Result Behind(std::uint16_t seq, std::uint32_t timestamp, Timestamp now);
  Result FillGap(std::uint64_t extended_seq, std::uint32_t timestamp);
  Result Accept(Outcome outcome, std::uint64_t extended_seq,
                std::uint32_t timestamp);

  bool IsLeftover(std::uint32_t ssrc, std::uint16_t seq,
                  std::uint32_t timestamp, Timestamp now) const;
  bool TimestampFits(std::uint32_t timestamp, Timestamp now) const;
  void Rebase(std::uint32_t timestamp, Timestamp now);
  std::int64_t Ticks(Duration duration) const;

  const Limits limits_;
  bool started_ = false;
  Run run_;
  std::optional<Run> previous_;
  Timestamp restarted_at_{};
  // The run's first and highest number, normalised.
  std::uint64_t first_ = 0;
  std::uint64_t highest_ = 0;
  // What to add to the run's timestamps.
  std::uint32_t timestamp_offset_ = 0;
  Timestamp timestamp_arrival_{};  // of run_.timestamp
  Timestamp last_heard_{};         // of any packet of the run
  // The number that would confirm a jump back (RFC 3550 A.1 bad_seq).
  std::optional<std::uint16_t> suspect_;
  // Received, by normalised number modulo kWindow.
  std::bitset<kWindow> seen_;
};

}  // namespace hg
