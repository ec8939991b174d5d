#include "ice/media_socket.h"

#include <linux/filter.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <utility>

#include "ice/gro_reader.h"
#include "ice/ice_transport.h"

namespace hg {
namespace {

// Of the sockets at an address, in the order in which they came.
constexpr std::uint32_t kIces = 0;
constexpr std::uint32_t kOurs = 1;

bool Enable(int fd, int level, int option) {
  const int on = 1;
  return setsockopt(fd, level, option, &on, sizeof on) == 0;
}

// The sockets at one address must agree on whether it also means IPv4.
bool CopyV6Only(int from, int to) {
  int value = 0;
  socklen_t size = sizeof value;
  return getsockopt(from, IPPROTO_IPV6, IPV6_V6ONLY, &value, &size) == 0 &&
         setsockopt(to, IPPROTO_IPV6, IPV6_V6ONLY, &value, size) == 0;
}

// Chooses by a datagram's first byte: 20 to 63 is DTLS, 128 to 191 is RTP or
// RTCP (RFC 7983 s7).
bool Divide(int fd) {
  std::array<sock_filter, 7> program = {{
      {BPF_LD | BPF_B | BPF_ABS, 0, 0, 0},
      {BPF_JMP | BPF_JGE | BPF_K, 0, 4, 20},
      {BPF_JMP | BPF_JGT | BPF_K, 0, 2, 63},
      {BPF_JMP | BPF_JGE | BPF_K, 0, 2, 128},
      {BPF_JMP | BPF_JGT | BPF_K, 1, 0, 191},
      {BPF_RET | BPF_K, 0, 0, kOurs},
      {BPF_RET | BPF_K, 0, 0, kIces},
  }};
  const sock_fprog whole{program.size(), program.data()};
  return setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &whole,
                    sizeof whole) == 0;
}

}  // namespace

std::optional<MediaSocket> MediaSocket::Beside(int fd) {
  SocketAddress address;
  address.length = sizeof address.storage;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address.storage),
                  &address.length) != 0)
    return std::nullopt;
  const int family = address.storage.ss_family;
  const int own = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (own < 0) return std::nullopt;
  MediaSocket result(own, fd);
  SetUdpGro(own, true);
  if ((family == AF_INET6 && !CopyV6Only(fd, own)) ||
      !Enable(fd, SOL_SOCKET, SO_REUSEPORT) ||
      !Enable(own, SOL_SOCKET, SO_REUSEPORT) ||
      bind(own, address.get(), address.length) != 0 || !Divide(own))
    return std::nullopt;
  return result;
}

MediaSocket::~MediaSocket() {
  if (fd_ >= 0) close(fd_);
}

MediaSocket::MediaSocket(MediaSocket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), beside_(other.beside_) {}

}  // namespace hg
