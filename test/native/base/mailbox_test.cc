#include "base/mailbox.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <memory>
#include <thread>

namespace hg {

TEST_CASE("a ring hands out what was put in, in order") {
  SpscRing<int> ring(4);

  for (int i = 0; i < 3; ++i) CHECK(ring.Push(i));

  CHECK(ring.size() == 3);
  for (int i = 0; i < 3; ++i) CHECK(ring.Pop() == i);
  CHECK_FALSE(ring.Pop().has_value());
}

TEST_CASE("a full ring drops the newest and counts it") {
  SpscRing<int> ring(4);
  for (int i = 0; i < 4; ++i) CHECK(ring.Push(i));

  CHECK_FALSE(ring.Push(4));
  CHECK_FALSE(ring.Push(5));

  CHECK(ring.dropped() == 2);
  CHECK(ring.Pop() == 0);
  CHECK(ring.Push(6));
  for (const int expected : {1, 2, 3, 6}) CHECK(ring.Pop() == expected);
}

TEST_CASE("what a full ring refuses stays with the producer") {
  SpscRing<std::unique_ptr<int>> ring(1);
  CHECK(ring.Push(std::make_unique<int>(1)));
  auto second = std::make_unique<int>(2);

  CHECK_FALSE(ring.Push(std::move(second)));

  REQUIRE(second != nullptr);
  CHECK(*second == 2);
}

TEST_CASE("a ring forgets what it handed out") {
  const auto value = std::make_shared<int>(1);
  SpscRing<std::shared_ptr<int>> ring(2);
  ring.Push(value);

  ring.Pop();

  CHECK(value.use_count() == 1);
}

TEST_CASE("two threads lose nothing and mix up nothing") {
  constexpr std::uint64_t kCount = 200'000;
  SpscRing<std::uint64_t> ring(64);
  std::thread producer([&] {
    for (std::uint64_t i = 0; i < kCount;)
      if (ring.Push(i))
        ++i;
      else
        std::this_thread::yield();
  });

  std::uint64_t expected = 0;
  bool in_order = true;
  while (expected < kCount) {
    const auto value = ring.Pop();
    if (!value) {
      std::this_thread::yield();
      continue;
    }
    in_order = in_order && *value == expected;
    ++expected;
  }
  producer.join();

  CHECK(in_order);
  CHECK(ring.empty());
}

}  // namespace hg
