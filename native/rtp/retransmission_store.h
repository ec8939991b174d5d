// The packets a source sent lately, by normalised sequence number, to answer
// NACKs (RFC 4585 s6.2.1) of all its viewers on one shard.
// Invariants: slot i is empty or holds a packet with seq % slots == i; a newer
// packet is never replaced by an older one; slots that hold one are those of
// `oldest_` to `newest_`. What is too old goes as new ones come: the pool is
// shared, and many sources together would hold all of it.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/clock.h"
#include "base/pool.h"

namespace hg {

class RetransmissionStore {
 public:
  struct Limits {
    std::size_t packets;  // a power of two
    Duration max_age;     // counted from the arrival at the source
  };

  explicit RetransmissionStore(const Limits& limits);

  // The packet's arrival is the time it is.
  void Insert(PacketRef packet);
  // `seq`: the low 32 bits of the packet's extended_seq, so that a source that
  // runs through its 16 bits within max_age confuses nobody. nullptr if it is
  // not there or too old. Valid until the next Insert, Trim or Clear.
  const PacketBuffer* Find(std::uint32_t seq, Timestamp now) const;
  // A 16-bit number would lap: not packet.seq() but packet.info.seq32().
  const PacketBuffer* Find(std::same_as<std::uint16_t> auto seq,
                           Timestamp now) const = delete;
  // Of what came after this packet nothing was let go of; asked before it is
  // inserted.
  bool HasAllAfter(std::uint64_t extended_seq) const {
    return oldest_ <= newest_ && oldest_ <= extended_seq + 1;
  }
  // In the order of their numbers, however old. `take(const PacketRef&)`.
  template <typename Take>
  void ForEachAfter(std::uint64_t extended_seq, Take take) const {
    for (auto seq = std::max(extended_seq + 1, oldest_); seq <= newest_; ++seq)
      if (const PacketRef& slot =
              slots_[IndexOf(static_cast<std::uint32_t>(seq))])
        take(slot);
  }
  // Lets go of the packets older than max_age, for a source that fell silent.
  void Trim(Timestamp now);
  void Clear();
  void SetMaxAge(Duration max_age) { max_age_ = max_age; }

 private:
  std::size_t IndexOf(std::uint32_t seq) const { return seq & mask_; }

  void LetGo(Timestamp now, std::size_t most);

  Duration max_age_;
  const std::size_t mask_;
  std::vector<PacketRef> slots_;
  // Extended sequence numbers; nothing is kept: `oldest_` is beyond `newest_`.
  std::uint64_t oldest_ = 1;
  std::uint64_t newest_ = 0;
};

}  // namespace hg
