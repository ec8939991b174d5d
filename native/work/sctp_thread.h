// The one thread of the process that runs usrsctp, whose timers and callbacks
// are global to it: it owns the associations of all gateways, also across
// worker threads. It starts with its first user and is joined with its last.
#pragma once

#include <semaphore.h>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/mpsc_stack.h"
#include "sctp/stack.h"

namespace hg {

class SctpThread;

// The way to it, from any thread and without waiting. Outlives the thread: what
// is posted then is dropped.
class SctpMailbox {
 public:
  using Task = std::function<void(SctpThread&)>;

  SctpMailbox();
  ~SctpMailbox();
  SctpMailbox(const SctpMailbox&) = delete;
  SctpMailbox& operator=(const SctpMailbox&) = delete;

  // Runs in order of posting, on the thread. It has no bound of its own: who
  // posts for a peer counts what is on its way.
  void Post(Task task);

 private:
  friend class SctpThread;

  struct Node : MpscNode {
    Task task;
  };

  // Until there is something or it is time; absent: for as long as it takes.
  void Wait(std::optional<Timestamp> until);
  std::size_t Run(SctpThread& thread);  // how many tasks
  void Drop();

  MpscStack<Node> tasks_;
  // No eventfd: whoever keeps an old mailbox keeps no file open.
  sem_t semaphore_;
  std::atomic<bool> closed_{false};
};

class SctpThread {
 public:
  // While there is one, there is a thread. Throws std::system_error.
  class User {
   public:
    User();
    ~User();  // the last joins the thread
    User(const User&) = delete;
    User& operator=(const User&) = delete;

    const std::shared_ptr<SctpMailbox>& mailbox() const { return mailbox_; }
    // Waits until all that was posted before has run.
    void Barrier();

   private:
    std::shared_ptr<SctpMailbox> mailbox_;
  };

  // What lives on the thread.
  class Resident {
   public:
    virtual void FlushPackets() = 0;  // at the end of a turn, if asked for
    virtual void EndWithThread() = 0;

   protected:
    ~Resident() = default;
  };

  SctpThread();
  ~SctpThread();  // joins
  SctpThread(const SctpThread&) = delete;
  SctpThread& operator=(const SctpThread&) = delete;

  // For tasks, on the thread.
  SctpStack& stack() { return *stack_; }
  void Add(const std::shared_ptr<Resident>& resident);
  void Remove(Resident& resident);
  void FlushAtEndOfTurn(Resident& resident) { dirty_.push_back(&resident); }

 private:
  // SCTP's timers count on: while packets go back and forth, and a little
  // longer, often; then every now and then.
  static constexpr Duration kLively = 2s;
  static constexpr Duration kIdleTick = 100ms;

  void Run();
  void TakeTurn();

  const std::shared_ptr<SctpMailbox> mailbox_;
  bool stopping_ = false;
  Timestamp lively_until_{};
  std::unique_ptr<SctpStack> stack_;
  std::vector<std::shared_ptr<Resident>> residents_;
  std::vector<Resident*> dirty_;
  std::thread thread_;
};

}  // namespace hg
