#include "loop/send_batch.h"

#include <doctest/doctest.h>
#include <netinet/udp.h>

#include <string>
#include <vector>

#include "native/loop/sockets.h"

#ifndef UDP_GRO
#define UDP_GRO 104
#endif

namespace hg::test {
namespace {

struct LogList : LogSink {
  void Log(LogLevel, std::string_view, std::string_view message) override {
    lines.emplace_back(message);
  }
  std::vector<std::string> lines;
};

// Writes a datagram of `size` bytes that tells its number.
void Add(SendBatch& batch, std::size_t size, std::uint32_t number) {
  const MutableBytes room = batch.Reserve();
  REQUIRE(room.size() >= DatagramBatch::kMaxDatagram);
  for (std::size_t i = 0; i < size; ++i)
    room[i] = static_cast<std::uint8_t>(number + i);
  if (size >= 4) StoreU32(room.data(), number);
  batch.Commit(size);
}

void CheckIs(const std::vector<std::uint8_t>& datagram, std::size_t size,
             std::uint32_t number) {
  REQUIRE(datagram.size() == size);
  REQUIRE(LoadU32(datagram.data()) == number);
  for (std::size_t i = 4; i < size; ++i)
    REQUIRE(datagram[i] == static_cast<std::uint8_t>(number + i));
}

struct Rig {
  explicit Rig(const std::string& address = "127.0.0.1", int protocol = 0)
      : sender(address, 0, protocol), receiver(address, 0, protocol) {}

  void Begin() { batch.Begin(sender.fd(), receiver.address()); }
  void CheckReceives(const std::vector<std::size_t>& sizes) {
    for (std::uint32_t i = 0; i < sizes.size(); ++i) {
      CAPTURE(i);
      const auto datagram = receiver.Receive(1s);
      REQUIRE(datagram);
      CheckIs(*datagram, sizes[i], i);
    }
    CHECK_FALSE(receiver.Receive());
  }
  DatagramBatch::Result Send(const std::vector<std::size_t>& sizes) {
    Begin();
    for (std::uint32_t i = 0; i < sizes.size(); ++i) Add(batch, sizes[i], i);
    return batch.End();
  }

