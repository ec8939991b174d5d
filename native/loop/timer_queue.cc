#include "loop/timer_queue.h"

#include <utility>

#include "base/check.h"

namespace hg {

Timer::~Timer() {
  if (queue_ != nullptr) queue_->Cancel(*this);
}

TimerQueue::~TimerQueue() {
  for (Timer* timer : heap_) timer->queue_ = nullptr;
  for (Timer* timer : being_run_) {
    if (timer != nullptr) timer->queue_ = nullptr;
  }
}

void TimerQueue::Set(Timer& timer, Timestamp due) {
  HG_CHECK(timer.queue_ == nullptr || timer.queue_ == this);
  if (timer.queue_ != nullptr && timer.index_ == kBeingRun) Cancel(timer);
  const bool fresh = timer.queue_ == nullptr;
  if (fresh) {
    timer.queue_ = this;
    heap_.push_back(&timer);
    // All of them may be due at once; RunDue() does not allocate.
    being_run_.reserve(heap_.capacity());
    timer.index_ = heap_.size() - 1;
  }
  const bool earlier = fresh || due < timer.due_;
  timer.due_ = due;
  if (earlier) {
    SiftUp(timer.index_);
  } else {
    SiftDown(timer.index_);
  }
}

void TimerQueue::Cancel(Timer& timer) {
  if (timer.queue_ == nullptr) return;
  HG_CHECK(timer.queue_ == this);
  timer.queue_ = nullptr;
  if (timer.index_ == kBeingRun) {
    for (Timer*& due : being_run_) {
      if (due == &timer) due = nullptr;
    }
    return;
  }
  RemoveFromHeap(timer);
}

void TimerQueue::RemoveFromHeap(Timer& timer) {
  HG_CHECK(heap_[timer.index_] == &timer);
  const std::size_t hole = timer.index_;
  Timer* last = heap_.back();
  heap_.pop_back();
  if (last == &timer) return;
  Place(hole, last);
  SiftUp(hole);
  SiftDown(last->index_);
}

std::optional<Timestamp> TimerQueue::NextDue() const {
  if (heap_.empty()) return std::nullopt;
  return heap_.front()->due_;
}

void TimerQueue::RunDue(Timestamp now) {
  while (!heap_.empty() && heap_.front()->due_ <= now) {
    Timer* timer = heap_.front();
    RemoveFromHeap(*timer);
    timer->index_ = kBeingRun;  // can still be cancelled until it is called
    being_run_.push_back(timer);
  }
  for (std::size_t i = 0; i < being_run_.size(); ++i) {
    Timer* timer = std::exchange(being_run_[i], nullptr);
    if (timer == nullptr) continue;
    timer->queue_ = nullptr;
    timer->OnTimer(now);
  }
  being_run_.clear();
}

void TimerQueue::Place(std::size_t index, Timer* timer) {
  heap_[index] = timer;
  timer->index_ = index;
}

void TimerQueue::SiftUp(std::size_t index) {
  Timer* timer = heap_[index];
  while (index > 0) {
    const std::size_t parent = (index - 1) / 2;
    if (heap_[parent]->due_ <= timer->due_) break;
    Place(index, heap_[parent]);
    index = parent;
  }
  Place(index, timer);
}

void TimerQueue::SiftDown(std::size_t index) {
  Timer* timer = heap_[index];
  for (;;) {
    std::size_t child = 2 * index + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && heap_[child + 1]->due_ < heap_[child]->due_)
      ++child;
    if (timer->due_ <= heap_[child]->due_) break;
    Place(index, heap_[child]);
    index = child;
  }
  Place(index, timer);
}

}  // namespace hg
