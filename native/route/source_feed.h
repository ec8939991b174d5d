// Whoever takes in the packets of a source and knows the way to its sender: a
// UDP port, an incoming track of a peer.
#pragma once

#include <cstdint>

#include "base/clock.h"
#include "route/source.h"

namespace hg {

class SourceFeed {
 public:
  virtual ~SourceFeed() = default;

  virtual Source& source() = 0;
  // Through the gate that merges requests.
  virtual void RequestKeyframe(Timestamp now) = 0;
  // By RTCP, if there is a way.
  virtual void SendKeyframeRequest() = 0;
  // Datagrams that the kernel dropped because we read too late.
  virtual std::uint64_t KernelDrops() const { return 0; }
};

}  // namespace hg
