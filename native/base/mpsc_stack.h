// An intrusive lock-free list: any thread pushes, the one owner takes all at
// once and gets them in the order they were pushed. For commands down to a
// media thread and events up. It has no bound of its own: whoever pushes bounds
// the number of nodes (one per object, or a pool of them).
#pragma once

#include <atomic>
#include <utility>

namespace hg {

// Base class of what can be listed. A node is in one list at a time.
struct MpscNode {
  MpscNode* mpsc_next = nullptr;
};

// What TakeAll returned: owns nothing, hands out each node once, oldest first.
template <typename T>
class MpscChain {
 public:
  explicit MpscChain(MpscNode* first = nullptr) : first_(first) {}
  bool empty() const { return first_ == nullptr; }
  // nullptr at the end. The node may be pushed again or freed at once.
  T* Next() {
    MpscNode* node = first_;
    if (node == nullptr) return nullptr;
    first_ = std::exchange(node->mpsc_next, nullptr);
    return static_cast<T*>(node);
  }

 private:
  MpscNode* first_;
};

template <typename T>
class MpscStack {
 public:
  MpscStack() = default;
  MpscStack(const MpscStack&) = delete;
  MpscStack& operator=(const MpscStack&) = delete;

  // Any thread. True when the list was empty: the pusher then wakes the owner,
  // and only then, so that a burst costs one wake-up.
  bool Push(T* item) {
    MpscNode* node = item;
    MpscNode* head = head_.load(std::memory_order_relaxed);
    do {
      node->mpsc_next = head;
    } while (!head_.compare_exchange_weak(head, node, std::memory_order_release,
                                          std::memory_order_relaxed));
    return head == nullptr;
  }

  // Owner. Oldest first.
  MpscChain<T> TakeAll() {
    MpscNode* node = head_.exchange(nullptr, std::memory_order_acquire);
    MpscNode* reversed = nullptr;
    while (node != nullptr) {
      MpscNode* const next = node->mpsc_next;
      node->mpsc_next = reversed;
      reversed = node;
      node = next;
    }
    return MpscChain<T>(reversed);
  }

  bool empty() const {
    return head_.load(std::memory_order_relaxed) == nullptr;
  }

 private:
  std::atomic<MpscNode*> head_{nullptr};
};

}  // namespace hg
