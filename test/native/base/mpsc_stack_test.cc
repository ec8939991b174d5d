#include "base/mpsc_stack.h"

#include <doctest/doctest.h>

#include <array>
#include <cstddef>
#include <thread>
#include <vector>

namespace hg {
namespace {

struct Command : MpscNode {
  std::size_t producer = 0;
  int number = 0;
};

}  // namespace

TEST_CASE("what several pushed is taken at once, oldest first") {
  MpscStack<Command> stack;
  std::array<Command, 3> commands;
  for (int i = 0; i < 3; ++i) {
    Command& command = commands[static_cast<std::size_t>(i)];
    command.number = i;
    stack.Push(&command);
  }

  auto chain = stack.TakeAll();

  CHECK(stack.empty());
  for (int i = 0; i < 3; ++i) {
    const Command* const command = chain.Next();
    REQUIRE(command != nullptr);
    CHECK(command->number == i);
  }
  CHECK(chain.Next() == nullptr);
}

TEST_CASE("only the first of a burst has to wake the owner") {
  MpscStack<Command> stack;
  Command a;
  Command b;

  CHECK(stack.Push(&a));
  CHECK_FALSE(stack.Push(&b));
  stack.TakeAll();
  CHECK(stack.Push(&a));
}

TEST_CASE("a node may be pushed again while the chain is walked") {
  MpscStack<Command> stack;
  std::array<Command, 2> commands;
  for (Command& command : commands) stack.Push(&command);
  auto chain = stack.TakeAll();

  while (Command* const command = chain.Next()) stack.Push(command);

  chain = stack.TakeAll();
  CHECK(chain.Next() == &commands[0]);
  CHECK(chain.Next() == &commands[1]);
  CHECK(chain.Next() == nullptr);
}

TEST_CASE("several producers keep each their order") {
  constexpr std::size_t kProducers = 3;
  constexpr int kEach = 20'000;
  MpscStack<Command> stack;
  std::vector<std::vector<Command>> commands(kProducers);
  std::vector<std::thread> threads;
  for (std::size_t p = 0; p < kProducers; ++p) {
    commands[p].resize(kEach);
    threads.emplace_back([&stack, &own = commands[p], p] {
      for (int i = 0; i < kEach; ++i) {
        Command& command = own[static_cast<std::size_t>(i)];
        command.producer = p;
        command.number = i;
        stack.Push(&command);
      }
    });
  }

  std::array<int, kProducers> next{};
  bool in_order = true;
  std::size_t taken = 0;
  while (taken < kProducers * kEach) {
    auto chain = stack.TakeAll();
    if (chain.empty()) std::this_thread::yield();
    while (const Command* const command = chain.Next()) {
      in_order = in_order && command->number == next[command->producer]++;
      ++taken;
    }
  }
  for (std::thread& thread : threads) thread.join();

  CHECK(in_order);
  CHECK(stack.empty());
}

}  // namespace hg
