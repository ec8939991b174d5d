// UDP on the loopback, for tests.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"
#include "base/clock.h"
#include "ice/ice_transport.h"

namespace hg::test {

class TestSocket {
 public:
  explicit TestSocket(const std::string& address = "127.0.0.1",
                      std::uint16_t port = 0, int protocol = 0) {
    const auto local = SocketAddress::Parse(address, port);
    HG_CHECK(local);
    fd_ = socket(local->storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, protocol);
    if (fd_ < 0) return;
    constexpr int kBuffer = 16 << 20;
    setsockopt(fd_, SOL_SOCKET, SO_RCVBUFFORCE, &kBuffer, sizeof kBuffer);
    if (bind(fd_, local->get(), local->length) != 0) {
      close(fd_);
      fd_ = -1;
    }
  }
  ~TestSocket() {
    if (fd_ >= 0) close(fd_);
  }
  TestSocket(const TestSocket&) = delete;
  TestSocket& operator=(const TestSocket&) = delete;

  bool ok() const { return fd_ >= 0; }
  int fd() const { return fd_; }
  SocketAddress address() const {
    SocketAddress address;
    address.length = sizeof address.storage;
    getsockname(fd_, reinterpret_cast<sockaddr*>(&address.storage),
                &address.length);
    return address;
  }
  std::uint16_t port() const {
    return ntohs(reinterpret_cast<const sockaddr_in&>(
                     static_cast<const sockaddr_storage&>(address().storage))
                     .sin_port);
  }

  bool SendTo(const SocketAddress& to, Bytes datagram) const {
    return sendto(fd_, datagram.data(), datagram.size(), 0, to.get(),
                  to.length) == static_cast<ssize_t>(datagram.size());
  }
  bool SendTo(std::uint16_t port, Bytes datagram) const {
    return SendTo(*SocketAddress::Parse("127.0.0.1", port), datagram);
  }
  // Waits at most `patience`; nullopt if nothing came.
  std::optional<std::vector<std::uint8_t>> Receive(
      Duration patience = 0s, SocketAddress* from = nullptr) const {
    pollfd poll_fd{fd_, POLLIN, 0};
    if (poll(&poll_fd, 1, static_cast<int>(ToMillis(patience))) <= 0)
      return std::nullopt;
    std::vector<std::uint8_t> datagram(65536);
    SocketAddress sender;
    sender.length = sizeof sender.storage;
    const auto n =
        recvfrom(fd_, datagram.data(), datagram.size(), MSG_DONTWAIT,
                 reinterpret_cast<sockaddr*>(&sender.storage), &sender.length);
    if (n < 0) return std::nullopt;
    if (from != nullptr) *from = sender;
    datagram.resize(static_cast<std::size_t>(n));
    return datagram;
  }

 private:
  int fd_ = -1;
};

}  // namespace hg::test
