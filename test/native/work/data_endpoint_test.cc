#include "work/data_endpoint.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace hg {
namespace {

using namespace std::chrono_literals;
using Key = Association::ChannelKey;

std::size_t CountEntries(const char* folder) {
  const auto entries = std::filesystem::directory_iterator(folder);
  return static_cast<std::size_t>(
      std::distance(begin(entries), std::filesystem::directory_iterator{}));
}
std::size_t CountThreads() { return CountEntries("/proc/self/task"); }
std::size_t CountFds() { return CountEntries("/proc/self/fd"); }

// The application: what it has not taken yet counts as unread. It knows new
// channels at once, unless it is busy.
class Application final : public EventSink {
 public:
  void Post(Event event) override {
    std::shared_ptr<void> read;
    const std::lock_guard lock(mutex_);
    if (event.type == EventType::kChannelOpen) {
      channels_.push_back(
          std::static_pointer_cast<DataChannel>(event.attached));
      if (!busy) read = std::move(event.charge);
    }
    events_.push_back(std::move(event));
    changed_.notify_all();
  }
  void Log(LogLevel, std::string_view, std::string_view) override {}

  bool busy = false;

  bool WaitFor(EventType type, std::size_t count = 1, Duration patience = 20s) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience,
                             [&] { return Count(type) >= count; });
  }
  std::size_t count(EventType type) {
    const std::lock_guard lock(mutex_);
    return Count(type);
  }
  // What came so far; it is read with that.
  std::vector<std::string> TakeMessages() {
    std::vector<Event> taken;
    {
      const std::lock_guard lock(mutex_);
      taken.swap(events_);
    }
    std::vector<std::string> messages;
    for (const Event& event : taken)
      if (event.type == EventType::kChannelMessage)
        messages.push_back(event.text);
    return messages;
  }
  std::shared_ptr<DataChannel> channel(const std::string& label) {
    const std::lock_guard lock(mutex_);
    for (const auto& channel : channels_)
      if (channel->config().label == label) return channel;
    return nullptr;
  }

 private:
  std::size_t Count(EventType type) const {
    return static_cast<std::size_t>(
        std::ranges::count(events_, type, &Event::type));
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Event> events_;
  std::vector<std::shared_ptr<DataChannel>> channels_;
};

// Two endpoints that are each other's peer. Packets take the way over a thread
// of their own, as they do over a media thread.
class Pair {
 public:
  explicit Pair(const DataEndpoint::Limits& limits = {})
      : a(Make(limits, a_app, 1)), b(Make(limits, b_app, 2)) {
    const std::lock_guard lock(mutex_);
    a_port_ = a->MakePort();
    b_port_ = b->MakePort();
    media_ = std::thread([this] { Carry(); });
    a->SetRemotePort(5000);
    b->SetRemotePort(5000);
    a_port_->OnConnected(true, 1135);
    b_port_->OnConnected(false, 1135);
  }
  ~Pair() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      changed_.notify_all();
    }
    media_.join();
    a_port_.reset();
    b_port_.reset();
    user.Barrier();
  }

  std::shared_ptr<DataChannel> Open(ChannelConfig config = {.label = "test"}) {
    const std::string label = config.label;
    auto channel = a->Open(std::move(config));
    CHECK(a_app.WaitFor(EventType::kChannelOpen));
    CHECK(b_app.WaitFor(EventType::kChannelOpen));
    return channel;
  }

  SctpThread::User user;
  Application a_app, b_app;
  const std::shared_ptr<DataEndpoint> a, b;

 private:
  std::shared_ptr<DataEndpoint> Make(const DataEndpoint::Limits& limits,
                                     Application& app, std::uint32_t id) {
    return std::make_shared<DataEndpoint>(
        user.mailbox(), id, limits, app,
        [this, id](std::shared_ptr<DataBurst> burst) {
          const std::lock_guard lock(mutex_);
          bursts_.emplace_back(id, std::move(burst));
          changed_.notify_all();
        });
  }

  void Carry() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      changed_.wait(lock, [&] { return stopping_ || !bursts_.empty(); });
      for (const auto& [from, burst] : std::exchange(bursts_, {})) {
        lock.unlock();
        for (const auto& packet : burst->packets)
          (from == 1 ? b_port_ : a_port_)->OnPacket(packet);
        lock.lock();
      }
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::pair<std::uint32_t, std::shared_ptr<DataBurst>>> bursts_;
  bool stopping_ = false;
  std::shared_ptr<DataPort> a_port_, b_port_;
  std::thread media_;
};

