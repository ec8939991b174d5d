// What the threads of one capture share: the rings of the peers that go to its
// file, and the statistics.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

#include "base/counter.h"
#include "base/mpsc_stack.h"
#include "base/ring_reader.h"
#include "route/capture_queue.h"

namespace hg {

// Written by the file thread, read by any.
struct CaptureStats {
  Counter packets;  // in the file, or to be within a second
  Gauge bytes;      // of the file
  Gauge dropped;    // found a ring full
};

class Capture {
 public:
  struct Node : MpscNode {
    std::shared_ptr<CaptureQueue> queue;
  };

  // `reader` must outlive it.
  Capture(std::uint32_t number, RingReader& reader)
      : id(number), reader_(reader) {}
  ~Capture() {
    for (auto chain = added_.TakeAll(); Node* node = chain.Next();) delete node;
  }
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;

  // ---- the application's thread ---------------------------------------------

  void Add(std::shared_ptr<CaptureQueue> queue) {
    auto* node = new Node;
    node->queue = std::move(queue);
    added_.Push(node);
  }
  // No ring is added any more: the file is finished when all have ended.
  void End() {
    ended_.store(true, std::memory_order_release);
    reader_.Wake();
  }

  // ---- the file thread ------------------------------------------------------

  // To be asked before TakeAdded().
  bool ended() const { return ended_.load(std::memory_order_acquire); }
  auto TakeAdded() { return added_.TakeAll(); }

  const std::uint32_t id;
  CaptureStats stats;

 private:
  RingReader& reader_;
  MpscStack<Node> added_;
  std::atomic<bool> ended_{false};
};

}  // namespace hg
