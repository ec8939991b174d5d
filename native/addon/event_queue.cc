#include "addon/event_queue.h"

#include <utility>

namespace hg {
namespace {

bool IsSample(const Event& event) {
  return event.type == EventType::kLog ||
         event.type == EventType::kPeerSlowLink;
}

}  // namespace

EventQueue::~EventQueue() { Take(); }

void EventQueue::Post(Event event) {
  if (IsSample(event) &&
      samples_.fetch_add(1, std::memory_order_relaxed) >= kMaxSamples) {
    samples_.fetch_sub(1, std::memory_order_relaxed);
    dropped_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  auto* node = new Node;
  node->event = std::move(event);
  stack_.Push(node);
  if (!woken_.exchange(true, std::memory_order_acq_rel)) waker_.WakeReader();
}

void EventQueue::Log(LogLevel level, std::string_view where,
                     std::string_view message) {
  Event event;
  event.type = EventType::kLog;
  event.a = static_cast<std::int64_t>(level);
  event.text = where;
  event.more = message;
  Post(std::move(event));
}

std::vector<Event> EventQueue::Take() {
  // Before the list is taken: what is posted from now on wakes again. An
  // exchange, not a store, so that what was posted without waking is seen.
  woken_.exchange(false, std::memory_order_acq_rel);
  std::vector<Event> events;
  for (auto chain = stack_.TakeAll(); Node* node = chain.Next();) {
    Event event = std::move(node->event);
    delete node;
    if (IsSample(event)) samples_.fetch_sub(1, std::memory_order_relaxed);
    if (event.cell) {
      event.cell->queued.exchange(false, std::memory_order_acq_rel);
      event.a = event.cell->value.load(std::memory_order_acquire);
    }
    events.push_back(std::move(event));
  }
  return events;
}

}  // namespace hg
