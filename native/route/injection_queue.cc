#include "route/injection_queue.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace hg {

bool InjectionQueue::Push(std::span<const Bytes> packets, PacketPool& pool) {
  HG_CHECK(packets.size() <= kMaxBatch);
  batch_.clear();
  if (ring_.size() + packets.size() <= kCapacity) {
    for (const Bytes packet : packets) {
      PacketDraft draft = pool.Allocate();
      if (!draft) break;
      std::ranges::copy(packet, draft->buffer().begin());
      draft->set_size(packet.size());
      batch_.push_back(std::move(draft));
    }
  }
  if (batch_.size() < packets.size()) {
    batch_.clear();
    refused.Add(packets.size());
    room_wanted_.exchange(true, kBoth);
    return false;
  }
  for (PacketDraft& draft : batch_) ring_.Push(std::move(draft));
  batch_.clear();
  return true;
}

}  // namespace hg
