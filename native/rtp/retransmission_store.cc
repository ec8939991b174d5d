#include "rtp/retransmission_store.h"

#include <bit>
#include <utility>

#include "base/check.h"

namespace hg {

RetransmissionStore::RetransmissionStore(const Limits& limits)
    : max_age_(limits.max_age),
      mask_(limits.packets - 1),
      slots_(limits.packets) {
  HG_CHECK(std::has_single_bit(limits.packets));  // IndexOf masks with size - 1
}

void RetransmissionStore::Insert(PacketRef packet) {
  if (!packet) return;
  PacketRef& slot = slots_[IndexOf(packet->info.seq32())];
  if (slot && slot->info.extended_seq >= packet->info.extended_seq) return;
  slot = std::move(packet);
}

const PacketBuffer* RetransmissionStore::Find(std::uint32_t seq,
                                              Timestamp now) const {
  const PacketRef& slot = slots_[IndexOf(seq)];
  if (!slot || slot->info.seq32() != seq) return nullptr;
  if (now - slot->info.arrival > max_age_) return nullptr;
  return slot.get();
}

void RetransmissionStore::Trim(Timestamp now) {
  for (PacketRef& slot : slots_)
    if (slot && now - slot->info.arrival > max_age_) slot.reset();
}

void RetransmissionStore::Clear() {
  for (PacketRef& slot : slots_) slot.reset();
}

}  // namespace hg
