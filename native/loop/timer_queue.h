// Timers of one media thread: a binary heap ordered by due time. Sans-IO: the
// loop passes `now` in. Setting a timer that is set moves it; nothing is
// allocated once the heap has grown to the number of timers.
// Invariant: heap_[t->index_] == t for every timer t that is set and not being
// run.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "base/clock.h"

namespace hg {

class TimerQueue;

class Timer {
 public:
  Timer() = default;
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  virtual void OnTimer(Timestamp now) = 0;

 protected:
  virtual ~Timer();  // cancels itself

 private:
  friend class TimerQueue;
  TimerQueue* queue_ = nullptr;  // null: not set
  std::size_t index_ = 0;
  Timestamp due_{};
};

class TimerQueue {
 public:
  TimerQueue() = default;
  ~TimerQueue();
  TimerQueue(const TimerQueue&) = delete;
  TimerQueue& operator=(const TimerQueue&) = delete;

  void Set(Timer& timer, Timestamp due);
  void Cancel(Timer& timer);
  std::optional<Timestamp> NextDue() const;
  // Calls what is due. A timer set again from its own callback to a time that
  // is already past runs in the next call, so a turn always ends.
  void RunDue(Timestamp now);

 private:
  static constexpr std::size_t kBeingRun = static_cast<std::size_t>(-1);

  void RemoveFromHeap(Timer& timer);
  void Place(std::size_t index, Timer* timer);
  void SiftUp(std::size_t index);
  void SiftDown(std::size_t index);

  std::vector<Timer*> heap_;
  std::vector<Timer*> being_run_;  // due, taken off the heap, not called yet
};

}  // namespace hg
