// Where a source's packets go: an outgoing track of a peer today; forwarders,
// recorders and taps are others. Lives on the media thread of its replica.
#pragma once

#include <cstdint>
#include <span>

#include "base/pool.h"

namespace hg {

class Sink {
 public:
  // A burst of one source, in order. The packets are shared and immutable;
  // they stay valid until the end of the turn.
  virtual void OnPackets(std::span<const PacketRef> packets) = 0;
  // OnPackets() follows soon: what it needs is better fetched now. The sink's
  // first cache line is on its way already.
  virtual void Prefetch() const {}
  // It begins with the next keyframe, and drops what comes before.
  virtual bool WaitsForKeyframe() const { return false; }
  // The source closed; it is unlinked already.
  virtual void OnSourceClosed() = 0;
  // The receiver's bandwidth as it says by REMB, bit/s; 0: unknown.
  virtual std::uint64_t remb() const = 0;
  // It sends on what comes now, and may be asked to send that again.
  virtual bool MayResend() const = 0;

 protected:
  ~Sink() = default;
};

}  // namespace hg
