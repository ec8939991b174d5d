// Who talks: the average audio level (RFC 6464) of the last so many packets,
// taken in one go each time there are as many, as Janus clients know it.
// Sans-IO.
//
// A sender with discontinuous transmission (RFC 7587 s3.1.3) sends next to
// nothing while it is silent: the time without packets counts as silence.
#pragma once

#include <cstdint>
#include <optional>

#include "base/clock.h"

namespace hg {

class TalkDetector {
 public:
  struct Limits {
    std::uint32_t packets = 100;  // one at least
    std::uint8_t level = 25;      // -dBov; a lower average is talking
    friend bool operator==(const Limits&, const Limits&) = default;
  };

  explicit TalkDetector(const Limits& limits) : limits_(limits) {}
  const Limits& limits() const { return limits_; }

  // `level`: 0 (loudest) to 127 (silence). True if talking() changed.
  bool OnPacket(std::uint8_t level, Timestamp now);
  // Time passed, maybe without packets. True if talking() changed.
  bool OnTime(Timestamp now);

  bool talking() const { return talking_; }
  // -dBov, of the last window; nullopt: none is full yet.
  std::optional<double> average() const { return average_; }

 private:
  static constexpr std::uint8_t kSilence = 127;
  // What most senders put into a packet.
  static constexpr Duration kPacketTime = 20ms;
  // A longer rest is one that the sender means. The longest packet is 120 ms.
  static constexpr Duration kRest = 200ms;

  void AddSilence(Timestamp now);
  void Add(std::uint8_t level);

  const Limits limits_;
  std::uint64_t sum_ = 0;
  std::uint32_t count_ = 0;
  std::optional<Timestamp> last_;
  std::optional<double> average_;
  bool talking_ = false;
};

}  // namespace hg
