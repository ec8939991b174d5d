// A second socket at the address of one of ICE's own (SO_REUSEPORT). The kernel
// gives it DTLS and media; STUN and everything else stays with ICE's (RFC
// 7983). So media is never behind STUN, and the datagrams of one sender that
// follow each other come as one message (UDP_GRO).
#pragma once

#include <optional>

namespace hg {

class MediaSocket {
 public:
  // Beside the bound UDP socket `fd`. Nothing where the kernel cannot do it:
  // then ICE's socket goes on to get everything.
  static std::optional<MediaSocket> Beside(int fd);
  ~MediaSocket();
  MediaSocket(MediaSocket&& other) noexcept;
  MediaSocket& operator=(MediaSocket&&) = delete;

  int fd() const { return fd_; }
  int beside() const { return beside_; }

 private:
  MediaSocket(int fd, int beside) : fd_(fd), beside_(beside) {}

  int fd_;
  int beside_;
};

}  // namespace hg
