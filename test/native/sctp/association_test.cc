#include "sctp/association.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "native/sctp/association_rig.h"

namespace hg::test {
namespace {

using Key = AssociationRig::Key;

std::vector<std::uint8_t> Noise(std::size_t size, unsigned seed = 1) {
  std::mt19937 rng(seed);
  std::vector<std::uint8_t> bytes(size);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(rng());
  return bytes;
}

TEST_CASE("both sides open channels, with ids by their DTLS role") {
  AssociationRig rig;
  const ChannelConfig mine{.label = "mine", .protocol = "p", .ordered = false};
  const ChannelConfig theirs{.label = "theirs", .max_retransmits = 2};
  rig.client.association().Open(1, mine);
  rig.server.association().Open(7, theirs);

  REQUIRE(rig.Run([&] {
    return rig.client.open.size() == 2 && rig.server.open.size() == 2;
  }));

  const Key on_server = rig.server.Labelled("mine");
  const Key on_client = rig.client.Labelled("theirs");
  CHECK(rig.client.open[1] == mine);
  CHECK(rig.server.open[on_server] == mine);
  CHECK(rig.client.open[on_client] == theirs);
  CHECK(on_server >= Association::kOpenedByPeer);
  CHECK(rig.client.streams[1] == 0);
  CHECK(rig.server.streams[7] == 1);
  CHECK(rig.client.streams[on_client] == 1);
}

TEST_CASE("text and binary, and nothing at all, arrive as what they are") {
  AssociationRig rig;
  const Key key = rig.OpenChannel();
  auto& sender = rig.client.association();
  sender.Send(key, true, {'h', 'i'});
  sender.Send(key, false, {0, 1, 255});
  sender.Send(key, true, {});
  sender.Send(key, false, {});

  REQUIRE(rig.Run([&] { return rig.server.messages.size() == 4; }));

  const auto& got = rig.server.messages;
  CHECK((got[0].text && got[0].bytes == std::vector<std::uint8_t>{'h', 'i'}));
  CHECK((!got[1].text && got[1].bytes == std::vector<std::uint8_t>{0, 1, 255}));
  CHECK((got[2].text && got[2].bytes.empty()));
  CHECK((!got[3].text && got[3].bytes.empty()));
  CHECK(rig.client.taken == 5);
}

TEST_CASE("messages of 256 kB pass both ways, with loss too") {
  for (const double loss : {0.0, 0.1}) {
    CAPTURE(loss);
    AssociationRig rig({.loss = loss, .delay = 5ms});
    const Key key = rig.OpenChannel();
    const auto bytes = Noise(kMaxDataMessage);
    for (int i = 0; i < 3; ++i) {
      rig.client.association().Send(key, false, bytes);
      rig.server.association().Send(rig.server.Labelled("test"), false, bytes);
    }

    REQUIRE(rig.Run(
        [&] {
          return rig.server.messages.size() == 3 &&
                 rig.client.messages.size() == 3;
        },
        300s));

    for (const auto& message : rig.server.messages)
      CHECK(message.bytes == bytes);
    for (const auto& message : rig.client.messages)
      CHECK(message.bytes == bytes);
    CHECK(rig.server.stats.oversize.value() == 0);
    CHECK(rig.client.largest_packet <= 1135);
    CHECK(rig.client.largest_packet > 1100);
  }
}

TEST_CASE("ten thousand small messages arrive in order, with loss too") {
  for (const double loss : {0.0, 0.1}) {
    CAPTURE(loss);
    AssociationRig rig({.loss = loss, .delay = 5ms});
    const Key key = rig.OpenChannel();
    for (int i = 0; i < 10'000; ++i) rig.client.Send(key, std::to_string(i));

    REQUIRE(
        rig.Run([&] { return rig.server.messages.size() == 10'000; }, 300s));

    for (std::size_t i = 0; i < 10'000; ++i) {
      const auto& bytes = rig.server.messages[i].bytes;
      if (std::string(bytes.begin(), bytes.end()) != std::to_string(i)) {
        FAIL_CHECK("message " << i << " is another");
        break;
      }
    }
  }
}

TEST_CASE("unordered messages all arrive; those not resent may not") {
  AssociationRig rig({.loss = 0.1, .delay = 5ms});
  const Key all = rig.OpenChannel({.label = "all", .ordered = false});
  const Key some = rig.OpenChannel(
      {.label = "some", .ordered = false, .max_retransmits = 0});
  for (int i = 0; i < 1000; ++i) {
    rig.client.association().Send(all, false, Noise(900, i));
    rig.client.association().Send(some, false, Noise(900, i));
  }

  const auto count = [&](const char* label) {
    return std::ranges::count(rig.server.messages, rig.server.Labelled(label),
                              [](const auto& message) { return message.key; });
  };
  REQUIRE(rig.Run([&] { return count("all") == 1000; }, 300s));
  rig.RunFor(5s);

  CHECK(count("some") > 500);
  CHECK(count("some") < 1000);
}

TEST_CASE("what has not left in its life time is not sent again") {
  AssociationRig rig;
  const Key key =
      rig.OpenChannel({.label = "short", .max_packet_life_time = 500});
  rig.SetLoss(1);
  rig.client.Send(key, "late");
  rig.RunFor(5s);
  rig.SetLoss(0);
  rig.RunFor(10s);
  rig.client.Send(key, "in time");

  REQUIRE(rig.Run([&] { return !rig.server.messages.empty(); }));

  const auto& bytes = rig.server.messages[0].bytes;
  CHECK(std::string(bytes.begin(), bytes.end()) == "in time");
}

TEST_CASE("two hundred channels, each with its own messages") {
  AssociationRig rig({.loss = 0.05, .delay = 5ms});
  for (Key key = 1; key <= 250; ++key)
    rig.client.association().Open(key, {.label = std::to_string(key)});
  REQUIRE(rig.Run([&] { return rig.client.open.size() == 250; }));
  for (int round = 0; round < 4; ++round)
    for (Key key = 1; key <= 250; ++key)
      rig.client.Send(key, std::to_string(key));

  REQUIRE(rig.Run([&] { return rig.server.messages.size() == 1000; }));

  for (const auto& message : rig.server.messages) {
    CHECK(rig.server.open[message.key].label ==
          std::string(message.bytes.begin(), message.bytes.end()));
  }
}

TEST_CASE("more channels than there are streams are closed") {
  AssociationRig rig;
  for (Key key = 1; key <= 600; ++key)
    rig.client.association().Open(key, {.label = std::to_string(key)});

  REQUIRE(rig.Run([&] { return rig.client.open.size() == 512; }));

  CHECK(rig.client.closed.size() == 88);
  CHECK(rig.server.open.size() == 512);
}

TEST_CASE("a channel that one side closes is closed on both, and its id free") {
  for (const bool by_opener : {true, false}) {
    CAPTURE(by_opener);
    AssociationRig rig({.loss = 0.05, .delay = 5ms});
    const Key key = rig.OpenChannel();
    const Key other = rig.server.Labelled("test");
    auto& closing = by_opener ? rig.client : rig.server;
    auto& hearing = by_opener ? rig.server : rig.client;
    closing.Send(by_opener ? key : other, "the last");
    closing.association().Close(by_opener ? key : other);

    REQUIRE(rig.Run([&] {
      return rig.client.closed.size() == 1 && rig.server.closed.size() == 1;
    }));

    CHECK(rig.client.closed[0] == key);
    CHECK(rig.server.closed[0] == other);
    CHECK(hearing.messages.size() == 1);  // what was sent before came before
    REQUIRE(rig.Run([&] {
      return rig.client.association().channels() == 0 &&
             rig.server.association().channels() == 0;
    }));
    const Key again = rig.OpenChannel({.label = "again"});
    CHECK(rig.client.streams[again] == 0);
    CHECK(rig.server.Labelled("again") != other);
    rig.client.Send(again, "fresh");
    CHECK(rig.Run([&] { return rig.server.messages.size() > 0; }));
  }
}

// With loss one side knows of the end of a channel earlier than the other, and
// uses its stream again.
TEST_CASE("channels come and go hundreds of times") {
  for (const double loss : {0.0, 0.1}) {
    CAPTURE(loss);
    AssociationRig rig({.loss = loss, .delay = 5ms});
    for (int i = 0; i < 500; ++i) {
      CAPTURE(i);
      const Key key = rig.OpenChannel({.label = std::to_string(i)});
      REQUIRE(rig.client.has(key));
      rig.client.Send(key, "x");
      rig.client.association().Close(key);
      REQUIRE(rig.Run([&] { return rig.client.closed.size() == i + 1U; }));
    }
    CHECK(rig.Run([&] {
      return rig.client.association().channels() == 0 &&
             rig.server.association().channels() == 0;
    }));
    CHECK(rig.server.messages.size() == 500);
    CHECK(rig.server.stats.unexpected.value() == 0);
  }
}

TEST_CASE("two hundred channels close at once") {
  AssociationRig rig({.loss = 0.1, .delay = 5ms});
  for (Key key = 1; key <= 200; ++key)
    rig.client.association().Open(key, {.label = std::to_string(key)});
  REQUIRE(rig.Run([&] { return rig.client.open.size() == 200; }));
  for (Key key = 1; key <= 200; ++key) rig.client.association().Close(key);

  CHECK(rig.Run([&] {
    return rig.client.association().channels() == 0 &&
           rig.server.association().channels() == 0;
  }));
}

TEST_CASE("a receiver that stalls holds the sender, and nothing is lost") {
  AssociationRig rig;
  const Key key = rig.OpenChannel();
  rig.server.association().SetReading(false);
  const auto bytes = Noise(10'000);
  for (int i = 0; i < 1000; ++i)
    rig.client.association().Send(key, false, bytes);
  rig.RunFor(30s);

  CHECK(rig.server.messages.empty());
  const std::size_t taken = rig.client.taken;
  CHECK(taken <= 2 * 1024 * 1024);  // both buffers of SCTP
  rig.RunFor(30s);
  CHECK(rig.client.taken == taken);

  rig.server.association().SetReading(true);
  REQUIRE(rig.Run([&] { return rig.server.messages.size() == 1000; }, 120s));
}

TEST_CASE("a message that is too large closes its channel, and is not kept") {
  AssociationRig rig;
  const Key key = rig.OpenChannel();
  const Key other = rig.OpenChannel({.label = "other"});
  rig.client.association().Send(key, false, Noise(kMaxDataMessage + 1));

  REQUIRE(rig.Run([&] { return rig.client.closed.size() == 1; }));

  CHECK(rig.server.messages.empty());
  CHECK(rig.server.stats.oversize.value() == 1);
  rig.client.Send(other, "still here");
  CHECK(rig.Run([&] { return rig.server.messages.size() == 1; }));
}

TEST_CASE("an association comes up and survives when half of all is lost") {
  AssociationRig rig({.loss = 0.5, .delay = 5ms});
  rig.client.association().Open(1, {.label = "test"});
  REQUIRE(rig.Run([&] { return rig.client.has(1); }, 300s));
  rig.client.Send(1, "through");
  CHECK(rig.Run([&] { return rig.server.messages.size() == 1; }, 300s));
}

TEST_CASE("it waits for a peer that is away for minutes") {
  AssociationRig rig;
  const Key key = rig.OpenChannel();
  rig.SetLoss(1);
  rig.client.Send(key, "are you there?");
  rig.RunFor(600s);
  CHECK_FALSE(rig.client.ended);
  rig.SetLoss(0);
  CHECK(rig.Run([&] { return rig.server.messages.size() == 1; }, 10s));
}

TEST_CASE(
    "when one side is gone the other hears of it, once for each channel") {
  AssociationRig rig;
  rig.OpenChannel({.label = "a"});
  rig.OpenChannel({.label = "b"});
  rig.Disconnect(rig.client);

  REQUIRE(rig.Run([&] { return rig.server.ended; }));

  CHECK(rig.server.closed.size() == 2);
  CHECK(rig.server.association().ended());
}

TEST_CASE("a checksum goes with each packet (RFC 9260 appendix A)") {
  AssociationRig rig;
  std::vector<std::vector<std::uint8_t>> packets;
  rig.client.on_send = [&](Bytes packet) {
    packets.emplace_back(packet.begin(), packet.end());
  };
  const Key key = rig.OpenChannel();
  rig.client.association().Send(key, false, Noise(5000));
  REQUIRE(rig.Run([&] { return rig.server.messages.size() == 1; }));

  CHECK(packets.size() > 5);
  for (auto& packet : packets) {
    std::uint32_t sent = 0;
    std::memcpy(&sent, packet.data() + 8, 4);  // little-endian on the wire
    std::fill_n(packet.begin() + 8, 4, std::uint8_t{0});
    std::uint32_t crc = 0xffffffff;
    for (const std::uint8_t byte : packet) {
      crc ^= byte;
      for (int i = 0; i < 8; ++i) crc = (crc >> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
    }
    CHECK(~crc == sent);
  }
}

TEST_CASE("garbage from the peer does no harm") {
  AssociationRig rig;
  std::vector<std::uint8_t> sample;
  rig.client.on_send = [&](Bytes packet) {
    if (sample.size() < 60) sample.assign(packet.begin(), packet.end());
  };
  const Key key = rig.OpenChannel();
  rig.client.association().Send(key, false, Noise(1000));
  std::mt19937 rng(3);
  for (int i = 0; i < 20'000; ++i) {
    // The right ports and tag, for they are what protects it elsewhere.
    auto packet = Noise(12 + rng() % 100, i);
    std::copy_n(sample.begin(), 12, packet.begin());
    if (i % 3 == 0 && packet.size() > 16) packet[12] = 0;  // DATA
    // ABORT and SHUTDOWN are understood, and end it.
    if (packet.size() > 12 && (packet[12] == 6 || packet[12] == 8)) continue;
    if (!rig.server.ended) rig.server.association().OnPacket(packet);
  }
  rig.RunFor(10s);
  CHECK(true);  // it got here
}

}  // namespace
}  // namespace hg::test
