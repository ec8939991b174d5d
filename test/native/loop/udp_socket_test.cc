#include "loop/udp_socket.h"

#include <doctest/doctest.h>
#include <net/if.h>

#include <string>
#include <utility>
#include <vector>

#include "native/loop/sockets.h"

namespace hg::test {
namespace {

const std::vector<std::uint8_t> kHello = {1, 2, 3};

bool Receives(const UdpSocket& socket, Duration patience = 1s) {
  pollfd poll_fd{socket.fd(), POLLIN, 0};
  if (poll(&poll_fd, 1, static_cast<int>(ToMillis(patience))) <= 0)
    return false;
  std::uint8_t buffer[100];
  return recv(socket.fd(), buffer, sizeof buffer, MSG_DONTWAIT) == 3;
}

// What it says when it fails; empty if it does not.
std::pair<std::string, std::string> ErrorOf(const UdpBindOptions& options) {
  try {
    const UdpSocket socket(options);
    return {};
  } catch (const SocketError& error) {
    return {error.code(), error.what()};
  }
}

bool Says(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

UdpBindOptions Loopback() { return {.address = "127.0.0.1"}; }

TEST_CASE("a socket without wishes gets a port and both address families") {
  const UdpSocket socket(UdpBindOptions{});
  REQUIRE(socket.port() != 0);

  CHECK(TestSocket("127.0.0.1").SendTo(socket.port(), kHello));
  CHECK(Receives(socket));
  const TestSocket v6("::1");
  if (!v6.ok()) return;
  CHECK(v6.SendTo(*SocketAddress::Parse("::1", socket.port()), kHello));
  CHECK(Receives(socket));
}

TEST_CASE("a socket on an address hears nothing else") {
  const UdpSocket socket(Loopback());
  const TestSocket v6("::1");
  if (v6.ok()) v6.SendTo(*SocketAddress::Parse("::1", socket.port()), kHello);
  TestSocket("127.0.0.1")
      .SendTo(*SocketAddress::Parse("127.0.0.2", socket.port()), kHello);

  CHECK_FALSE(Receives(socket, 0ms));
  TestSocket("127.0.0.1").SendTo(socket.port(), kHello);
  CHECK(Receives(socket));
}

TEST_CASE("a port in use is said to be") {
  const UdpSocket first(Loopback());
  UdpBindOptions options = Loopback();
  options.port = first.port();

  const auto [code, text] = ErrorOf(options);

  CHECK(code == "EADDRINUSE");
  CHECK(Says(text, "UDP port " + std::to_string(first.port()) + " is in use"));
}

TEST_CASE("a closed socket's port can be had at once") {
  UdpBindOptions options = Loopback();
  {
    const UdpSocket first(options);
    options.port = first.port();
  }

  CHECK(UdpSocket(options).port() == options.port);
}

TEST_CASE("a port of a range is one that is free, until none is") {
  UdpBindOptions options = Loopback();
  // Four neighbours that were free a moment ago.
  std::uint16_t base = 0;
  for (int tries = 0; tries < 100 && base == 0; ++tries) {
    const std::uint16_t port = TestSocket().port();
    if (port > 65000) continue;
    bool free = true;
    for (std::uint16_t i = 0; i < 4; ++i)
      free &=
          TestSocket("127.0.0.1", static_cast<std::uint16_t>(port + i)).ok();
    if (free) base = port;
  }
  REQUIRE(base != 0);
  options.port_min = base;
  options.port_max = static_cast<std::uint16_t>(base + 3);

  std::vector<UdpSocket> sockets;
  for (int i = 0; i < 4; ++i) {
    sockets.emplace_back(options);
    CHECK(sockets.back().port() >= options.port_min);
    CHECK(sockets.back().port() <= options.port_max);
  }
  const auto [code, text] = ErrorOf(options);

  CHECK(code == "EADDRINUSE");
  CHECK(Says(text, "no UDP port is free from " + std::to_string(base)));
  sockets.pop_back();
  CHECK(ErrorOf(options).first.empty());
}

TEST_CASE("an address that is none, or not ours, is refused by name") {
  CHECK(ErrorOf({.address = "localhost"}).first == "EINVAL");
  CHECK(Says(ErrorOf({.address = "localhost"}).second,
             "the local address 'localhost' is not an IP address"));
  CHECK(ErrorOf({.address = "203.0.113.55"}).first == "EADDRNOTAVAIL");
  CHECK(
      Says(ErrorOf({.group = "239.1"}).second, "the multicast group '239.1'"));
}

// Multicast on the loopback interface.
void SendToGroup(const std::string& group, std::uint16_t port) {
  const TestSocket sender("127.0.0.1");
  in_addr interface { htonl(INADDR_LOOPBACK) };
  setsockopt(sender.fd(), IPPROTO_IP, IP_MULTICAST_IF, &interface,
             sizeof interface);
  REQUIRE(sender.SendTo(*SocketAddress::Parse(group, port), kHello));
}

TEST_CASE("a multicast group is joined on an interface by name or address") {
  for (const char* interface : {"lo", "127.0.0.1", ""}) {
    CAPTURE(interface);
    const UdpSocket socket({.group = "239.255.41.7", .interface = interface});

    SendToGroup("239.255.41.7", socket.port());
    CHECK(Receives(socket));
    SendToGroup("239.255.41.8", socket.port());
    TestSocket("127.0.0.1").SendTo(socket.port(), kHello);
    CHECK_FALSE(Receives(socket, 0ms));  // no other group, no unicast
  }
}

TEST_CASE("two sockets can listen to one group and port") {
  UdpBindOptions options{.group = "239.255.41.9", .interface = "lo"};
  const UdpSocket a(options);
  options.port = a.port();
  const UdpSocket b(options);

  SendToGroup("239.255.41.9", options.port);

  CHECK(Receives(a));
  CHECK(Receives(b));
}

// An interface where `group` can be joined and that is not the loopback.
std::string OtherInterface(const std::string& group) {
  std::string other;
  struct if_nameindex* list = ::if_nameindex();
  for (auto* entry = list; entry != nullptr && entry->if_index != 0; ++entry) {
    const std::string name = entry->if_name;
    if (name != "lo" &&
        ErrorOf({.group = group, .interface = name}).first.empty())
      other = name;
  }
  if_freenameindex(list);
  if (other.empty()) MESSAGE("no second interface for " << group);
  return other;
}

TEST_CASE("a group that another socket joined elsewhere is not heard") {
  const std::string other = OtherInterface("239.255.41.10");
  if (other.empty()) return;
  UdpBindOptions options{.group = "239.255.41.10", .interface = other};
  const UdpSocket there(options);
  options.port = there.port();
  options.interface = "lo";
  const UdpSocket here(options);

  SendToGroup("239.255.41.10", options.port);

  CHECK(Receives(here));
  CHECK_FALSE(Receives(there, 0ms));
}

TEST_CASE("an IPv6 group is joined, a link-local one as well") {
  for (const std::string group : {"ff15::4107", "ff12::4107"}) {
    CAPTURE(group);
    const std::string interface = OtherInterface(group);
    if (interface.empty()) continue;
    const UdpSocket socket({.group = group, .interface = interface});
    const TestSocket sender("::");
    const unsigned index = if_nametoindex(interface.c_str());
    setsockopt(sender.fd(), IPPROTO_IPV6, IPV6_MULTICAST_IF, &index,
               sizeof index);

    if (!sender.SendTo(*SocketAddress::Parse(group, socket.port()), kHello))
      continue;

    CHECK(Receives(socket));
  }
}

TEST_CASE("a link-local IPv6 group needs the name of an interface") {
  if (!TestSocket("::1").ok()) return;
  const auto [code, text] = ErrorOf({.group = "ff12::4107"});

  CHECK(code == "EINVAL");
  CHECK(Says(text, "ff12::4107 is link-local: name its interface"));
}

TEST_CASE("an interface that is not there is named") {
  const auto [code, text] =
      ErrorOf({.group = "239.255.41.7", .interface = "eth99"});

  CHECK(code == "ENODEV");
  CHECK(Says(text, "'eth99'"));
  CHECK(Says(
      ErrorOf({.group = "239.255.41.7", .interface = "203.0.113.9"}).second,
      "'203.0.113.9'"));
}

TEST_CASE("a group that is no multicast address is refused") {
  const auto [code, text] = ErrorOf({.group = "127.0.0.1", .interface = "lo"});

  CHECK(code == "EINVAL");
  CHECK(Says(text, "127.0.0.1"));
}

TEST_CASE("what the kernel drops is counted") {
  const UdpSocket socket(Loopback());
  CHECK(socket.KernelDrops() == 0);
  const TestSocket sender;
  const std::vector<std::uint8_t> large(60'000);

  for (int i = 0; i < 400; ++i) sender.SendTo(socket.port(), large);

  CHECK(socket.KernelDrops() > 0);
}

TEST_CASE("a socket that failed leaves no fd behind") {
  const int before = dup(0);
  close(before);
  for (int i = 0; i < 10; ++i) {
    ErrorOf({.address = "203.0.113.55"});
    ErrorOf({.group = "239.255.41.7", .interface = "eth99"});
    const UdpSocket moved = UdpSocket(Loopback());
  }
  const int after = dup(0);
  close(after);

  CHECK(after == before);
}

}  // namespace
}  // namespace hg::test