  LogList log;
  TestSocket sender;
  TestSocket receiver;
  SendBatch batch{log};
};

TEST_CASE("an empty batch sends nothing") {
  Rig rig;
  const auto result = rig.Send({});

  CHECK(result.sent == 0);
  CHECK(result.dropped == 0);
  CHECK_FALSE(rig.receiver.Receive());
}

TEST_CASE("datagrams of any sizes arrive whole and in order") {
  const std::vector<std::vector<std::size_t>> cases = {
      {100},
      {1200, 1200, 1200},
      {1200, 1200, 300, 1200, 1200},
      {300, 1200},
      {4, 1472, 1473, 1472, 1472, 4},
      {1500, 1500, 2000},  // larger than an Ethernet frame
      {2304, 2304},
      std::vector<std::size_t>(64, 1100),
      std::vector<std::size_t>(65, 1100),
      std::vector<std::size_t>(300, 1400),  // more than the buffer holds
      std::vector<std::size_t>(700, 20),
  };
  for (const auto& sizes : cases) {
    Rig rig;
    const auto result = rig.Send(sizes);

    CHECK(result.sent == sizes.size());
    CHECK(result.dropped == 0);
    rig.CheckReceives(sizes);
    CHECK(rig.batch.packets_sent() == sizes.size());
    CHECK(rig.batch.gso());
  }
}

TEST_CASE("more runs than a message vector has room for") {
  std::vector<std::size_t> sizes;
  // Each larger than the one before: none can share a message.
  for (std::size_t i = 0; i < 1000; ++i) sizes.push_back(20 + i);
  Rig rig;

  const auto result = rig.Send(sizes);

  CHECK(result.sent == 1000);
  rig.CheckReceives(sizes);
}

TEST_CASE("a batch can be used again, for another destination") {
  Rig rig;
  rig.Send({100, 100});
  rig.CheckReceives({100, 100});
  TestSocket other;

  rig.batch.Begin(rig.sender.fd(), other.address());
  Add(rig.batch, 50, 7);
  const auto result = rig.batch.End();

  CHECK(result.sent == 1);
  CheckIs(*other.Receive(1s), 50, 7);
  CHECK_FALSE(rig.receiver.Receive());
}

TEST_CASE("what was reserved and not committed is not sent") {
  Rig rig;
  rig.Begin();
  Add(rig.batch, 100, 0);
  rig.batch.Reserve()[0] = 99;
  Add(rig.batch, 100, 1);
  rig.batch.End();

  rig.CheckReceives({100, 100});
}

TEST_CASE("a run of equal sizes leaves as one message") {
  Rig rig;
  constexpr int on = 1;
  // The receiver takes messages as they are, not cut into datagrams.
  if (setsockopt(rig.receiver.fd(), IPPROTO_UDP, UDP_GRO, &on, sizeof on) !=
      0) {
    MESSAGE("no UDP_GRO here");
    return;
  }

  rig.Send({1200, 1200, 1200, 500, 800, 1500, 1500});

  const std::size_t expected[] = {3 * 1200 + 500, 800, 1500, 1500};
  for (const std::size_t size : expected) {
    const auto message = rig.receiver.Receive(1s);
    REQUIRE(message);
    CHECK(message->size() == size);
  }
  CHECK_FALSE(rig.receiver.Receive());
}

TEST_CASE("IPv6 works the same") {
  if (!TestSocket("::1").ok()) {
    MESSAGE("no IPv6 here");
    return;
  }
  Rig rig("::1");
  const std::vector<std::size_t> sizes = {1452, 1452, 1453, 1452, 1452, 10};

  rig.Send(sizes);

  rig.CheckReceives(sizes);
  CHECK(rig.batch.gso());
}

TEST_CASE(
    "where a message cannot be segmented its datagrams leave one by one") {
  Rig rig;
  constexpr int on = 1;
  // Without checksums there is no segmentation: EINVAL, as for a path of a
  // smaller MTU. That says nothing about other destinations.
  REQUIRE(setsockopt(rig.sender.fd(), SOL_SOCKET, SO_NO_CHECK, &on,
                     sizeof on) == 0);
  const std::vector<std::size_t> sizes = {1200, 1200, 1200, 700, 900, 900};

  const auto result = rig.Send(sizes);

  CHECK(result.sent == 6);
  CHECK(result.dropped == 0);
  rig.CheckReceives(sizes);
  CHECK(rig.batch.gso());
  CHECK(rig.log.lines.empty());
}

TEST_CASE("a machine that refuses segmentation is not asked again") {
  // UDP-Lite answers a segmented message with EIO, as a device does that
  // cannot compute checksums.
  constexpr int kUdpLite = 136;
  if (!TestSocket("127.0.0.1", 0, kUdpLite).ok()) {
    MESSAGE("no UDP-Lite here");
    return;
  }
  Rig rig("127.0.0.1", kUdpLite);
  const std::vector<std::size_t> sizes = {1200, 1200, 1200, 700, 900, 900};

  for (int i = 0; i < 3; ++i) {
    const auto result = rig.Send(sizes);
    CHECK(result.sent == 6);
    rig.CheckReceives(sizes);
  }

  CHECK_FALSE(rig.batch.gso());
  CHECK(rig.log.lines.size() == 1);
}

TEST_CASE("what cannot be sent is counted, and the rest still leaves") {
  Rig rig;

  SUBCASE("the destination is refused") {
    rig.batch.Begin(rig.sender.fd(), *SocketAddress::Parse("127.0.0.1", 0));
    for (std::uint32_t i = 0; i < 5; ++i) Add(rig.batch, 1200, i);
    Add(rig.batch, 1300, 5);
    const auto result = rig.batch.End();

    CHECK(result.sent == 0);
    CHECK(result.dropped == 6);
  }
  SUBCASE("the socket is full") {
    constexpr int kSmall = 1;
    setsockopt(rig.sender.fd(), SOL_SOCKET, SO_SNDBUF, &kSmall, sizeof kSmall);
    const auto result = rig.Send(std::vector<std::size_t>(64, 1400));

    CHECK(result.sent + result.dropped == 64);
    while (rig.receiver.Receive()) {
    }
  }
  CHECK(rig.batch.gso());
  rig.Send({100});
  rig.CheckReceives({100});
}

}  // namespace
}  // namespace hg::test