std::vector<std::uint8_t> Filled(std::size_t size, std::uint8_t byte = 'x') {
  return std::vector<std::uint8_t>(size, byte);
}

void SendAll(Pair& pair, DataChannel& channel, const std::string& text) {
  const Bytes bytes(reinterpret_cast<const std::uint8_t*>(text.data()),
                    text.size());
  while (!channel.Send(true, bytes)) {
    CHECK(pair.a_app.WaitFor(EventType::kChannelLow));
    pair.a_app.TakeMessages();
  }
}

TEST_CASE("messages go from application to application, in order") {
  Pair pair;
  const auto channel = pair.Open();
  std::thread sender([&] {
    for (int i = 0; i < 10'000; ++i) SendAll(pair, *channel, std::to_string(i));
  });
  std::size_t next = 0;
  const auto deadline = MonotonicNow() + 30s;
  while (next < 10'000 && MonotonicNow() < deadline) {
    pair.b_app.WaitFor(EventType::kChannelMessage, 1, 100ms);
    for (const std::string& message : pair.b_app.TakeMessages()) {
      if (message != std::to_string(next)) FAIL_CHECK("not " << next);
      ++next;
    }
  }
  sender.join();

  CHECK(next == 10'000);
  CHECK(channel->buffered() == 0);
}

TEST_CASE(
    "an application that reads nothing holds the peer, and all is there") {
  Pair pair({.queued = 300'000, .unread = 200'000});
  const auto channel = pair.Open();
  const auto message = Filled(10'000);
  std::size_t taken = 0;
  // Until nothing moves any more.
  for (int refusals = 0; refusals < 20;) {
    if (channel->Send(false, message)) {
      ++taken;
      refusals = 0;
    } else {
      ++refusals;
      std::this_thread::sleep_for(20ms);
    }
  }

  CHECK(pair.a->stats().refused.load() > 0);
  // Ours, SCTP's two, and what the application has.
  CHECK(taken * message.size() < 300'000 + 2 * 600'000 + 300'000);
  CHECK(pair.b_app.count(EventType::kChannelMessage) * message.size() <
        220'000);
  CHECK(channel->buffered() <= 300'000);

  std::size_t got = 0;
  const auto deadline = MonotonicNow() + 30s;
  while (got < taken && MonotonicNow() < deadline) {
    pair.b_app.WaitFor(EventType::kChannelMessage, 1, 100ms);
    got += pair.b_app.TakeMessages().size();
  }
  CHECK(got == taken);
  CHECK(pair.a_app.WaitFor(EventType::kChannelLow));
}

TEST_CASE("while paused nothing comes, and then everything") {
  Pair pair;
  const auto channel = pair.Open();
  pair.b->SetPaused(true);
  pair.user.Barrier();
  for (int i = 0; i < 100; ++i) channel->Send(false, Filled(100));
  CHECK_FALSE(pair.b_app.WaitFor(EventType::kChannelMessage, 1, 200ms));
  pair.b->SetPaused(false);
  CHECK(pair.b_app.WaitFor(EventType::kChannelMessage, 100));
}

TEST_CASE("what is piped goes to the other peer, and not to the application") {
  Pair left;
  Pair right({.queued = 100'000, .unread = 100'000});
  const auto from = left.Open({.label = "from"});
  const auto to = right.Open({.label = "to"});
  left.b_app.channel("from")->Pipe(to, false);
  left.user.Barrier();

  // Far more than right may keep: left has to wait.
  std::thread sender([&] {
    for (int i = 0; i < 2000; ++i)
      SendAll(left, *from, std::to_string(i) + std::string(2000, '.'));
  });
  std::this_thread::sleep_for(300ms);
  CHECK(to->buffered() < 150'000);
  std::size_t next = 0;
  const auto deadline = MonotonicNow() + 30s;
  while (next < 2000 && MonotonicNow() < deadline) {
    right.b_app.WaitFor(EventType::kChannelMessage, 1, 100ms);
    for (const std::string& message : right.b_app.TakeMessages()) {
      CHECK(message.starts_with(std::to_string(next) + "."));
      ++next;
    }
  }
  sender.join();

  CHECK(next == 2000);
  CHECK(left.b_app.count(EventType::kChannelMessage) == 0);
  left.b_app.channel("from")->Unpipe();
  SendAll(left, *from, "to you");
  CHECK(left.b_app.WaitFor(EventType::kChannelMessage));
}

TEST_CASE("a channel that is piped when it is heard of loses nothing") {
  Pair left;
  Pair right;
  const auto to = right.Open({.label = "to"});
  left.b_app.busy = true;
  const auto from = left.Open({.label = "from"});
  for (int i = 0; i < 10; ++i) SendAll(left, *from, std::to_string(i));
  from->Close();
  CHECK(left.a_app.WaitFor(EventType::kChannelClosed));
  left.user.Barrier();
  CHECK(left.b_app.count(EventType::kChannelMessage) == 0);
  CHECK(left.b_app.count(EventType::kChannelClosed) == 0);

  left.b_app.channel("from")->Pipe(to, false);
  CHECK(left.b_app.TakeMessages().empty());  // it has read of the channel

  CHECK(right.b_app.WaitFor(EventType::kChannelMessage, 10));
  CHECK(right.b_app.TakeMessages().size() == 10);
  CHECK(left.b_app.WaitFor(EventType::kChannelClosed));
  CHECK(left.b_app.count(EventType::kChannelMessage) == 0);
}

TEST_CASE("messages of a channel that nobody has heard of yet are bounded") {
  Pair pair({.queued = 1 << 20, .unread = 100'000});
  pair.b_app.busy = true;
  const auto channel = pair.Open();
  const auto message = Filled(10'000);
  // 50 MB, if nothing held it.
  std::size_t taken = 0;
  const auto held = [&] { return MonotonicNow() + 500ms; };
  for (auto until = held(); taken < 5000 && MonotonicNow() < until;) {
    if (!channel->Send(false, message)) {
      std::this_thread::sleep_for(1ms);
      continue;
    }
    ++taken;
    until = held();
  }
  CHECK(taken < 1000);

  pair.b_app.TakeMessages();
  std::size_t got = 0;
  const auto deadline = MonotonicNow() + 30s;
  while (got < taken && MonotonicNow() < deadline) {
    pair.b_app.WaitFor(EventType::kChannelMessage, 1, 100ms);
    got += pair.b_app.TakeMessages().size();
  }
  CHECK(got == taken);
}

TEST_CASE("a pipe that may drop holds nobody") {
  Pair left;
  Pair right({.queued = 100'000, .unread = 100'000});
  const auto from = left.Open({.label = "from"});
  const auto to = right.Open({.label = "to"});
  left.b_app.channel("from")->Pipe(to, true);
  right.b->SetPaused(true);
  right.user.Barrier();
  for (int i = 0; i < 2000; ++i) SendAll(left, *from, std::string(2000, '.'));

  const auto deadline = MonotonicNow() + 20s;
  while (left.b->stats().messages_received.value() < 2000 &&
         MonotonicNow() < deadline)
    std::this_thread::sleep_for(5ms);
  CHECK(left.b->stats().messages_received.value() == 2000);
  CHECK(right.a->stats().pipe_dropped.value() > 0);
}

TEST_CASE("closing a channel is heard by both applications") {
  Pair pair;
  const auto channel = pair.Open();
  channel->Send(false, Filled(10));
  channel->Close();
  CHECK(pair.b_app.WaitFor(EventType::kChannelClosed));
  CHECK(pair.a_app.WaitFor(EventType::kChannelClosed));
  CHECK(pair.b_app.count(EventType::kChannelMessage) == 1);
}

TEST_CASE("a hundred times from nothing to nothing: no thread, no file") {
  // From another thread: TSan has one of its own from the first of ours on.
  std::size_t threads = 0;
  std::thread([&] { threads = CountThreads() - 1; }).join();
  const std::size_t fds = CountFds();
  std::vector<std::shared_ptr<DataChannel>> kept;
  for (int i = 0; i < 100; ++i) {
    Pair pair;
    kept.push_back(pair.Open());
    kept.back()->Send(true, Filled(100));
  }
  // The kernel lists one for a moment longer than it takes to join it.
  for (int i = 0; i < 100 && CountThreads() != threads; ++i)
    std::this_thread::sleep_for(10ms);
  CHECK(CountThreads() == threads);
  CHECK(CountFds() == fds);
  // Channels outlive their thread, and are of no use then.
  for (const auto& channel : kept) {
    channel->Send(true, Filled(100));
    channel->Close();
  }
}

TEST_CASE("users on several threads share one SCTP thread") {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([] {
      for (int round = 0; round < 10; ++round) {
        Pair pair;
        pair.Open()->Send(true, Filled(1000));
        CHECK(pair.b_app.WaitFor(EventType::kChannelMessage));
      }
    });
  }
  for (auto& thread : threads) thread.join();
}

}  // namespace
}  // namespace hg
