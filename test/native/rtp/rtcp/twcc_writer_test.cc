#include "rtp/rtcp/twcc_writer.h"

#include <doctest/doctest.h>

#include <map>
#include <optional>
#include <random>
#include <vector>

#include "native/rtp/packets.h"
#include "rtp/rtcp/twcc.h"

namespace hg {
namespace {

constexpr Timestamp kStart{1000s};

// What a sender learns from all feedback: by number, when it arrived.
class Sender {
 public:
  // Returns how many feedback packets there were.
  int Read(TransportCcWriter& feedback) {
    int packets = 0;
    while (feedback.HasNews()) {
      std::array<std::uint8_t, 1200> buffer;
      RtcpWriter writer(buffer);
      REQUIRE(feedback.Write(writer, 7, 9));
      RtcpReader reader(writer.bytes());
      const auto packet = reader.Next();
      REQUIRE(packet);
      const auto parsed = TransportCc::Parse(*packet);
      REQUIRE(parsed);
      CHECK(parsed->sender_ssrc == 7);
      CHECK(parsed->media_ssrc == 9);
      CHECK(parsed->feedback_count == count_++);
      const Duration reference = parsed->reference_time * 64ms;
      parsed->ForEach([&](std::uint16_t seq, std::optional<Duration> arrival) {
        ++told[seq];
        if (arrival) arrivals[seq] = reference + *arrival;
      });
      ++packets;
    }
    return packets;
  }

  std::map<std::uint16_t, Duration> arrivals;
  std::map<std::uint16_t, int> told;

 private:
  std::uint8_t count_ = 0;
};

// As a sender sees it: 24 bits of 64 ms, in steps of 250 us.
Duration Seen(Timestamp time) {
  const auto ticks = time.time_since_epoch() / 250us;
  return (ticks % (std::int64_t{1} << 32)) * 250us;
}

}  // namespace

TEST_CASE("nothing is reported before something came, nor twice") {
  TransportCcWriter feedback;
  std::array<std::uint8_t, 1200> buffer;
  RtcpWriter writer(buffer);
  CHECK(!feedback.HasNews());
  CHECK(!feedback.Write(writer, 1, 2));

  feedback.OnPacket(5, kStart);
  CHECK(feedback.Write(writer, 1, 2));

  CHECK(!feedback.HasNews());
  CHECK(!feedback.Write(writer, 1, 2));
}

TEST_CASE("a sender learns what arrived, when, and what did not") {
  for (const std::uint16_t start : kStarts) {
    CAPTURE(start);
    std::mt19937 random(start);
    TransportCcWriter feedback;
    Sender sender;
    std::map<std::uint16_t, Duration> truth;
    Timestamp now = kStart;
    std::uint16_t seq = start;
    feedback.OnPacket(seq, now);
    truth[seq] = Seen(now);
    for (int i = 0; i < 3000; ++i) {
      ++seq;
      // Mostly close together, at times far apart.
      now += Duration(random() % 20'000'000) / (i % 50 == 0 ? 1 : 100);
      if (random() % 5 == 0) continue;
      feedback.OnPacket(seq, now);
      truth[seq] = Seen(now);
      if (i % 97 == 0) sender.Read(feedback);
    }
    sender.Read(feedback);

    CHECK(sender.arrivals == truth);
    for (const auto& [number, times] : sender.told) CHECK(times == 1);
  }
}

TEST_CASE("a late packet is reported with the next feedback") {
  TransportCcWriter feedback;
  Sender sender;
  for (const unsigned seq : {10u, 11u, 13u, 14u})
    feedback.OnPacket(static_cast<std::uint16_t>(seq), kStart);
  sender.Read(feedback);
  CHECK(!sender.arrivals.contains(12));

  feedback.OnPacket(12, kStart + 30ms);
  feedback.OnPacket(15, kStart + 31ms);
  sender.Read(feedback);

  CHECK(sender.arrivals.at(12) == Seen(kStart + 30ms));
  CHECK(sender.arrivals.at(14) == Seen(kStart));
  CHECK(sender.arrivals.at(15) == Seen(kStart + 31ms));
}

TEST_CASE("a packet that came twice is reported as it came first") {
  TransportCcWriter feedback;
  Sender sender;
  feedback.OnPacket(1, kStart);
  feedback.OnPacket(1, kStart + 5ms);

  sender.Read(feedback);

  CHECK(sender.arrivals.at(1) == Seen(kStart));
}

TEST_CASE("what does not fit one feedback is told by more") {
  TransportCcWriter feedback;
  Sender sender;
  for (std::uint16_t seq = 0; seq < 1000; ++seq)
    feedback.OnPacket(seq, kStart + seq * 1ms);
  CHECK(sender.Read(feedback) == 3);
  CHECK(sender.arrivals.size() == 1000);

  // More time between two packets than a delta can tell.
  feedback.OnPacket(1000, kStart + 20s);
  feedback.OnPacket(1001, kStart + 40s);
  CHECK(sender.Read(feedback) == 2);
  CHECK(sender.arrivals.at(1001) == Seen(kStart + 40s));
}

TEST_CASE("without room nothing is lost") {
  TransportCcWriter feedback;
  for (std::uint16_t seq = 0; seq < 100; ++seq)
    feedback.OnPacket(seq, kStart + seq * 7ms);
  std::array<std::uint8_t, 40> small;
  RtcpWriter writer(small);

  CHECK(!feedback.Write(writer, 1, 2));
  CHECK(writer.size() == 0);

  Sender sender;
  sender.Read(feedback);
  CHECK(sender.arrivals.size() == 100);
}

TEST_CASE("numbers that jump begin anew, and cost no more") {
  TransportCcWriter feedback;
  Sender sender;
  feedback.OnPacket(0, kStart);
  sender.Read(feedback);

  feedback.OnPacket(30'000, kStart + 1ms);

  CHECK(sender.Read(feedback) == 1);
  CHECK(sender.told.size() == 2);
}

TEST_CASE("each feedback fits a datagram, whatever came") {
  std::mt19937 random(1);
  TransportCcWriter feedback;
  Timestamp now = kStart;
  for (int i = 0; i < 20'000; ++i) {
    now += Duration(random() % 9'000'000'000 >> (random() % 34));
    feedback.OnPacket(static_cast<std::uint16_t>(i * (1 + random() % 3)), now);
    if (i % 500 != 0) continue;
    while (feedback.HasNews()) {
      std::array<std::uint8_t, 1160> buffer;
      RtcpWriter writer(buffer);
      REQUIRE(feedback.Write(writer, 1, 2));
      CHECK(writer.size() > 0);
    }
  }
}

}  // namespace hg
