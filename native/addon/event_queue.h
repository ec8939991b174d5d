// The way up: events of all media threads, collected without waiting and
// handed to JavaScript as one array per turn of its event loop.
// Samples (logs, slow links) are dropped and counted when JavaScript is far
// behind; transitions never are, and StateCell keeps their number small.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "base/events.h"
#include "base/mpsc_stack.h"

namespace hg {

class EventQueue : public EventSink {
 public:
  // `wake` is called from any thread, at most once until Take().
  class Waker {
   public:
    virtual ~Waker() = default;
    virtual void WakeReader() = 0;
  };

  explicit EventQueue(Waker& waker) : waker_(waker) {}
  ~EventQueue() override;

  void Post(Event event) override;
  void Log(LogLevel level, std::string_view where,
           std::string_view message) override;

  // The reader's thread only. In order of posting.
  std::vector<Event> Take();
  std::uint64_t dropped() const {
    return dropped_.load(std::memory_order_relaxed);
  }

 private:
  static constexpr std::uint32_t kMaxSamples = 4096;

  struct Node : MpscNode {
    Event event;
  };

  Waker& waker_;
  MpscStack<Node> stack_;
  std::atomic<std::uint32_t> samples_{0};
  std::atomic<std::uint64_t> dropped_{0};
  std::atomic<bool> woken_{false};
};

}  // namespace hg
