// A bad network, repeatable by its seed: loss at random and in bursts, delay,
// jitter, reordering, duplication, a bottleneck. LossyLink is one direction in
// virtual time; LossyRelay puts real UDP on the loopback through two of them.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <queue>
#include <random>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"

namespace hg {

struct LossyLinkConfig {
  double loss = 0;  // share of all datagrams, each on its own
  // The model of Gilbert and Elliott: in the bad state `loss_in_burst` of the
  // datagrams are lost. Both chances are per datagram, so a burst is
  // 1 / burst_end datagrams long on average, however long they take to come.
  double burst_begin = 0;
  double burst_end = 0.25;
  double loss_in_burst = 1;
  Duration delay{0};
  Duration jitter{0};  // up to this much more; order is kept
  double reorder = 0;  // share that is held up, and overtaken meanwhile
  Duration reorder_delay = 5ms;
  double duplicate = 0;               // share that arrives twice
  std::uint64_t bits_per_second = 0;  // 0: as many as come
  std::size_t queue_bytes = 100'000;  // in front of the bottleneck
};

// One direction. Sans-IO: the owner passes `now` in.
class LossyLink {
 public:
  struct Counters {
    std::uint64_t sent = 0;  // handed in
    std::uint64_t lost = 0;  // at random or in a burst
    std::uint64_t queue_full = 0;
    std::uint64_t duplicated = 0;
    std::uint64_t reordered = 0;
    std::uint64_t delivered = 0;
  };

  LossyLink(const LossyLinkConfig& config, std::uint64_t seed)
      : config_(config), rng_(seed) {}

  void Send(Bytes datagram, Timestamp now);
  std::optional<Timestamp> NextDue() const;
  // The next datagram that has arrived by `now`.
  std::optional<std::vector<std::uint8_t>> Receive(Timestamp now);

  // From the next datagram on.
  void SetConfig(const LossyLinkConfig& config) { config_ = config; }
  const Counters& counters() const { return counters_; }

 private:
  struct InFlight {
    Timestamp due;
    std::uint64_t number;  // keeps the order of equal times
    std::vector<std::uint8_t> datagram;
  };
  struct Later {
    bool operator()(const InFlight& a, const InFlight& b) const {
      return a.due != b.due ? a.due > b.due : a.number > b.number;
    }
  };

  bool Chance(double share);
  bool IsLost();
  std::optional<Timestamp> LeavesBottleneck(std::size_t bytes, Timestamp now);
  void Enqueue(Bytes datagram, Timestamp due);

  LossyLinkConfig config_;
  std::mt19937_64 rng_;
  bool in_burst_ = false;
  Timestamp bottleneck_free_{};
  Timestamp last_due_{};
  std::uint64_t next_number_ = 0;
  std::priority_queue<InFlight, std::vector<InFlight>, Later> in_flight_;
  Counters counters_;
};

// Stands between UDP ports of 127.0.0.1, on a thread of its own. For ICE: give
// each side the other's candidates with the port of its path (see
// ThroughPort()), and all it sends passes here.
class LossyRelay {
 public:
  struct Path {
    std::size_t index = 0;
    std::uint16_t for_client = 0;  // the client takes this for the server
    std::uint16_t for_server = 0;  // the server takes this for the client
  };
  enum class Direction { kToServer, kToClient };
  // Sees every datagram before its fate is known, on the relay's thread, and
  // when the kernel got it.
  using Tap =
      std::function<void(std::size_t path, Direction, Bytes, WallTime sent)>;

  LossyRelay(const LossyLinkConfig& to_server, const LossyLinkConfig& to_client,
             std::uint64_t seed, Tap tap = {});
  ~LossyRelay();
  LossyRelay(const LossyRelay&) = delete;
  LossyRelay& operator=(const LossyRelay&) = delete;

  // Between these two ports. Throws std::system_error.
  Path AddPath(std::uint16_t client_port, std::uint16_t server_port);
  // Of all paths, from the next datagram on.
  void SetConfig(Direction direction, const LossyLinkConfig& config);
  // From now on nothing passes, as if the cable was pulled; and back.
  void SetCut(bool cut);
  // Of all paths together.
  LossyLink::Counters counters(Direction direction) const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// The port of a candidate line, 0 if it has none.
std::uint16_t CandidatePort(const std::string& line);
// The candidate line with 127.0.0.1 and another port.
std::string ThroughPort(const std::string& line, std::uint16_t port);

}  // namespace hg
