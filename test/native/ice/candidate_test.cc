#include "ice/candidate.h"

#include <doctest/doctest.h>

#include <algorithm>

#include <string>

using namespace hg;

TEST_CASE("the candidates of browsers are read") {
  // Chromium, Firefox and a libnice peer
  const auto chromium = ParseRemoteCandidate(
      "candidate:842163049 1 udp 1677729535 203.0.113.7 46154 typ srflx raddr "
      "10.0.0.17 rport 46154 generation 0 ufrag EEtu network-id 3 "
      "network-cost 10");
  const auto firefox = ParseRemoteCandidate(
      "a=candidate:0 1 UDP 2122252543 2001:db8::5 38204 typ host\r\n");
  const auto libnice = ParseRemoteCandidate(
      "candidate:1 1 udp 2015363327 192.0.2.7 49763 typ host");

  REQUIRE(chromium);
  CHECK(chromium->foundation == "842163049");
  CHECK(chromium->priority == 1677729535);
  CHECK(chromium->address.ToString() == "203.0.113.7:46154");
  CHECK(chromium->type == CandidateType::kSrflx);
  CHECK(chromium->ufrag == "EEtu");
  REQUIRE(firefox);
  CHECK(firefox->address.ToString() == "[2001:db8::5]:38204");
  CHECK(firefox->ufrag.empty());
  REQUIRE(libnice);
  CHECK(libnice->type == CandidateType::kHost);
}

TEST_CASE("a reflexive candidate that hides its base is read") {
  CHECK(ParseRemoteCandidate(
      "candidate:2 1 udp 1685987071 203.0.113.7 50010 typ srflx raddr 0.0.0.0 "
      "rport 0"));
  CHECK(ParseRemoteCandidate(
      "candidate:2 1 udp 1685987071 203.0.113.7 50010 typ relay raddr "
      "3e9b5a0c.local rport 9"));
}

TEST_CASE("what cannot be used is refused") {
  const std::string good =
      "candidate:1 1 udp 2015363327 192.0.2.7 49763 typ host";
  REQUIRE(ParseRemoteCandidate(good));
  const char* const kBad[] = {
      "",
      "a=",
      "candidate:",
      "candidate: ",
      "end-of-candidates",
      "candidate:1 1 udp 2015363327 192.0.2.7 49763",
      "candidate:1 1 udp 2015363327 192.0.2.7 49763 typ",
      "candidate:1 1 udp 2015363327 192.0.2.7 49763 host typ",
      "candidate:1 1 udp 2015363327 192.0.2.7 49763 typ magic",
      "candidate:1 2 udp 2015363327 192.0.2.7 49763 typ host",
      "candidate:1 0 udp 2015363327 192.0.2.7 49763 typ host",
      "candidate:1 x udp 2015363327 192.0.2.7 49763 typ host",
      "candidate:1 1 tcp 2015363327 192.0.2.7 9 typ host tcptype active",
      "candidate:1 1 TCP 2015363327 192.0.2.7 4000 typ host tcptype passive",
      "candidate:1 1 ssltcp 2015363327 192.0.2.7 443 typ host",
      "candidate:1 1 udp -1 192.0.2.7 49763 typ host",
      "candidate:1 1 udp 99999999999 192.0.2.7 49763 typ host",
      "candidate:1 1 udp 2015363327 192.0.2.7 0 typ host",
      "candidate:1 1 udp 2015363327 192.0.2.7 65536 typ host",
      "candidate:1 1 udp 2015363327 192.0.2.7 -5 typ host",
      "candidate:1 1 udp 2015363327 192.0.2.256 49763 typ host",
      "candidate:1 1 udp 2015363327 1f4712db-ea17-4bcf.local 9000 typ host",
      "candidate:1 1 udp 2015363327 example.com 9000 typ host",
      "candidate:1 1 udp 2015363327 0.0.0.0 9000 typ host",
      "candidate:1 1 udp 2015363327 224.0.0.251 5353 typ host",
      "candidate:1 1 udp 2015363327 255.255.255.255 9000 typ host",
      "candidate:1 1 udp 2015363327 :: 9000 typ host",
      "candidate:1 1 udp 2015363327 ::ffff:224.0.0.1 9000 typ host",
      "candidate:1 1 udp 2015363327 ff02::1 9000 typ host",
      "candidate:1 1 udp 2015363327 fe80::1%eth0 9000 typ host",
  };
  for (const char* bad : kBad) {
    CAPTURE(bad);
    CHECK(!ParseRemoteCandidate(bad));
  }
  for (std::size_t size = 0; size < good.size() - 1; ++size) {
    if (size >= good.size() - 4) continue;
    CAPTURE(size);
    CHECK(!ParseRemoteCandidate(good.substr(0, size)));
  }
  CHECK(!ParseRemoteCandidate(good + std::string(2000, ' ')));
}

TEST_CASE("an address is the same in its IPv4 and its mapped form") {
  const auto plain = *SocketAddress::Parse("192.0.2.1", 5004);
  const auto mapped = *SocketAddress::Parse("::ffff:192.0.2.1", 5004);
  SocketAddress native_mapped;
  sockaddr_in6 in6{};
  in6.sin6_family = AF_INET6;
  in6.sin6_port = htons(5004);
  const std::uint8_t bytes[16] = {0, 0, 0,    0,    0,   0, 0, 0,
                                  0, 0, 0xff, 0xff, 192, 0, 2, 1};
  std::copy(std::begin(bytes), std::end(bytes), in6.sin6_addr.s6_addr);
  *reinterpret_cast<sockaddr_in6*>(&native_mapped.storage) = in6;
  native_mapped.length = sizeof in6;

  CHECK(plain == mapped);
  CHECK(plain == native_mapped);
  CHECK(native_mapped.ToString() == "192.0.2.1:5004");
  CHECK(!(plain == *SocketAddress::Parse("192.0.2.1", 5005)));
  CHECK(!(plain == *SocketAddress::Parse("192.0.2.2", 5004)));
  CHECK(!(plain == *SocketAddress::Parse("2001:db8::1", 5004)));
  CHECK(SocketAddress::Parse("2001:db8::1", 5004)->ToString() ==
        "[2001:db8::1]:5004");
  CHECK(!SocketAddress::Parse("localhost", 1));
  CHECK(!SocketAddress::Parse("", 1));
}
