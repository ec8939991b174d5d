#include "rtp/nack_tracker.h"

#include <algorithm>

namespace hg {

NackTracker::NackTracker(const Limits& limits) : limits_(limits) {
  missing_.reserve(limits.max_missing);
}

void NackTracker::OnPacket(std::uint64_t extended_seq, Timestamp now) {
  if (!highest_) {
    highest_ = extended_seq;
    return;
  }
  if (extended_seq <= *highest_) {
    const auto found =
        std::ranges::lower_bound(missing_, extended_seq, {}, &Missing::seq);
    if (found == missing_.end() || found->seq != extended_seq) return;
    if (found->tries > 0) ++recovered_;
    missing_.erase(found);
    return;
  }

  const std::uint64_t first = *highest_ + 1;
  highest_ = extended_seq;
  const std::uint64_t gap = extended_seq - first;
  if (gap > limits_.window) {
    given_up_ += missing_.size();
    missing_.clear();
    return;
  }
  const auto in_window = std::ranges::find_if(missing_, [&](const Missing& m) {
    return extended_seq - m.seq <= limits_.window;
  });
  GiveUpOldest(static_cast<std::size_t>(in_window - missing_.begin()));

  // Of a gap that is larger than the table, the newest part.
  const std::uint64_t kept = std::min<std::uint64_t>(gap, limits_.max_missing);
  given_up_ += gap - kept;
  if (missing_.size() + kept > limits_.max_missing)
    GiveUpOldest(missing_.size() + kept - limits_.max_missing);
  for (std::uint64_t seq = extended_seq - kept; seq < extended_seq; ++seq)
    missing_.push_back({.seq = seq, .noticed = now, .asked = {}, .tries = 0});
}

std::size_t NackTracker::Collect(Timestamp now, Duration round_trip,
                                 std::span<std::uint64_t> out) {
  given_up_ += std::erase_if(missing_, [&](const Missing& m) {
    return now - m.noticed > limits_.max_age ||
           (m.tries >= limits_.max_tries && now >= DueAt(m, round_trip));
  });
  std::size_t count = 0;
  for (Missing& m : missing_) {
    if (count == out.size()) break;
    if (now < DueAt(m, round_trip)) continue;
    out[count++] = m.seq;
    m.asked = now;
    ++m.tries;
  }
  return count;
}

std::optional<Timestamp> NackTracker::NextDue(Duration round_trip) const {
  if (missing_.empty()) return std::nullopt;
  Timestamp next = Timestamp::max();
  for (const Missing& m : missing_) next = std::min(next, DueAt(m, round_trip));
  return next;
}

void NackTracker::GiveUpBefore(std::uint64_t extended_seq) {
  const auto kept =
      std::ranges::lower_bound(missing_, extended_seq, {}, &Missing::seq);
  GiveUpOldest(static_cast<std::size_t>(kept - missing_.begin()));
}

void NackTracker::Reset() {
  given_up_ += missing_.size();
  missing_.clear();
  highest_.reset();
}

Timestamp NackTracker::DueAt(const Missing& missing,
                             Duration round_trip) const {
  if (missing.tries == 0) return missing.noticed + limits_.first_after;
  return missing.asked + std::max(round_trip, limits_.min_interval);
}

void NackTracker::GiveUpOldest(std::size_t count) {
  given_up_ += count;
  missing_.erase(missing_.begin(),
                 missing_.begin() + static_cast<std::ptrdiff_t>(count));
}

}  // namespace hg
