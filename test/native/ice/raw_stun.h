// STUN by hand, for what an honest ICE agent never sends.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ice/ice_transport.h"

namespace hg::test {

using Datagram = std::vector<std::uint8_t>;

struct Answer {
  int error = 0;                        // 0: success
  std::optional<SocketAddress> mapped;  // instead of the true one
  std::string pwd;                      // instead of the right one
};

bool IsRequest(Bytes datagram);
bool IsResponse(Bytes datagram);

// The answer to a connectivity check, as an agent with `pwd` gives it.
Datagram AnswerTo(Bytes request, const std::string& pwd,
                  const SocketAddress& from, const Answer& answer = {});

struct Check {
  std::string local_ufrag;  // of the sender
  IceRemote remote;
  bool controlling = false;
  bool use_candidate = false;
};
Datagram MakeCheck(const Check& check);

// A UDP socket on 127.0.0.1, non-blocking.
class RawSocket {
 public:
  RawSocket();
  ~RawSocket();
  RawSocket(RawSocket&& other) noexcept;
  RawSocket(const RawSocket&) = delete;

  const SocketAddress& address() const { return address_; }
  int fd() const { return fd_; }
  bool SendTo(const SocketAddress& to, Bytes datagram) const;
  std::optional<Datagram> Receive(SocketAddress* from = nullptr) const;
  std::string CandidateLine(std::uint32_t priority = 2130706431) const;

 private:
  int fd_;
  SocketAddress address_;
};

}  // namespace hg::test
