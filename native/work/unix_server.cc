#include "work/unix_server.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <utility>

namespace hg {
namespace {

// What epoll says is ready; clients count on from there.
constexpr std::uint64_t kSocketKey = 0;
constexpr std::uint64_t kTimerKey = 1;
constexpr std::uint64_t kFirstClient = 2;

constexpr int kSendBuffer = 1 << 20;  // the system gives what it allows

std::string NameOf(int error) {
  const char* name = strerrorname_np(error);
  return name != nullptr ? name : "UNKNOWN";
}

int SocketType(UnixServer::Type type) {
  return type == UnixServer::Type::kSeqPacket ? SOCK_SEQPACKET : SOCK_DGRAM;
}

OwnedFd MakeSocket(UnixServer::Type type) {
  OwnedFd fd(
      socket(AF_UNIX, SocketType(type) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (fd.get() < 0) throw UnixServerError(errno, "a Unix socket");
  return fd;
}

// A packet has to fit into the send buffer whole, with a little of the system's
// own. Returns how long it may be.
std::size_t Widen(int fd) {
  setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &kSendBuffer, sizeof kSendBuffer);
  int got = 0;
  socklen_t size = sizeof got;
  getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &got, &size);
  return static_cast<std::size_t>(std::max(got - 32, 0));
}

struct Address {
  sockaddr_un un = {};
  socklen_t size = 0;
};

// What stands in `sun_path`; of abstract addresses the zero in front, too.
Address MakeAddress(std::string_view path) {
  Address address;
  address.un.sun_family = AF_UNIX;
  std::memcpy(address.un.sun_path, path.data(), path.size());
  address.size =
      static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  return address;
}

bool IsFull(int error) {
  return error == EAGAIN || error == EWOULDBLOCK || error == ENOBUFS;
}

}  // namespace

OwnedFd& OwnedFd::operator=(OwnedFd&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

OwnedFd::~OwnedFd() {
  if (fd_ >= 0) close(fd_);
}

UnixServerError::UnixServerError(int error, const std::string& what)
    : std::runtime_error(what + ": " + std::strerror(error)),
      code_(NameOf(error)) {}

UnixServer::UnixServer(const std::string& path, Type type, const Limits& limits)
    : type_(type),
      limits_(limits),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      timer_(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)),
      socket_(MakeSocket(type)),
      buffer_(limits.max_message),
      next_client_(kFirstClient) {
  if (epoll_.get() < 0 || timer_.get() < 0)
    throw UnixServerError(errno, "watching a Unix socket");
  max_packet_ = Widen(socket_.get());
  if (!Watch(EPOLL_CTL_ADD, timer_.get(), EPOLLIN, kTimerKey))
    throw UnixServerError(errno, "watching a Unix socket");
  Listen(path);
  if (!Watch(EPOLL_CTL_ADD, socket_.get(), EPOLLIN, kSocketKey))
    throw UnixServerError(errno, "watching a Unix socket");
}

UnixServer::~UnixServer() {
  struct stat now = {};
  if (!path_.empty() && lstat(path_.c_str(), &now) == 0 &&
      now.st_dev == device_ && now.st_ino == inode_)
    unlink(path_.c_str());
}

void UnixServer::Listen(const std::string& path) {
  // One byte for the zero at the end.
  if (path.empty() || path.size() >= sizeof(sockaddr_un::sun_path))
    throw UnixServerError(ENAMETOOLONG, path);
  const Address address = MakeAddress(path);
  const auto* generic = reinterpret_cast<const sockaddr*>(&address.un);
  const auto bind_it = [&] {
    return bind(socket_.get(), generic, address.size) == 0;
  };
  if (!bind_it()) {
    if (errno != EADDRINUSE || !IsAbandoned(path))
      throw UnixServerError(errno, path);
    unlink(path.c_str());
    if (!bind_it()) throw UnixServerError(errno, path);
  }
  if (type_ == Type::kSeqPacket && listen(socket_.get(), SOMAXCONN) != 0)
    throw UnixServerError(errno, path);
  struct stat file = {};
  if (lstat(path.c_str(), &file) != 0) throw UnixServerError(errno, path);
  path_ = path;
  device_ = file.st_dev;
  inode_ = file.st_ino;
}

// Otherwise errno says what is there.
bool UnixServer::IsAbandoned(const std::string& path) const {
  struct stat file = {};
  if (lstat(path.c_str(), &file) != 0) return errno == ENOENT;
  if (!S_ISSOCK(file.st_mode)) {
    errno = EEXIST;
    return false;
  }
  const OwnedFd probe = MakeSocket(type_);
  const Address address = MakeAddress(path);
  const int result =
      connect(probe.get(), reinterpret_cast<const sockaddr*>(&address.un),
              address.size);
  if (result != 0 && (errno == ECONNREFUSED || errno == ENOENT)) return true;
  // Also if it is of another type, or has more clients than it takes in.
  if (result == 0 || errno != EACCES) errno = EADDRINUSE;
  return false;
}

bool UnixServer::Watch(int operation, int fd, std::uint32_t events,
                       std::uint64_t key) {
  epoll_event event = {};
  event.events = events;
  event.data.u64 = key;
  return epoll_ctl(epoll_.get(), operation, fd, &event) == 0;
}

void UnixServer::WakeAfter(Duration delay) {
  itimerspec when = {};
  when.it_value.tv_nsec = delay.count();
  timerfd_settime(timer_.get(), 0, &when, nullptr);
}

std::vector<UnixEvent> UnixServer::Serve(Timestamp now) {
  taken_bytes_ = 0;
  std::array<epoll_event, 64> ready;
  while (events_.size() < kMaxEvents && taken_bytes_ < kMaxBytes) {
    // A packet of each in turn: nobody waits for one who sends much.
    const int count = epoll_wait(epoll_.get(), ready.data(), ready.size(), 0);
    if (count <= 0) break;
    for (int i = 0; i < count; ++i) {
      const std::uint64_t key = ready[i].data.u64;
      if (key == kTimerKey) {
        OnTimer(now);
      } else if (key >= kFirstClient) {
        Receive(key, ready[i].events, now);
      } else if (type_ == Type::kSeqPacket) {
        Accept();
      } else {
        ReceiveDatagram();
      }
    }
  }
  return std::exchange(events_, {});
}

void UnixServer::Accept() {
  OwnedFd fd(
      accept4(socket_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (fd.get() < 0) {
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ||
        errno == ECONNABORTED)
      return;
    // No file or memory left; it would be ready again at once, for ever.
    Watch(EPOLL_CTL_MOD, socket_.get(), 0, kSocketKey);
    WakeAfter(kFullPause);
    return;
  }
  Widen(fd.get());
  const std::uint64_t id = next_client_++;
  if (!Watch(EPOLL_CTL_ADD, fd.get(), EPOLLIN, id)) return;
  clients_[id].fd = std::move(fd);
  events_.push_back({UnixEvent::Type::kConnected, id, {}});
}

void UnixServer::Receive(std::uint64_t id, std::uint32_t ready, Timestamp now) {
  const auto found = clients_.find(id);
  if (found == clients_.end()) return;
  Client& client = found->second;
  if ((ready & EPOLLOUT) != 0 && Flush(client, now) == 0)
    Watch(EPOLL_CTL_MOD, client.fd.get(), EPOLLIN, id);
  if ((ready & ~EPOLLOUT) == 0) return;
  // With MSG_TRUNC the size is the packet's own, however much of it is read.
  const ssize_t size =
      recv(client.fd.get(), buffer_.data(), buffer_.size(), MSG_TRUNC);
  if (size > 0) {
    Take(id, static_cast<std::size_t>(size));
    return;
  }
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  // The end, or an empty packet, which looks the same.
  Forget(found);
  events_.push_back({UnixEvent::Type::kGone, id, {}});
}

void UnixServer::ReceiveDatagram() {
  sockaddr_un from = {};
  socklen_t from_size = sizeof from;
  const ssize_t size =
      recvfrom(socket_.get(), buffer_.data(), buffer_.size(), MSG_TRUNC,
               reinterpret_cast<sockaddr*>(&from), &from_size);
  if (size < 0) return;
  constexpr std::size_t kHead = offsetof(sockaddr_un, sun_path);
  if (from_size <= kHead) {
    ++unanswerable_;
    return;
  }
  Take(ClientAt({from.sun_path, from_size - kHead}),
       static_cast<std::size_t>(size));
}

void UnixServer::Take(std::uint64_t id, std::size_t size) {
  if (size > buffer_.size()) {
    events_.push_back({UnixEvent::Type::kTooLong, id, {}, size});
    return;
  }
  taken_bytes_ += size;
  events_.push_back(
      {UnixEvent::Type::kMessage, id, std::string(buffer_.data(), size)});
}

std::uint64_t UnixServer::ClientAt(std::string_view address) {
  const auto [known, added] =
      by_address_.try_emplace(std::string(address), next_client_);
  const std::uint64_t id = known->second;
  Client& client = clients_[id];
  if (added) {
    ++next_client_;
    client.address = address;
  }
  if (added || client.released)
    events_.push_back({UnixEvent::Type::kConnected, id, {}});
  client.released = false;
  return id;
}

void UnixServer::OnTimer(Timestamp now) {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t n = read(timer_.get(), &count, sizeof count);
  if (type_ == Type::kSeqPacket) {
    Watch(EPOLL_CTL_MOD, socket_.get(), EPOLLIN, kSocketKey);
    return;
  }
  retry_ = std::min(2 * retry_, kLastRetry);
  for (const std::uint64_t id : std::exchange(stuck_, {})) {
    const auto found = clients_.find(id);
    if (found == clients_.end()) continue;
    Client& client = found->second;
    const std::size_t before = client.waiting.size();
    if (Flush(client, now) != 0) {
      if (now - client.stuck_since < kPatience) {
        stuck_.push_back(id);
        if (client.waiting.size() < before) retry_ = kFirstRetry;
        continue;
      }
      if (!client.released) events_.push_back({UnixEvent::Type::kGone, id, {}});
      client.released = true;
    }
    if (client.released) Forget(found);
  }
  if (!stuck_.empty()) WakeAfter(retry_);
}

UnixServer::Sent UnixServer::Send(std::uint64_t id, std::string_view text,
                                  Timestamp now) {
  const auto found = clients_.find(id);
  if (found == clients_.end()) return Sent::kGone;
  Client& client = found->second;
  if (text.size() > max_packet_) return Sent::kTooLong;
  if (client.waiting_bytes > limits_.max_buffered) return Sent::kTooSlow;
  if (client.waiting.empty()) {
    const int error = Transmit(client, text);
    if (error == 0) return Sent::kYes;
    if (!IsFull(error)) return Sent::kGone;
    client.stuck_since = now;
    if (type_ == Type::kSeqPacket) {
      Watch(EPOLL_CTL_MOD, client.fd.get(), EPOLLIN | EPOLLOUT, id);
    } else {
      stuck_.push_back(id);
      retry_ = kFirstRetry;
      WakeAfter(retry_);
    }
  }
  client.waiting.emplace_back(text);
  client.waiting_bytes += text.size();
  return Sent::kYes;
}

void UnixServer::Release(std::uint64_t id) {
  const auto found = clients_.find(id);
  if (found == clients_.end()) return;
  found->second.released = true;
  if (type_ == Type::kSeqPacket || found->second.waiting.empty()) Forget(found);
}

int UnixServer::Transmit(const Client& client, std::string_view text) const {
  constexpr int kFlags = MSG_NOSIGNAL | MSG_DONTWAIT;
  ssize_t sent = 0;
  if (type_ == Type::kSeqPacket) {
    sent = send(client.fd.get(), text.data(), text.size(), kFlags);
  } else {
    const Address to = MakeAddress(client.address);
    sent = sendto(socket_.get(), text.data(), text.size(), kFlags,
                  reinterpret_cast<const sockaddr*>(&to.un), to.size);
  }
  return sent < 0 ? errno : 0;
}

int UnixServer::Flush(Client& client, Timestamp now) {
  while (!client.waiting.empty()) {
    const int error = Transmit(client, client.waiting.front());
    if (IsFull(error)) return error;
    // Sent; or it cannot be, as nobody is there any more.
    client.waiting_bytes -= client.waiting.front().size();
    client.waiting.pop_front();
    client.stuck_since = now;
  }
  return 0;
}

void UnixServer::Forget(Clients::iterator client) {
  by_address_.erase(client->second.address);
  // Closing its file takes it out of the epoll set.
  clients_.erase(client);
}

}  // namespace hg
