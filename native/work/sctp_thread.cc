#include "work/sctp_thread.h"

#include <time.h>

#include <algorithm>
#include <future>
#include <mutex>
#include <utility>

#include "work/service_thread.h"

namespace hg {
namespace {

// Never destroyed: at the end of a process its threads may still come here.
struct Users {
  std::mutex mutex;
  std::size_t count = 0;
  std::unique_ptr<SctpThread> thread;
  std::shared_ptr<SctpMailbox> mailbox;
};
Users& AllUsers() {
  static auto& users = *new Users;
  return users;
}

}  // namespace

// ---- the mailbox ------------------------------------------------------------

SctpMailbox::SctpMailbox() { sem_init(&semaphore_, 0, 0); }

SctpMailbox::~SctpMailbox() {
  Drop();
  sem_destroy(&semaphore_);
}

void SctpMailbox::Post(Task task) {
  auto* node = new Node;
  node->task = std::move(task);
  if (tasks_.Push(node)) sem_post(&semaphore_);
  // A task may hold who holds this mailbox: none may stay behind.
  if (closed_.load(std::memory_order_seq_cst)) Drop();
}

void SctpMailbox::Drop() {
  for (auto chain = tasks_.TakeAll(); Node* node = chain.Next();) delete node;
}

void SctpMailbox::Wait(std::optional<Timestamp> until) {
  if (!tasks_.empty()) return;
  if (!until) {
    sem_wait(&semaphore_);
  } else {
    const auto ns = until->time_since_epoch().count();
    const timespec due{.tv_sec = ns / 1'000'000'000,
                       .tv_nsec = ns % 1'000'000'000};
    sem_clockwait(&semaphore_, CLOCK_MONOTONIC, &due);
  }
  while (sem_trywait(&semaphore_) == 0) {
  }
}

std::size_t SctpMailbox::Run(SctpThread& thread) {
  std::size_t count = 0;
  for (auto chain = tasks_.TakeAll(); Node* node = chain.Next(); ++count) {
    const std::unique_ptr<Node> guard(node);
    node->task(thread);
  }
  return count;
}

// ---- its users --------------------------------------------------------------

SctpThread::User::User() {
  Users& users = AllUsers();
  const std::lock_guard lock(users.mutex);
  if (!users.thread) {
    users.thread = std::make_unique<SctpThread>();
    users.mailbox = users.thread->mailbox_;
  }
  ++users.count;
  mailbox_ = users.mailbox;
}

// Whoever comes meanwhile waits for the end of the old thread: there can only
// be one.
SctpThread::User::~User() {
  Users& users = AllUsers();
  const std::lock_guard lock(users.mutex);
  if (--users.count > 0) return;
  users.thread.reset();
  users.mailbox.reset();
}

void SctpThread::User::Barrier() {
  // The task holds the promise: it is still being touched when wait() ends.
  const auto reached = std::make_shared<std::promise<void>>();
  mailbox_->Post([reached](SctpThread&) { reached->set_value(); });
  reached->get_future().wait();
}

// ---- the thread -------------------------------------------------------------

SctpThread::SctpThread() : mailbox_(std::make_shared<SctpMailbox>()) {
  thread_ = StartServiceThread("hg-sctp", [this] { Run(); });
}

SctpThread::~SctpThread() {
  mailbox_->Post([](SctpThread& thread) { thread.stopping_ = true; });
  thread_.join();
}

void SctpThread::Add(const std::shared_ptr<Resident>& resident) {
  residents_.push_back(resident);
}

void SctpThread::Remove(Resident& resident) {
  std::erase(dirty_, &resident);
  std::erase_if(residents_,
                [&](const auto& one) { return one.get() == &resident; });
}

void SctpThread::Run() {
  stack_ = std::make_unique<SctpStack>(MonotonicNow());
  while (!stopping_) TakeTurn();
  for (const auto& resident : std::exchange(residents_, {}))
    resident->EndWithThread();
  dirty_.clear();
  stack_.reset();
  mailbox_->closed_.store(true, std::memory_order_seq_cst);
  mailbox_->Drop();
}

void SctpThread::TakeTurn() {
  std::optional<Timestamp> until;
  const Timestamp before = MonotonicNow();
  if (!stack_->empty())
    until = before + (before < lively_until_ ? SctpStack::kTick : kIdleTick);
  mailbox_->Wait(until);
  const Timestamp now = MonotonicNow();
  if (mailbox_->Run(*this) > 0) lively_until_ = now + kLively;
  stack_->Advance(now);
  if (!dirty_.empty()) lively_until_ = now + kLively;
  for (Resident* resident : std::exchange(dirty_, {})) resident->FlushPackets();
}

}  // namespace hg
