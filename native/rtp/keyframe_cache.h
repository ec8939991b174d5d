// The packets of a source from its last keyframe on, so that a new viewer has a
// picture at once rather than at the next keyframe (Janus: bufferkf_ms,
// bufferkf_bytes). When the group outgrows a limit the cache is empty until the
// next keyframe: half a group cannot be continued with live packets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/clock.h"
#include "base/pool.h"

namespace hg {

class KeyframeCache {
 public:
  struct Limits {
    Duration span{0};       // between first and last arrival; 0: not limited
    std::size_t bytes = 0;  // 0: not limited. Both 0: the cache is off
    std::size_t packets = 2048;  // never more than this; allocated at once
  };

  explicit KeyframeCache(const Limits& limits);

  bool enabled() const { return limits_.span > 0s || limits_.bytes > 0; }

  // Every accepted packet of the source, late ones too. A keyframe begins with
  // a packet whose `info.keyframe` is set and whose timestamp is new. One that
  // the cache has already is ignored.
  void Add(const PacketRef& packet);
  // After a restart of the source, or when nobody may see it any more.
  void Clear();

  // The keyframe and what followed, by sequence; empty if there is none whole.
  // Valid until the next Add or Clear.
  std::span<const PacketRef> packets() const { return packets_; }
  std::size_t bytes() const { return bytes_; }
  // How many groups outgrew the limits.
  std::uint64_t overflows() const { return overflows_; }

 private:
  using Iterator = std::vector<PacketRef>::iterator;

  void Insert(Iterator at, const PacketRef& packet);
  Iterator DropBefore(Iterator at);
  bool Fits(const PacketBuffer& packet) const;

  const Limits limits_;
  std::vector<PacketRef> packets_;
  std::size_t bytes_ = 0;
  std::uint64_t overflows_ = 0;
};

}  // namespace hg
