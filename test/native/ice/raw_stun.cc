#include "raw_stun.h"

#include <doctest/doctest.h>
#include <poll.h>
#include <stun/stunagent.h>
#include <stun/usages/ice.h>
#include <unistd.h>

#include <utility>

namespace hg::test {
namespace {

void Init(StunAgent* agent) {
  stun_agent_init(
      agent, STUN_ALL_KNOWN_ATTRIBUTES, STUN_COMPATIBILITY_RFC5389,
      static_cast<StunAgentUsageFlags>(STUN_AGENT_USAGE_SHORT_TERM_CREDENTIALS |
                                       STUN_AGENT_USAGE_USE_FINGERPRINT));
}

std::uint8_t* Mutable(const std::string& text) {
  return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
}

bool GivePassword(StunAgent*, StunMessage*, std::uint8_t*, std::uint16_t,
                  std::uint8_t** password, std::size_t* size, void* user) {
  const auto* text = static_cast<const std::string*>(user);
  *password = Mutable(*text);
  *size = text->size();
  return true;
}

}  // namespace

bool IsRequest(Bytes datagram) {
  return datagram.size() >= 20 && LoadU16(datagram.data()) == 0x0001;
}
bool IsResponse(Bytes datagram) {
  return datagram.size() >= 20 && (LoadU16(datagram.data()) == 0x0101 ||
                                   LoadU16(datagram.data()) == 0x0111);
}

Datagram AnswerTo(Bytes request, const std::string& pwd,
                  const SocketAddress& from, const Answer& answer) {
  StunAgent agent;
  Init(&agent);
  StunMessage message;
  std::string password = pwd;
  REQUIRE(stun_agent_validate(&agent, &message, request.data(), request.size(),
                              GivePassword,
                              &password) == STUN_VALIDATION_SUCCESS);
  const std::string& key = answer.pwd.empty() ? pwd : answer.pwd;
  message.key = Mutable(key);
  message.key_len = key.size();
  Datagram result(1200);
  StunMessage response;
  std::size_t size = 0;
  if (answer.error != 0) {
    REQUIRE(stun_agent_init_error(&agent, &response, result.data(),
                                  result.size(), &message,
                                  static_cast<StunError>(answer.error)));
  } else {
    REQUIRE(stun_agent_init_response(&agent, &response, result.data(),
                                     result.size(), &message));
    const SocketAddress& mapped = answer.mapped ? *answer.mapped : from;
    stun_message_append_xor_addr(&response, STUN_ATTRIBUTE_XOR_MAPPED_ADDRESS,
                                 &mapped.storage, sizeof mapped.storage);
  }
  size = stun_agent_finish_message(&agent, &response, Mutable(key), key.size());
  REQUIRE(size > 0);
  result.resize(size);
  return result;
}

Datagram MakeCheck(const Check& check) {
  StunAgent agent;
  Init(&agent);
  StunMessage message;
  Datagram result(1200);
  const std::string username = check.remote.ufrag + ":" + check.local_ufrag;
  const std::size_t size = stun_usage_ice_conncheck_create(
      &agent, &message, result.data(), result.size(), Mutable(username),
      username.size(), Mutable(check.remote.pwd), check.remote.pwd.size(),
      check.use_candidate, check.controlling, 0x6e0001ff, 1234567, nullptr,
      STUN_USAGE_ICE_COMPATIBILITY_RFC5245);
  REQUIRE(size > 0);
  result.resize(size);
  return result;
}

RawSocket::RawSocket() {
  fd_ = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  REQUIRE(fd_ >= 0);
  address_ = *SocketAddress::Parse("127.0.0.1", 0);
  REQUIRE(bind(fd_, address_.get(), address_.length) == 0);
  address_.length = sizeof address_.storage;
  getsockname(fd_, reinterpret_cast<sockaddr*>(&address_.storage),
              &address_.length);
}
RawSocket::RawSocket(RawSocket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), address_(other.address_) {}
RawSocket::~RawSocket() {
  if (fd_ >= 0) close(fd_);
}

bool RawSocket::SendTo(const SocketAddress& to, Bytes datagram) const {
  return sendto(fd_, datagram.data(), datagram.size(), 0, to.get(),
                to.length) == static_cast<ssize_t>(datagram.size());
}

std::optional<Datagram> RawSocket::Receive(SocketAddress* from) const {
  Datagram datagram(2000);
  SocketAddress address;
  address.length = sizeof address.storage;
  const ssize_t size =
      recvfrom(fd_, datagram.data(), datagram.size(), 0,
               reinterpret_cast<sockaddr*>(&address.storage), &address.length);
  if (size < 0) return std::nullopt;
  datagram.resize(static_cast<std::size_t>(size));
  if (from) *from = address;
  return datagram;
}

std::string RawSocket::CandidateLine(std::uint32_t priority) const {
  const std::string text = address_.ToString();
  return "candidate:" + std::to_string(priority % 1000) + " 1 udp " +
         std::to_string(priority) + " 127.0.0.1 " +
         text.substr(text.find(':') + 1) + " typ host";
}

}  // namespace hg::test
