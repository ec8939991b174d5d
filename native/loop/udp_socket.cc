#include "loop/udp_socket.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <linux/sock_diag.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <utility>

namespace hg {
namespace {

// Holds half a second of 60 Mbit/s while the media thread is held up.
constexpr int kReceiveBufferBytes = 4 * 1024 * 1024;

struct Address {
  sockaddr_storage storage{};
  socklen_t length = 0;
  int family() const { return storage.ss_family; }
};

std::optional<Address> ParseAddress(const std::string& text) {
  Address address;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
  if (inet_pton(AF_INET, text.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    address.length = sizeof *v4;
    return address;
  }
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
  if (inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    address.length = sizeof *v6;
    return address;
  }
  return std::nullopt;
}

Address ParseAddressOrThrow(const std::string& what, const std::string& text) {
  auto address = ParseAddress(text);
  if (!address)
    throw SocketError(EINVAL, what + " '" + text + "' is not an IP address");
  return *address;
}

void SetPort(Address& address, std::uint16_t port) {
  if (address.family() == AF_INET) {
    reinterpret_cast<sockaddr_in*>(&address.storage)->sin_port = htons(port);
  } else {
    reinterpret_cast<sockaddr_in6*>(&address.storage)->sin6_port = htons(port);
  }
}

bool SameHost(const sockaddr& a, const Address& b) {
  if (a.sa_family != b.family()) return false;
  if (a.sa_family == AF_INET) {
    return reinterpret_cast<const sockaddr_in&>(a).sin_addr.s_addr ==
           reinterpret_cast<const sockaddr_in&>(b.storage).sin_addr.s_addr;
  }
  return std::memcmp(
             &reinterpret_cast<const sockaddr_in6&>(a).sin6_addr,
             &reinterpret_cast<const sockaddr_in6&>(b.storage).sin6_addr,
             sizeof(in6_addr)) == 0;
}

// Indices of the interfaces meant by a name or an address; all that are up if
// `text` is empty. Loopback is among them: a sender on this machine uses it.
std::set<unsigned> InterfaceIndices(const std::string& text) {
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0)
    throw SocketError(errno, "cannot list the network interfaces");
  const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> guard(list,
                                                               &freeifaddrs);
  const auto address = text.empty() ? std::nullopt : ParseAddress(text);
  std::set<unsigned> indices;
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    if ((entry->ifa_flags & IFF_UP) == 0) continue;
    const bool meant = text.empty() || text == entry->ifa_name ||
                       (address && entry->ifa_addr != nullptr &&
                        SameHost(*entry->ifa_addr, *address));
    if (meant) indices.insert(if_nametoindex(entry->ifa_name));
  }
  if (indices.empty())
    throw SocketError(ENODEV,
                      "no interface that is up is called or has the "
                      "address '" +
                          text + "'");
  return indices;
}

// A link-local IPv6 group means nothing without its interface.
void SetScope(Address& group, const std::string& interface,
              const std::string& group_text) {
  if (group.family() != AF_INET6) return;
  auto& v6 = reinterpret_cast<sockaddr_in6&>(group.storage);
  if (!IN6_IS_ADDR_MC_LINKLOCAL(&v6.sin6_addr)) return;
  if (interface.empty())
    throw SocketError(EINVAL, "the multicast group " + group_text +
                                  " is link-local: name its interface");
  v6.sin6_scope_id = *InterfaceIndices(interface).begin();
}

void JoinGroup(int fd, const Address& group, const std::string& interface,
               const std::string& group_text) {
  int error = 0;
  bool joined = false;
  for (const unsigned index : InterfaceIndices(interface)) {
    group_req request{};
    request.gr_interface = index;
    request.gr_group = group.storage;
    const int level = group.family() == AF_INET ? IPPROTO_IP : IPPROTO_IPV6;
    if (setsockopt(fd, level, MCAST_JOIN_GROUP, &request, sizeof request) == 0)
      joined = true;
    else
      error = errno;
  }
  if (!joined)
    throw SocketError(error, "cannot join the multicast group " + group_text);
}

// Tells whether it was bound; any error but a port in use is thrown.
bool TryBind(int fd, Address address, std::uint16_t port) {
  SetPort(address, port);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address.storage),
           address.length) == 0)
    return true;
  if (errno == EADDRINUSE) return false;
  throw SocketError(errno, "cannot bind UDP port " + std::to_string(port));
}

