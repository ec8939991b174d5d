#include "base/pool.h"

#include <algorithm>
#include <memory>
#include <new>
#include <vector>

namespace hg {
namespace internal {

// The memory of a pool. Owned by the PacketPool until that goes, then by the
// packets that are left: the last one deletes it. Nothing is counted per packet
// for this, see Close().
class PoolCore {
 public:
  explicit PoolCore(const PacketPool::Limits& limits) : limits_(limits) {
    slabs_.reserve(limits.max_packets / limits.slab_packets + 1);
    Grow();
  }

  // Owner thread. What came back last goes first: it is in the cache.
  PacketBuffer* Take() {
    if (returned_.load(std::memory_order_relaxed) != nullptr)
      PushChain(returned_.exchange(nullptr, kAcquire));
    if (free_ == nullptr && !Grow()) {
      exhausted_.Add();
      return nullptr;
    }
    // Nobody else knows a free block: it may be written again.
    auto* const block = const_cast<PacketBuffer*>(free_);
    free_ = block->next_free_;
    if (free_ == nullptr) {
      free_ = block->next_chain_;
    } else {
      free_->next_chain_ = block->next_chain_;
    }
    block->refs_.store(1, std::memory_order_relaxed);
    block->size_ = 0;
    block->info = {};
    return block;
  }

  // Any thread.
  void Return(const PacketBuffer* block) {
    const PacketBuffer* head = returned_.load(std::memory_order_acquire);
    do {
      if (head == Closed()) {
        AddOutstanding(-1);
        return;
      }
      block->next_free_ = head;
    } while (!returned_.compare_exchange_weak(head, block, kRelease, kAcquire));
  }

  // The owner leaves. From the exchange on, Return() counts instead of listing.
  // `outstanding_` starts at 0 and is below it until the blocks that were in
  // use at the exchange are added here; so it is 0 again exactly when all of
  // them are back, and whoever sees that is the last.
  void Close() {
    std::int64_t free = Length(returned_.exchange(Closed(), kAcquire));
    for (const auto* chain = free_; chain != nullptr;
         chain = chain->next_chain_)
      free += Length(chain);
    AddOutstanding(static_cast<std::int64_t>(blocks()) - free);
  }

  std::size_t blocks() const {
    return static_cast<std::size_t>(blocks_.value());
  }
  std::uint64_t exhausted() const { return exhausted_.value(); }

 private:
  static constexpr auto kAcquire = std::memory_order_acquire;
  static constexpr auto kRelease = std::memory_order_release;

  // A mark that is no block: the address of the pool itself.
  const PacketBuffer* Closed() const {
    return reinterpret_cast<const PacketBuffer*>(this);
  }

  static std::int64_t Length(const PacketBuffer* list) {
    std::int64_t n = 0;
    for (; list != nullptr; list = list->next_free_) ++n;
    return n;
  }

  void PushChain(const PacketBuffer* chain) {
    chain->next_chain_ = free_;
    free_ = chain;
  }

  void AddOutstanding(std::int64_t difference) {
    if (outstanding_.fetch_add(difference, std::memory_order_acq_rel) +
            difference ==
        0)
      delete this;
  }

  bool Grow() {
    const std::size_t count =
        std::min(limits_.slab_packets, limits_.max_packets - blocks());
    if (count == 0) return false;
    // Not make_unique, which would zero two kilobytes a block. No memory is
    // the same as no more blocks: the media thread drops, and goes on.
    std::unique_ptr<PacketBuffer[]> slab(new (std::nothrow)
                                             PacketBuffer[count]);
    if (slab == nullptr) return false;
    const PacketBuffer* chain = nullptr;
    for (std::size_t i = count; i-- > 0;) {
      slab[i].core_ = this;
      slab[i].next_free_ = chain;
      chain = &slab[i];
    }
    PushChain(chain);
    slabs_.push_back(std::move(slab));
    blocks_.Add(count);
    return true;
  }

  // Written by the owner thread only.
  const PacketPool::Limits limits_;
  std::vector<std::unique_ptr<PacketBuffer[]>> slabs_;
  // A list of chains: blocks that came back together stay together.
  const PacketBuffer* free_ = nullptr;
  Counter blocks_;
  Counter exhausted_;
  // Written by all. Push only and take all, so there is no ABA problem.
  alignas(128) std::atomic<const PacketBuffer*> returned_{nullptr};
  std::atomic<std::int64_t> outstanding_{0};
};

}  // namespace internal

void PacketBuffer::ReturnToPool() const { core_->Return(this); }

PacketPool::PacketPool(const Limits& limits) {
  HG_CHECK(limits.slab_packets > 0 && limits.max_packets > 0);
  core_ = new internal::PoolCore(limits);
}

PacketPool::~PacketPool() { core_->Close(); }

PacketDraft PacketPool::Allocate() { return PacketDraft(core_->Take()); }

std::size_t PacketPool::blocks() const { return core_->blocks(); }

std::uint64_t PacketPool::exhausted() const { return core_->exhausted(); }

}  // namespace hg
