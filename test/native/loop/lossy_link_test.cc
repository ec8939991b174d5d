#include "support/lossy_link.h"

#include <doctest/doctest.h>

#include <vector>

#include "native/loop/sockets.h"

namespace hg::test {
namespace {

constexpr Timestamp kStart{1000s};

std::vector<std::uint8_t> Number(std::uint32_t n, std::size_t size = 100) {
  std::vector<std::uint8_t> datagram(size);
  StoreU32(datagram.data(), n);
  return datagram;
}

struct Arrival {
  std::uint32_t number;
  Timestamp at;
};

// Sends datagrams 1 ms apart and waits for all that come.
std::vector<Arrival> Run(const LossyLinkConfig& config, std::uint32_t count,
                         std::uint64_t seed = 1, std::size_t size = 100) {
  LossyLink link(config, seed);
  std::vector<Arrival> arrivals;
  const auto receive = [&](Timestamp now) {
    while (const auto datagram = link.Receive(now))
      arrivals.push_back({LoadU32(datagram->data()), now});
  };
  Timestamp now = kStart;
  for (std::uint32_t n = 0; n < count; ++n, now += 1ms) {
    link.Send(Number(n, size), now);
    receive(now);
  }
  while (const auto due = link.NextDue()) receive(*due);
  return arrivals;
}

TEST_CASE("a perfect link delivers everything at once") {
  const auto arrivals = Run({}, 1000);

  REQUIRE(arrivals.size() == 1000);
  for (std::uint32_t n = 0; n < 1000; ++n) {
    CHECK(arrivals[n].number == n);
    CHECK(arrivals[n].at == kStart + n * 1ms);
  }
}

TEST_CASE("the same seed is the same network, another is another") {
  const LossyLinkConfig config{.loss = 0.3, .jitter = 10ms, .reorder = 0.1};
  const auto numbers = [&](std::uint64_t seed) {
    std::vector<std::uint32_t> list;
    for (const Arrival& a : Run(config, 500, seed)) list.push_back(a.number);
    return list;
  };

  CHECK(numbers(7) == numbers(7));
  CHECK(numbers(7) != numbers(8));
}

TEST_CASE("loss is as large as it is set") {
  const auto arrivals = Run({.loss = 0.1}, 20'000);

  CHECK(arrivals.size() > 17'700);
  CHECK(arrivals.size() < 18'300);
}

TEST_CASE("bursts have their length and their share") {
  // Bad a tenth of the time, for ten datagrams on average.
  const auto arrivals =
      Run({.burst_begin = 1.0 / 90, .burst_end = 0.1}, 100'000);

  CHECK(arrivals.size() > 87'000);
  CHECK(arrivals.size() < 93'000);
  std::uint32_t gaps = 0;
  std::uint32_t lost = 0;
  for (std::size_t i = 1; i < arrivals.size(); ++i) {
    const std::uint32_t gap = arrivals[i].number - arrivals[i - 1].number - 1;
    lost += gap;
    gaps += gap > 0;
  }
  const double mean = static_cast<double>(lost) / gaps;
  CHECK(mean > 8.5);
  CHECK(mean < 11.5);
}

TEST_CASE("delay and jitter keep the order") {
  const auto arrivals = Run({.delay = 50ms, .jitter = 20ms}, 1000);

  REQUIRE(arrivals.size() == 1000);
  Duration most{};
  for (std::uint32_t n = 0; n < 1000; ++n) {
    REQUIRE(arrivals[n].number == n);
    const Duration took = arrivals[n].at - (kStart + n * 1ms);
    REQUIRE(took >= 50ms);
    REQUIRE(took <= 70ms);
    most = std::max(most, took);
  }
  CHECK(most > 65ms);
}

TEST_CASE("reordered datagrams are overtaken") {
  const auto arrivals = Run({.reorder = 0.1, .reorder_delay = 5ms}, 10'000);

  REQUIRE(arrivals.size() == 10'000);
  std::uint32_t newest = 0;
  int late = 0;
  for (const Arrival& arrival : arrivals) {
    if (arrival.number < newest) ++late;
    newest = std::max(newest, arrival.number);
  }
  CHECK(late > 800);
  CHECK(late < 1200);
}

TEST_CASE("duplicates arrive twice") {
  const auto arrivals = Run({.duplicate = 0.2}, 10'000);

  CHECK(arrivals.size() > 11'700);
  CHECK(arrivals.size() < 12'300);
}

TEST_CASE("a bottleneck delays, and drops when its queue is full") {
  // 1000 bytes a millisecond come, 500 pass; 10 ms fit in the queue.
  LossyLink link({.bits_per_second = 4'000'000, .queue_bytes = 5'000}, 1);
  Duration most{};
  Timestamp now = kStart;
  std::uint64_t received = 0;
  for (std::uint32_t n = 0; n < 1000; ++n, now += 1ms) {
    link.Send(Number(n, 1000), now);
    while (const auto datagram = link.Receive(now)) {
      most = std::max(
          most, now - (kStart + LoadU32(datagram->data()) * Duration(1ms)));
      ++received;
    }
  }

  CHECK(received > 480);
  CHECK(received < 510);
  CHECK(link.counters().queue_full > 480);
  CHECK(most >= 10ms);
  CHECK(most <= 14ms);
}

// ---- the relay
// ------------------------------------------------------------------

TEST_CASE("a relay carries datagrams both ways under its own ports") {
  LossyRelay relay({}, {}, 1);
  const TestSocket client;
  const TestSocket server;
  const auto path = relay.AddPath(client.port(), server.port());
  SocketAddress from;

  client.SendTo(path.for_client, Number(1));
  const auto to_server = server.Receive(1s, &from);
  REQUIRE(to_server);
  CHECK(LoadU32(to_server->data()) == 1);
  CHECK(from == *SocketAddress::Parse("127.0.0.1", path.for_server));

  server.SendTo(path.for_server, Number(2));
  const auto to_client = client.Receive(1s, &from);
  REQUIRE(to_client);
  CHECK(LoadU32(to_client->data()) == 2);
  CHECK(from == *SocketAddress::Parse("127.0.0.1", path.for_client));
  CHECK(relay.counters(LossyRelay::Direction::kToServer).delivered == 1);
  CHECK(relay.counters(LossyRelay::Direction::kToClient).delivered == 1);
}

TEST_CASE("a relay takes nothing from strangers, and nothing when it is cut") {
  LossyRelay relay({}, {}, 1);
  const TestSocket client;
  const TestSocket server;
  const TestSocket stranger;
  const auto path = relay.AddPath(client.port(), server.port());

  stranger.SendTo(path.for_client, Number(1));
  stranger.SendTo(path.for_server, Number(2));
  relay.SetCut(true);
  client.SendTo(path.for_client, Number(3));
  CHECK_FALSE(server.Receive(50ms));
  relay.SetCut(false);
  client.SendTo(path.for_client, Number(4));

  const auto datagram = server.Receive(1s);
  REQUIRE(datagram);
  CHECK(LoadU32(datagram->data()) == 4);
  CHECK_FALSE(client.Receive());
}

TEST_CASE("a relay keeps its delay, and its paths apart") {
  LossyRelay relay({.delay = 30ms}, {.loss = 1}, 1);
  const TestSocket clients[2];
  const TestSocket servers[2];
  LossyRelay::Path paths[2];
  for (int i = 0; i < 2; ++i)
    paths[i] = relay.AddPath(clients[i].port(), servers[i].port());
  const Timestamp sent = MonotonicNow();

  clients[1].SendTo(paths[1].for_client, Number(9));

  REQUIRE(servers[1].Receive(1s));
  CHECK(MonotonicNow() - sent >= 30ms);
  CHECK_FALSE(servers[0].Receive());
  servers[1].SendTo(paths[1].for_server, Number(1));
  CHECK_FALSE(clients[1].Receive(20ms));
}

TEST_CASE("a candidate is sent through another port") {
  const std::string line =
      "candidate:1 1 udp 2015363327 192.0.2.7 49763 typ host";

  CHECK(CandidatePort(line) == 49763);
  CHECK(ThroughPort(line, 5000) ==
        "candidate:1 1 udp 2015363327 127.0.0.1 5000 typ host");
  CHECK(CandidatePort("nonsense") == 0);
}

}  // namespace
}  // namespace hg::test