void BindInRange(int fd, const Address& address, std::uint16_t min,
                 std::uint16_t max) {
  // Starts anywhere in the range, so that several processes that share it
  // rarely meet.
  const unsigned count = static_cast<unsigned>(max) - min + 1;
  const unsigned first = std::random_device{}() % count;
  for (unsigned i = 0; i < count; ++i) {
    const auto port = static_cast<std::uint16_t>(min + (first + i) % count);
    if (TryBind(fd, address, port)) return;
  }
  throw SocketError(EADDRINUSE, "no UDP port is free from " +
                                    std::to_string(min) + " to " +
                                    std::to_string(max));
}

std::uint16_t BoundPort(int fd) {
  sockaddr_storage bound{};
  socklen_t length = sizeof bound;
  getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &length);
  return ntohs(bound.ss_family == AF_INET
                   ? reinterpret_cast<const sockaddr_in&>(bound).sin_port
                   : reinterpret_cast<const sockaddr_in6&>(bound).sin6_port);
}

}  // namespace

SocketError::SocketError(int error, const std::string& what)
    : std::runtime_error(what + " (" + std::strerror(error) + ")"),
      code_(strerrorname_np(error) != nullptr ? strerrorname_np(error)
                                              : "UNKNOWN") {}

UdpSocket::UdpSocket(const UdpBindOptions& options) {
  Address local;
  if (!options.group.empty()) {
    // Bound to the group itself: the kernel then hands over nothing else that
    // arrives on this port.
    local = ParseAddressOrThrow("the multicast group", options.group);
  } else {
    local = ParseAddressOrThrow(
        "the local address", options.address.empty() ? "::" : options.address);
  }

  fd_ = socket(local.family(), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0 && errno == EAFNOSUPPORT && options.address.empty() &&
      options.group.empty()) {
    local = ParseAddressOrThrow("", "0.0.0.0");  // a machine without IPv6
    fd_ = socket(local.family(), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  }
  if (fd_ < 0) throw SocketError(errno, "cannot open a UDP socket");

  try {
    constexpr int on = 1;
    constexpr int off = 0;
    if (local.family() == AF_INET6 && options.group.empty())
      setsockopt(fd_, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (!options.group.empty()) {
      setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
      // Else Linux hands over what arrives on interfaces where only another
      // socket joined the group.
      setsockopt(fd_, IPPROTO_IP, IP_MULTICAST_ALL, &off, sizeof off);
      setsockopt(fd_, IPPROTO_IPV6, IPV6_MULTICAST_ALL, &off, sizeof off);
      SetScope(local, options.interface, options.group);
    }
    // FORCE goes past net.core.rmem_max where we are privileged.
    if (setsockopt(fd_, SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBufferBytes,
                   sizeof kReceiveBufferBytes) != 0)
      setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &kReceiveBufferBytes,
                 sizeof kReceiveBufferBytes);

    if (options.port != 0 || options.port_min == 0) {
      if (!TryBind(fd_, local, options.port))
        throw SocketError(
            EADDRINUSE,
            "UDP port " + std::to_string(options.port) + " is in use");
    } else {
      BindInRange(fd_, local, options.port_min, options.port_max);
    }
    if (!options.group.empty())
      JoinGroup(fd_, local, options.interface, options.group);
  } catch (...) {
    close(fd_);
    throw;
  }
  port_ = BoundPort(fd_);
}

UdpSocket::~UdpSocket() {
  if (fd_ >= 0) close(fd_);
}

UdpSocket::UdpSocket(UdpSocket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), port_(other.port_) {}

std::uint64_t UdpSocket::KernelDrops() const {
  std::array<std::uint32_t, SK_MEMINFO_VARS> info{};
  socklen_t length = sizeof info;
  if (getsockopt(fd_, SOL_SOCKET, SO_MEMINFO, info.data(), &length) != 0)
    return 0;
  return info[SK_MEMINFO_DROPS];
}

}  // namespace hg
