// A bound UDP socket for RTP input: unicast on both address families, or a
// multicast group on chosen interfaces.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

namespace hg {

// A socket could not be had. `code` is the errno's name, such as "EADDRINUSE".
class SocketError : public std::runtime_error {
 public:
  SocketError(int error, const std::string& what);
  const std::string& code() const { return code_; }

 private:
  std::string code_;
};

struct UdpBindOptions {
  std::string address;         // textual; empty: every address, v4 and v6
  std::uint16_t port = 0;      // 0: one out of [port_min, port_max]
  std::uint16_t port_min = 0;  // 0: any port at all
  std::uint16_t port_max = 0;
  std::string group;      // multicast group; empty: unicast
  std::string interface;  // name or address; empty: every interface
};

class UdpSocket {
 public:
  // Throws SocketError.
  explicit UdpSocket(const UdpBindOptions& options);
  ~UdpSocket();
  UdpSocket(UdpSocket&& other) noexcept;
  UdpSocket& operator=(UdpSocket&&) = delete;

  int fd() const { return fd_; }
  std::uint16_t port() const { return port_; }
  // Datagrams the kernel dropped because its buffer was full.
  std::uint64_t KernelDrops() const;

 private:
  int fd_ = -1;
  std::uint16_t port_ = 0;
};

}  // namespace hg
