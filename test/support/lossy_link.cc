#include "support/lossy_link.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <mutex>
#include <sstream>
#include <system_error>
#include <thread>
#include <utility>

namespace hg {

// ---- one direction
// ------------------------------------------------------------

bool LossyLink::Chance(double share) {
  if (share <= 0) return false;
  return std::uniform_real_distribution<double>(0, 1)(rng_) < share;
}

bool LossyLink::IsLost() {
  in_burst_ =
      in_burst_ ? !Chance(config_.burst_end) : Chance(config_.burst_begin);
  return (in_burst_ && Chance(config_.loss_in_burst)) || Chance(config_.loss);
}

// nullopt: the queue is full.
std::optional<Timestamp> LossyLink::LeavesBottleneck(std::size_t bytes,
                                                     Timestamp now) {
  if (config_.bits_per_second == 0) return now;
  const auto time_of = [&](std::size_t n) {
    return Duration(
        static_cast<std::int64_t>(n * 8'000'000'000 / config_.bits_per_second));
  };
  const Timestamp begins = std::max(now, bottleneck_free_);
  if (begins - now > time_of(config_.queue_bytes)) return std::nullopt;
  bottleneck_free_ = begins + time_of(bytes);
  return bottleneck_free_;
}

void LossyLink::Send(Bytes datagram, Timestamp now) {
  ++counters_.sent;
  if (IsLost()) {
    ++counters_.lost;
    return;
  }
  const auto leaves = LeavesBottleneck(datagram.size(), now);
  if (!leaves) {
    ++counters_.queue_full;
    return;
  }
  Timestamp due = *leaves + config_.delay;
  if (config_.jitter > Duration::zero())
    due += Duration(static_cast<std::int64_t>(
        rng_() % static_cast<std::uint64_t>(config_.jitter.count())));
  if (Chance(config_.reorder)) {
    ++counters_.reordered;
    Enqueue(datagram, due + config_.reorder_delay);
    return;
  }
  last_due_ = std::max(last_due_, due);
  Enqueue(datagram, last_due_);
  if (!Chance(config_.duplicate)) return;
  ++counters_.duplicated;
  Enqueue(datagram, last_due_);
}

void LossyLink::Enqueue(Bytes datagram, Timestamp due) {
  in_flight_.push({due, next_number_++, {datagram.begin(), datagram.end()}});
}

std::optional<Timestamp> LossyLink::NextDue() const {
  if (in_flight_.empty()) return std::nullopt;
  return in_flight_.top().due;
}

std::optional<std::vector<std::uint8_t>> LossyLink::Receive(Timestamp now) {
  if (in_flight_.empty() || in_flight_.top().due > now) return std::nullopt;
  // Moved out of the heap's top, whose place in it does not depend on it.
  auto datagram = std::move(const_cast<InFlight&>(in_flight_.top()).datagram);
  in_flight_.pop();
  ++counters_.delivered;
  return datagram;
}

// ---- the relay
// ------------------------------------------------------------------

namespace {

sockaddr_in Loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

// When the kernel got a datagram: how late we read it does not matter.
WallTime SentAt(msghdr& message) {
  const cmsghdr* control = CMSG_FIRSTHDR(&message);
  if (control == nullptr || control->cmsg_type != SO_TIMESTAMPNS)
    return WallNow();
  timespec at;
  std::memcpy(&at, CMSG_DATA(control), sizeof at);
  return WallTime(std::chrono::seconds(at.tv_sec) +
                  std::chrono::nanoseconds(at.tv_nsec));
}

[[noreturn]] void Throw(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

class LoopbackSocket {
 public:
  LoopbackSocket()
      : fd_(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    if (fd_ < 0) Throw("a relay's socket");
    // A burst to hundreds of viewers must not be lost here.
    constexpr int kBuffer = 4 << 20;
    if (setsockopt(fd_, SOL_SOCKET, SO_RCVBUFFORCE, &kBuffer, sizeof kBuffer))
      setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &kBuffer, sizeof kBuffer);
    constexpr int on = 1;
    setsockopt(fd_, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
    const sockaddr_in any = Loopback(0);
    if (bind(fd_, reinterpret_cast<const sockaddr*>(&any), sizeof any) != 0) {
      close(fd_);
      Throw("a relay's port");
    }
  }
  ~LoopbackSocket() { close(fd_); }
  LoopbackSocket(const LoopbackSocket&) = delete;
  LoopbackSocket& operator=(const LoopbackSocket&) = delete;

  int fd() const { return fd_; }
  std::uint16_t port() const {
    sockaddr_in bound{};
    socklen_t length = sizeof bound;
    getsockname(fd_, reinterpret_cast<sockaddr*>(&bound), &length);
    return ntohs(bound.sin_port);
  }

 private:
  const int fd_;
};

}  // namespace

class LossyRelay::Impl {
 public:
  Impl(const LossyLinkConfig& to_server, const LossyLinkConfig& to_client,
       std::uint64_t seed, Tap tap)
      : configs_{to_server, to_client},
        seed_(seed),
        tap_(std::move(tap)),
        epoll_fd_(epoll_create1(EPOLL_CLOEXEC)),
        wake_fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    if (epoll_fd_ < 0 || wake_fd_ < 0) Throw("a relay");
    Watch(wake_fd_, nullptr);
    thread_ = std::thread([this] { Run(); });
  }
  ~Impl() {
    stop_ = true;
    Wake();
    thread_.join();
    close(epoll_fd_);
    close(wake_fd_);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Path AddPath(std::uint16_t client_port, std::uint16_t server_port) {
    const std::lock_guard lock(mutex_);
    auto& ends = pairs_.emplace_back(std::make_unique<Pair>());
    const std::size_t index = pairs_.size() - 1;
    const auto make = [&](Direction direction, std::uint16_t from,
                          std::uint16_t to, const LoopbackSocket& in,
                          const LoopbackSocket& out) {
      const std::uint64_t seed =
          seed_ * 1'000'003 + index * 2 + static_cast<std::size_t>(direction);
      return std::make_unique<End>(End{direction, index, in, out, from, to,
                                       LossyLink(Config(direction), seed)});
    };
    ends->to_server = make(Direction::kToServer, client_port, server_port,
                           ends->client_side, ends->server_side);
    ends->to_client = make(Direction::kToClient, server_port, client_port,
                           ends->server_side, ends->client_side);
    Watch(ends->client_side.fd(), ends->to_server.get());
    Watch(ends->server_side.fd(), ends->to_client.get());
    return {index, ends->client_side.port(), ends->server_side.port()};
  }

  void SetConfig(Direction direction, const LossyLinkConfig& config) {
    const std::lock_guard lock(mutex_);
    Config(direction) = config;
    for (const auto& pair : pairs_) pair->end(direction).link.SetConfig(config);
  }
  void SetCut(bool cut) { cut_ = cut; }

  LossyLink::Counters counters(Direction direction) const {
    const std::lock_guard lock(mutex_);
    LossyLink::Counters sum;
    for (const auto& pair : pairs_) {
      const LossyLink::Counters& one = pair->end(direction).link.counters();
      sum.sent += one.sent;
      sum.lost += one.lost;
      sum.queue_full += one.queue_full;
      sum.duplicated += one.duplicated;
      sum.reordered += one.reordered;
      sum.delivered += one.delivered;
    }
    return sum;
  }

 private:
  // One direction of a path.
  struct End {
    Direction direction;
    std::size_t path;
    const LoopbackSocket& in;
    const LoopbackSocket& out;
    std::uint16_t from;
    std::uint16_t to;
    LossyLink link;
  };
  struct Pair {
    End& end(Direction direction) const {
      return direction == Direction::kToServer ? *to_server : *to_client;
    }
    LoopbackSocket client_side;
    LoopbackSocket server_side;
    std::unique_ptr<End> to_server;
    std::unique_ptr<End> to_client;
  };
  struct Due {
    Timestamp at;
    End* end;
    bool operator>(const Due& other) const { return at > other.at; }
  };

  LossyLinkConfig& Config(Direction direction) {
    return configs_[static_cast<std::size_t>(direction)];
  }
  void Watch(int fd, End* end) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = end;
    if (epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event) != 0)
      Throw("a relay's epoll set");
  }
  void Wake() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto n = write(wake_fd_, &one, sizeof one);
  }

  void Run() {
    std::array<epoll_event, 256> events;
    while (!stop_) {
      const int count =
          epoll_wait(epoll_fd_, events.data(), static_cast<int>(events.size()),
                     TimeoutMillis());
      const std::lock_guard lock(mutex_);
      const Timestamp now = MonotonicNow();
      for (int i = 0; i < count; ++i) {
        auto* end =
            static_cast<End*>(events[static_cast<std::size_t>(i)].data.ptr);
        if (end != nullptr) Read(*end, now);
      }
      while (!due_.empty() && due_.top().at <= now) {
        End& end = *due_.top().end;
        due_.pop();
        Deliver(end, now);
      }
    }
  }
  int TimeoutMillis() {
    const std::lock_guard lock(mutex_);
    if (due_.empty()) return -1;
    const Duration left = due_.top().at - MonotonicNow();
    return static_cast<int>(
        std::clamp<std::int64_t>(ToMillis(left + 999'999ns), 0, 60'000));
  }

  void Read(End& end, Timestamp now) {
    for (;;) {
      sockaddr_in from{};
      iovec vector{buffer_.data(), buffer_.size()};
      alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(timespec))> control;
      msghdr message{};
      message.msg_name = &from;
      message.msg_namelen = sizeof from;
      message.msg_iov = &vector;
      message.msg_iovlen = 1;
      message.msg_control = control.data();
      message.msg_controllen = control.size();
      const auto n = recvmsg(end.in.fd(), &message, MSG_DONTWAIT);
      if (n < 0) break;
      if (ntohs(from.sin_port) != end.from || cut_) continue;
      const Bytes datagram = Bytes(buffer_).first(static_cast<std::size_t>(n));
      if (tap_) tap_(end.path, end.direction, datagram, SentAt(message));
      end.link.Send(datagram, now);
    }
    Deliver(end, now);
  }

  void Deliver(End& end, Timestamp now) {
    const sockaddr_in to = Loopback(end.to);
    while (const auto datagram = end.link.Receive(now)) {
      if (cut_) continue;
      sendto(end.out.fd(), datagram->data(), datagram->size(), MSG_DONTWAIT,
             reinterpret_cast<const sockaddr*>(&to), sizeof to);
    }
    if (const auto due = end.link.NextDue()) due_.push({*due, &end});
  }

  mutable std::mutex mutex_;
  std::array<LossyLinkConfig, 2> configs_;
  const std::uint64_t seed_;
  const Tap tap_;
  const int epoll_fd_;
  const int wake_fd_;
  std::vector<std::unique_ptr<Pair>> pairs_;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
  std::array<std::uint8_t, 65536> buffer_;
  std::atomic<bool> cut_{false};
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

LossyRelay::LossyRelay(const LossyLinkConfig& to_server,
                       const LossyLinkConfig& to_client, std::uint64_t seed,
                       Tap tap)
    : impl_(
          std::make_unique<Impl>(to_server, to_client, seed, std::move(tap))) {}

LossyRelay::~LossyRelay() = default;

LossyRelay::Path LossyRelay::AddPath(std::uint16_t client_port,
                                     std::uint16_t server_port) {
  return impl_->AddPath(client_port, server_port);
}

void LossyRelay::SetConfig(Direction direction, const LossyLinkConfig& config) {
  impl_->SetConfig(direction, config);
}

void LossyRelay::SetCut(bool cut) { impl_->SetCut(cut); }

LossyLink::Counters LossyRelay::counters(Direction direction) const {
  return impl_->counters(direction);
}

// ---- candidate lines (RFC 8839 s5.1)
// -----------------------------------------------

namespace {

std::vector<std::string> Words(const std::string& line) {
  std::istringstream stream(line);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

constexpr std::size_t kAddressWord = 4;
constexpr std::size_t kPortWord = 5;

}  // namespace

std::uint16_t CandidatePort(const std::string& line) {
  const auto words = Words(line);
  if (words.size() <= kPortWord) return 0;
  return static_cast<std::uint16_t>(
      std::strtoul(words[kPortWord].c_str(), nullptr, 10));
}

std::string ThroughPort(const std::string& line, std::uint16_t port) {
  auto words = Words(line);
  if (words.size() <= kPortWord) return line;
  words[kAddressWord] = "127.0.0.1";
  words[kPortWord] = std::to_string(port);
  std::string result = words[0];
  for (std::size_t i = 1; i < words.size(); ++i) result += " " + words[i];
  return result;
}

}  // namespace hg
