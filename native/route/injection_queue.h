// The way of packets that the application makes: from its thread to the media
// thread of their source, batch by batch, all or none.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/counter.h"
#include "base/events.h"
#include "base/mailbox.h"
#include "base/pool.h"

namespace hg {

class InjectionQueue {
 public:
  // Packets that wait at most.
  static constexpr std::size_t kCapacity = 2048;
  // One batch fits when half of it is free.
  static constexpr std::size_t kMaxBatch = kCapacity / 2;

  // ---- the application's thread ---------------------------------------------

  // False: no room, nothing was taken, and Pop() will say when there is. At
  // most kMaxBatch packets, each at most PacketBuffer::kCapacity bytes. `pool`
  // belongs to this thread.
  bool Push(std::span<const Bytes> packets, PacketPool& pool);
  // True: the media thread has to be told that there is something to do.
  bool WantsService() { return !service_.exchange(true, kBoth); }

  // ---- the media thread -----------------------------------------------------

  // To be called before it is emptied: what comes from now on is told anew.
  void BeginService() { service_.exchange(false, kBoth); }
  std::optional<PacketDraft> Pop() { return ring_.Pop(); }
  bool empty() const { return ring_.empty(); }
  // Once after each refusal, when a batch fits.
  bool TakeRoomWanted() {
    return ring_.size() <= kCapacity - kMaxBatch &&
           room_wanted_.exchange(false, kBoth);
  }

  // ---- any thread -----------------------------------------------------------

  std::size_t waiting() const { return ring_.size(); }
  // Packets that Push() did not take.
  Counter refused;
  // There is room again; somebody wants a keyframe.
  const std::shared_ptr<StateCell> low = std::make_shared<StateCell>();
  const std::shared_ptr<StateCell> keyframe_wanted =
      std::make_shared<StateCell>();

 private:
  static constexpr auto kBoth = std::memory_order_acq_rel;

  SpscRing<PacketDraft> ring_{kCapacity};
  std::vector<PacketDraft> batch_;
  std::atomic<bool> service_{false};
  std::atomic<bool> room_wanted_{false};
};

}  // namespace hg
