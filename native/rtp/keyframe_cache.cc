#include "rtp/keyframe_cache.h"

namespace hg {

KeyframeCache::KeyframeCache(const Limits& limits) : limits_(limits) {
  if (enabled()) packets_.reserve(limits.packets);
}

void KeyframeCache::Add(const PacketRef& packet) {
  if (!enabled() || !packet) return;
  const PacketInfo& info = packet->info;
  if (packets_.empty()) {
    if (info.keyframe) Insert(packets_.end(), packet);
    return;
  }

  // Nearly always the end; a late packet goes where it belongs.
  auto at = packets_.end();
  while (at != packets_.begin() &&
         (*(at - 1))->info.extended_seq > info.extended_seq)
    --at;
  const bool of_first_frame =
      info.timestamp == packets_.front()->info.timestamp;
  if (at == packets_.begin()) {
    // From the group before, unless parameter sets were overtaken.
    if (of_first_frame) Insert(at, packet);
    return;
  }
  if ((*(at - 1))->info.extended_seq == info.extended_seq) return;
  // A keyframe's first packet may also come after its others.
  if (info.keyframe && !of_first_frame) at = DropBefore(at);
  Insert(at, packet);
}

void KeyframeCache::Insert(Iterator at, const PacketRef& packet) {
  if (!Fits(*packet)) {
    ++overflows_;
    Clear();
    return;
  }
  bytes_ += packet->size();
  packets_.insert(at, packet);
}

KeyframeCache::Iterator KeyframeCache::DropBefore(Iterator at) {
  for (auto i = packets_.begin(); i != at; ++i) bytes_ -= (*i)->size();
  return packets_.erase(packets_.begin(), at);
}

bool KeyframeCache::Fits(const PacketBuffer& packet) const {
  if (packets_.size() >= limits_.packets) return false;
  if (limits_.bytes != 0 && bytes_ + packet.size() > limits_.bytes)
    return false;
  return limits_.span == 0s || packets_.empty() ||
         packet.info.arrival - packets_.front()->info.arrival <= limits_.span;
}

void KeyframeCache::Clear() {
  packets_.clear();
  bytes_ = 0;
}

}  // namespace hg
