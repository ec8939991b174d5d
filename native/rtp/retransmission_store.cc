#include "rtp/retransmission_store.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/check.h"

namespace hg {
namespace {

// Slots that a packet may empty when it comes: more than one, to catch up with
// numbers that were never used; few, so that none has to pay for a long gap.
constexpr std::size_t kLetGoPerPacket = 8;

}  // namespace

RetransmissionStore::RetransmissionStore(const Limits& limits)
    : max_age_(limits.max_age),
      mask_(limits.packets - 1),
      slots_(limits.packets) {
  HG_CHECK(std::has_single_bit(limits.packets));  // IndexOf masks with size - 1
}

void RetransmissionStore::Insert(PacketRef packet) {
  if (!packet) return;
  PacketRef& slot = slots_[IndexOf(packet->info.seq32())];
  const std::uint64_t seq = packet->info.extended_seq;
  if (slot && slot->info.extended_seq >= seq) return;
  const Timestamp now = packet->info.arrival;
  slot = std::move(packet);
  oldest_ = oldest_ > newest_ ? seq : std::min(oldest_, seq);
  newest_ = std::max(newest_, seq);
  // Further back the slots are the same ones again.
  if (newest_ - oldest_ > mask_) oldest_ = newest_ - mask_;
  LetGo(now, kLetGoPerPacket);
}

void RetransmissionStore::LetGo(Timestamp now, std::size_t most) {
  for (; most > 0 && oldest_ <= newest_; --most, ++oldest_) {
    PacketRef& slot = slots_[IndexOf(static_cast<std::uint32_t>(oldest_))];
    if (slot && now - slot->info.arrival <= max_age_) return;
    slot.reset();
  }
}

const PacketBuffer* RetransmissionStore::Find(std::uint32_t seq,
                                              Timestamp now) const {
  const PacketRef& slot = slots_[IndexOf(seq)];
  if (!slot || slot->info.seq32() != seq) return nullptr;
  if (now - slot->info.arrival > max_age_) return nullptr;
  return slot.get();
}

void RetransmissionStore::Trim(Timestamp now) { LetGo(now, slots_.size()); }

void RetransmissionStore::Clear() {
  for (PacketRef& slot : slots_) slot.reset();
  oldest_ = newest_ + 1;
}

}  // namespace hg
