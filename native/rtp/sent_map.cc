#include "rtp/sent_map.h"

#include <algorithm>
#include <bit>

#include "base/check.h"
#include "rtp/ntp.h"
#include "rtp/seq_num.h"

namespace hg {
namespace {

// A resend's time is kept in units of 32 SendTicks, 0.12 ms, so that
// kLongestAge fits 16 bits.
constexpr unsigned kResendShift = 5;

constexpr std::uint32_t TicksOf(Duration duration) {
  return SendTicks(Timestamp(duration));
}

static_assert((TicksOf(SentMap::kLongestAge) >> kResendShift) + 2 < 0xffff);

}  // namespace

SentMap::SentMap(const Limits& limits) : slots_(limits.packets) {
  HG_CHECK(std::has_single_bit(limits.packets));  // SlotFor masks with size - 1
  HG_CHECK(limits.packets <= 0x8000);
  SetMaxAge(limits.max_age);
}

void SentMap::SetMaxAge(Duration max_age) {
  HG_CHECK(max_age >= 0s && max_age <= kLongestAge);
  max_age_ticks_ = TicksOf(max_age);
}

std::uint32_t SentMap::Remember(std::uint16_t seq, std::uint32_t source_seq,
                                Timestamp now, std::uint16_t transport_seq) {
  const std::uint32_t abs_send_time = AbsSendTime(now);
  const int ahead = empty_ ? 1 : SeqDiff(seq, highest_);
  const int slots = static_cast<int>(slots_.size());
  if (ahead <= -slots) return abs_send_time;  // later than we remember
  if (ahead > 0) {
    // What was there before has fallen out of the last `slots` numbers.
    for (int i = 1; i < std::min(ahead, slots); ++i)
      SlotFor(static_cast<std::uint16_t>(seq - i)) = Slot();
    highest_ = seq;
    empty_ = false;
  }
  SlotFor(seq) = {.sent_at = SendTicks(now),
                  .source_seq = source_seq,
                  .transport_seq = transport_seq,
                  .resent = kNeverResent};
  return abs_send_time;
}

SentMap::Answer SentMap::Request(std::uint16_t seq, Timestamp now,
                                 Duration min_interval) {
  const auto behind = static_cast<std::uint16_t>(highest_ - seq);
  if (behind >= slots_.size()) return {.outcome = Outcome::kUnknown};
  Slot& slot = SlotFor(seq);
  if (slot.resent == kEmpty) return {.outcome = Outcome::kUnknown};
  // Wraps after four and a half hours, when it is young again for the store of
  // the source to refuse.
  const std::uint32_t age = SendTicks(now) - slot.sent_at;
  if (age > max_age_ticks_) return {.outcome = Outcome::kExpired};
  if (slot.resent != kNeverResent) {
    const std::uint32_t resent = (slot.resent - 1u) << kResendShift;
    // Longer than any age is as long as the longest.
    if (age - std::min(age, resent) <
        TicksOf(std::clamp<Duration>(min_interval, 0s, kLongestAge)))
      return {.outcome = Outcome::kTooSoon};
  }
  slot.resent = static_cast<std::uint16_t>(1 + (age >> kResendShift));
  return {.outcome = Outcome::kFound,
          .source_seq = slot.source_seq,
          .abs_send_time = slot.sent_at & 0xffffff,
          .transport_seq = slot.transport_seq};
}

void SentMap::Clear() {
  std::ranges::fill(slots_, Slot());
  empty_ = true;
}

}  // namespace hg
