// Finds gaps in a received stream and says when to ask for them with Generic
// NACKs (RFC 4585 s6.2.1). Counts in extended sequence numbers, so it sits
// behind a SeqExtender or a SourceTimeline.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/clock.h"

namespace hg {

class NackTracker {
 public:
  struct Limits {
    Duration first_after = 12ms;  // packets reordered by less are not asked for
    Duration min_interval = 10ms;  // between two requests; or the round trip
    int max_tries = 10;
    Duration max_age = 1s;      // since the gap was noticed
    std::size_t window = 1000;  // further back than this it is given up; a
                                // bigger jump forward is not asked for at all
    std::size_t max_missing = 256;  // of more, the oldest are given up
  };

  explicit NackTracker(const Limits& limits);

  // Any packet of the stream, also a repeated one (RTX unwrapped).
  void OnPacket(std::uint64_t extended_seq, Timestamp now);
  // Fills `out` with what is due, oldest first, and notes that it was asked
  // for. Returns how many.
  std::size_t Collect(Timestamp now, Duration round_trip,
                      std::span<std::uint64_t> out);
  // When Collect() should be called again; nullopt: nothing is missing.
  std::optional<Timestamp> NextDue(Duration round_trip) const;
  // A keyframe began with this packet: nobody needs what was before it.
  void GiveUpBefore(std::uint64_t extended_seq);
  // The stream restarted: what was missing is not coming.
  void Reset();

  std::size_t missing() const { return missing_.size(); }
  std::uint64_t recovered() const { return recovered_; }  // after being asked
  std::uint64_t given_up() const { return given_up_; }

 private:
  struct Missing {
    std::uint64_t seq;
    Timestamp noticed;
    Timestamp asked;  // meaningful only if tries > 0
    int tries;
  };
  Timestamp DueAt(const Missing& missing, Duration round_trip) const;
  void GiveUpOldest(std::size_t count);

  const Limits limits_;
  std::optional<std::uint64_t> highest_;
  std::vector<Missing> missing_;  // sorted by seq
  std::uint64_t recovered_ = 0;
  std::uint64_t given_up_ = 0;
};

}  // namespace hg
