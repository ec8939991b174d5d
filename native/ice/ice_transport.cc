#include "ice/ice_transport.h"

#include <arpa/inet.h>

#include <cstring>

namespace hg {
namespace {

// ::ffff:0:0/96 (RFC 4291 s2.5.5.2)
constexpr std::uint8_t kMappedPrefix[12] = {0, 0, 0, 0, 0,    0,
                                            0, 0, 0, 0, 0xff, 0xff};

}  // namespace

SocketAddress::Key SocketAddress::key() const {
  Key key{};
  if (storage.ss_family == AF_INET6) {
    sockaddr_in6 in6;
    std::memcpy(&in6, &storage, sizeof in6);
    std::memcpy(key.data(), &in6.sin6_addr, 16);
    std::memcpy(key.data() + 16, &in6.sin6_port, 2);
  } else if (storage.ss_family == AF_INET) {
    sockaddr_in in;
    std::memcpy(&in, &storage, sizeof in);
    std::memcpy(key.data(), kMappedPrefix, sizeof kMappedPrefix);
    std::memcpy(key.data() + 12, &in.sin_addr, 4);
    std::memcpy(key.data() + 16, &in.sin_port, 2);
  }
  return key;
}

bool operator==(const SocketAddress& a, const SocketAddress& b) {
  return a.key() == b.key();
}

std::string SocketAddress::ToString() const {
  const Key bytes = key();
  const bool ipv4 =
      std::memcmp(bytes.data(), kMappedPrefix, sizeof kMappedPrefix) == 0;
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(ipv4 ? AF_INET : AF_INET6, bytes.data() + (ipv4 ? 12 : 0), text,
            sizeof text);
  const std::string port = std::to_string(LoadU16(bytes.data() + 16));
  if (ipv4) return std::string(text) + ":" + port;
  return "[" + std::string(text) + "]:" + port;
}

std::optional<SocketAddress> SocketAddress::Parse(const std::string& address,
                                                  std::uint16_t port) {
  SocketAddress result;
  sockaddr_in in{};
  sockaddr_in6 in6{};
  if (inet_pton(AF_INET, address.c_str(), &in.sin_addr) != 1) {
    if (inet_pton(AF_INET6, address.c_str(), &in6.sin6_addr) != 1)
      return std::nullopt;
    const std::uint8_t* bytes = in6.sin6_addr.s6_addr;
    if (std::memcmp(bytes, kMappedPrefix, sizeof kMappedPrefix) != 0) {
      in6.sin6_family = AF_INET6;
      in6.sin6_port = htons(port);
      result.length = sizeof in6;
      std::memcpy(&result.storage, &in6, sizeof in6);
      return result;
    }
    std::memcpy(&in.sin_addr, bytes + 12, 4);
  }
  in.sin_family = AF_INET;
  in.sin_port = htons(port);
  result.length = sizeof in;
  std::memcpy(&result.storage, &in, sizeof in);
  return result;
}

}  // namespace hg
