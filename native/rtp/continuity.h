// Keeps the sequence numbers and timestamps that one viewer sees continuous,
// whatever its link does: switch to another source, pause and resume, leave
// packets out (layers).
//
// Rules: after a switch the sequence continues with the next number, and the
// timestamp advances by the time that passed, at least by 1; after a pause the
// sequence continues and the timestamp keeps its relation to the source's; a
// packet left out leaves no gap; a packet lost before us does, so that the
// viewer can ask for it and late ones fit in.
//
// Invariant: no two packets are given one number of a lap (SRTP under AES-GCM
// demands that). So there is one of these per outgoing SSRC for as long as its
// SRTP keys live, through every link the SSRC ever has.
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/clock.h"

namespace hg {

class Continuity {
 public:
  struct Out {
    std::uint16_t seq;
    std::uint32_t timestamp;
  };
  struct Start {  // random, as RFC 3550 s5.1 wants, by the owner
    std::uint16_t seq;
    std::uint32_t timestamp;
  };

  // `clock_rate` in Hz: 90000 for video, 48000 for Opus.
  Continuity(std::uint32_t clock_rate, Start start);

  // Numbers a packet of the source by its normalised sequence and timestamp;
  // `arrival` is the packet's. nullopt: it must not be sent, because it was
  // already, was left out, is too late, or is from before a switch or resume.
  std::optional<Out> Forward(std::uint64_t extended_seq,
                             std::uint32_t timestamp, Timestamp arrival);
  // This packet is not for this viewer: closes the gap it would leave. Does
  // nothing for one that comes after a later one was numbered.
  void Skip(std::uint64_t extended_seq);

  // The next packet comes from another source, whose numbers mean nothing yet.
  void Switch();
  // The next packet comes from the same source after a pause.
  void Resume();

  // What to add to the current source's timestamps, for sender reports.
  // nullopt before the first packet and between Switch() and the next packet.
  std::optional<std::uint32_t> timestamp_offset() const;
  std::uint16_t next_seq() const {
    return static_cast<std::uint16_t>(next_out_);
  }
  bool started() const { return join_ != Join::kStart; }

 private:
  // A packet that is more numbers late than this is dropped.
  static constexpr std::size_t kWindow = 512;
  // A longer loss is closed rather than shown (as RFC 3550 A.1 MAX_DROPOUT).
  static constexpr std::uint64_t kMaxGap = 3000;
  using Bitmap = std::bitset<kWindow>;
  // How the next packet joins what was sent before.
  enum class Join : std::uint8_t { kStart, kSwitch, kResume, kInSegment };

  void BeginSegment(std::uint64_t extended_seq, std::uint32_t timestamp,
                    Timestamp arrival);
  void AdvanceTo(std::uint64_t extended_seq);
  bool IsTooLate(std::uint64_t extended_seq) const;
  std::uint64_t OutOf(std::uint64_t extended_seq) const;

  const std::uint32_t clock_rate_;
  Join join_ = Join::kStart;
  // A segment is what came since the last start, switch or resume. Its first
  // and highest source number, and the number we give to the one after that.
  std::uint64_t first_ = 0;
  std::uint64_t highest_ = 0;
  std::uint64_t next_out_;
  std::uint32_t timestamp_offset_ = 0;
  // Of the packet with the newest timestamp sent, as sent.
  std::uint32_t last_timestamp_;
  Timestamp last_arrival_{};
  // By source number modulo kWindow, for (highest_ - kWindow, highest_]: sent
  // or skipped; and skipped before anything later was numbered.
  Bitmap handled_;
  Bitmap closed_;
};

}  // namespace hg
