#include "loop/timer_queue.h"

#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <random>
#include <vector>

namespace hg {
namespace {

constexpr Timestamp kStart{1000s};

class TestTimer final : public Timer {
 public:
  explicit TestTimer(std::function<void(Timestamp)> f) : f_(std::move(f)) {}
  void OnTimer(Timestamp now) override { f_(now); }

 private:
  std::function<void(Timestamp)> f_;
};

// Timers that write their index down when they are called.
struct Rig {
  TestTimer& Make() {
    const int index = static_cast<int>(timers.size());
    timers.push_back(std::make_unique<TestTimer>([this, index](Timestamp) {
      calls.push_back(index);
      if (then) then(index);
    }));
    return *timers.back();
  }
  TestTimer& timer(int i) { return *timers[static_cast<std::size_t>(i)]; }

  TimerQueue queue;
  std::vector<int> calls;
  std::function<void(int)> then;
  std::vector<std::unique_ptr<TestTimer>> timers;
};

using Calls = std::vector<int>;

TEST_CASE("timers are called in order of their time, none too early") {
  Rig rig;
  for (const auto due : {30ms, 10ms, 20ms})
    rig.queue.Set(rig.Make(), kStart + due);

  CHECK(rig.queue.NextDue() == kStart + 10ms);
  rig.queue.RunDue(kStart + 9ms);
  CHECK(rig.calls.empty());
  rig.queue.RunDue(kStart + 20ms);
  CHECK(rig.calls == Calls{1, 2});
  CHECK(rig.queue.NextDue() == kStart + 30ms);
  rig.queue.RunDue(kStart + 1h);
  CHECK(rig.calls == Calls{1, 2, 0});
  CHECK_FALSE(rig.queue.NextDue());
}

TEST_CASE("a timer that is set again moves") {
  Rig rig;
  for (int i = 0; i < 3; ++i) rig.queue.Set(rig.Make(), kStart + i * 10ms);

  rig.queue.Set(rig.timer(0), kStart + 15ms);
  rig.queue.Set(rig.timer(2), kStart + 5ms);
  rig.queue.RunDue(kStart + 1s);

  CHECK(rig.calls == Calls{2, 1, 0});
}

TEST_CASE("a cancelled timer is not called, and can be set again") {
  Rig rig;
  for (int i = 0; i < 5; ++i) rig.queue.Set(rig.Make(), kStart + i * 10ms);

  rig.queue.Cancel(rig.timer(0));
  rig.queue.Cancel(rig.timer(3));
  rig.queue.Cancel(rig.timer(3));
  rig.queue.RunDue(kStart + 1s);
  CHECK(rig.calls == Calls{1, 2, 4});

  rig.queue.Set(rig.timer(3), kStart + 2s);
  rig.queue.RunDue(kStart + 2s);
  CHECK(rig.calls.back() == 3);
}

TEST_CASE("a timer can set itself from its callback; the turn still ends") {
  Rig rig;
  rig.then = [&](int) { rig.queue.Set(rig.timer(0), kStart - 1s); };
  rig.queue.Set(rig.Make(), kStart);

  rig.queue.RunDue(kStart);
  CHECK(rig.calls == Calls{0});
  rig.queue.RunDue(kStart);
  CHECK(rig.calls == Calls{0, 0});
}

TEST_CASE("a callback can cancel a timer that is due in the same turn") {
  Rig rig;
  for (int i = 0; i < 3; ++i) rig.queue.Set(rig.Make(), kStart + i * 1ms);
  rig.then = [&](int) { rig.queue.Cancel(rig.timer(1)); };

  rig.queue.RunDue(kStart + 1s);

  CHECK(rig.calls == Calls{0, 2});
  CHECK_FALSE(rig.queue.NextDue());
}

TEST_CASE("a callback can put off a timer that is due in the same turn") {
  Rig rig;
  for (int i = 0; i < 3; ++i) rig.queue.Set(rig.Make(), kStart + i * 1ms);
  rig.then = [&](int i) {
    if (i == 0) rig.queue.Set(rig.timer(1), kStart + 5s);
  };

  rig.queue.RunDue(kStart + 1s);
  CHECK(rig.calls == Calls{0, 2});
  CHECK(rig.queue.NextDue() == kStart + 5s);
  rig.queue.RunDue(kStart + 5s);

  CHECK(rig.calls == Calls{0, 2, 1});
}

TEST_CASE("a callback can destroy timers: itself, due ones, waiting ones") {
  Rig rig;
  for (int i = 0; i < 4; ++i) rig.queue.Set(rig.Make(), kStart + i * 1ms);
  rig.then = [&](int i) {
    if (i != 1) return;
    // What the callback itself stands on must live until it returns.
    static std::unique_ptr<TestTimer> grave;
    grave = std::move(rig.timers[1]);
    rig.timers[2].reset();
    rig.timers[3].reset();
  };

  rig.queue.RunDue(kStart + 2ms);
  rig.queue.RunDue(kStart + 1s);

  CHECK(rig.calls == Calls{0, 1});
  CHECK_FALSE(rig.queue.NextDue());
}

TEST_CASE("a queue that goes first leaves its timers usable") {
  TestTimer timer([](Timestamp) {});
  {
    TimerQueue queue;
    queue.Set(timer, kStart);
  }
  TimerQueue another;
  another.Set(timer, kStart);
  CHECK(another.NextDue() == kStart);
}

TEST_CASE("any mixture of calls keeps the order") {
  std::mt19937 rng(1);
  Rig rig;
  std::vector<std::optional<Timestamp>> due(100);  // what we expect
  for (int i = 0; i < 100; ++i) rig.Make();
  const auto pick = [&] { return static_cast<int>(rng() % 100); };
  Timestamp now = kStart;
  Timestamp previous;
  rig.then = [&](int i) {
    auto& expected = due[static_cast<std::size_t>(i)];
    REQUIRE(expected);
    REQUIRE(*expected <= now);
    REQUIRE(*expected >= previous);
    previous = *expected;
    expected.reset();
    if (rng() % 4 == 0) {
      // Not due before the next call, so that the order can be checked.
      expected = now + 1ms + (rng() % 1000) * 1ms;
      rig.queue.Set(rig.timer(i), *expected);
    }
    if (rng() % 4 == 0) {
      const int other = pick();
      rig.queue.Cancel(rig.timer(other));
      due[static_cast<std::size_t>(other)].reset();
    }
  };

  for (int step = 0; step < 20'000; ++step) {
    const int i = pick();
    if (rng() % 4 == 0) {
      rig.queue.Cancel(rig.timer(i));
      due[static_cast<std::size_t>(i)].reset();
    } else {
      const Timestamp when = now + (rng() % 1000) * 1ms;
      rig.queue.Set(rig.timer(i), when);
      due[static_cast<std::size_t>(i)] = when;
    }
    std::optional<Timestamp> first;
    for (const auto& d : due)
      if (d && (!first || *d < *first)) first = d;
    REQUIRE(rig.queue.NextDue() == first);
    if (rng() % 8 == 0) {
      now += (rng() % 100) * 1ms;
      previous = {};
      rig.queue.RunDue(now);
      for (const auto& d : due) REQUIRE((!d || *d > now));
    }
  }
  CHECK(rig.calls.size() > 1000);
}

}  // namespace
}  // namespace hg
