// What a peer sends us over a bad network arrives whole. Figures are printed.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "native/loop/engine_rig.h"
#include "native/loop/peer_pair.h"

namespace hg::test {
namespace {

// Each way; the round trip is 50 ms.
constexpr Duration kDelay = 25ms;

struct Network {
  std::string name;
  LossyLinkConfig media;
  LossyLinkConfig feedback;
  double pace = 250;  // packets per second
};

Network RandomLoss(double share) {
  return {std::to_string(static_cast<int>(share * 100)) + " % random loss",
          {.loss = share, .delay = kDelay},
          {.loss = share, .delay = kDelay}};
}

// Of four packets on average, and of two on the way back: a burst lasts as long
// as it takes for its datagrams to come, and few go there.
Network Bursts(double share) {
  const auto link = [&](double burst_end) {
    return LossyLinkConfig{.burst_begin = burst_end * share / (1 - share),
                           .burst_end = burst_end,
                           .delay = kDelay};
  };
  return {std::to_string(static_cast<int>(share * 100)) + " % in bursts",
          link(1.0 / 4), link(1.0 / 2),
          // Enough for some bursts in a short time.
          share < 0.02 ? 1000.0 : 250.0};
}

struct Setup {
  unsigned threads = 1;
  bool knows_round_trip = true;  // ICE measures it, by its checks of consent
  bool viewer = false;           // of the source that arrives, elsewhere
  bool audio = false;
  bool rtx = true;
};

struct Outcome {
  std::uint64_t sent = 0;
  std::uint64_t arrived = 0;
  std::uint64_t holes = 0;
  std::uint64_t recovered = 0;
  std::uint64_t nacks = 0;
  std::uint64_t missing_at_viewer = 0;
  Duration longest_pause{0};

  bool complete() const { return arrived == sent && missing_at_viewer == 0; }
  double nacks_per_hole() const {
    return static_cast<double>(nacks) /
           static_cast<double>(std::max<std::uint64_t>(holes, 1));
  }
};

Outcome RunBetween(const Network& network, const Setup& setup) {
  EngineRig::Options options;
  options.media_threads = setup.threads;
  options.to_server = LossyLinkConfig{.delay = kDelay};
  options.to_client = LossyLinkConfig{.delay = kDelay};
  options.seed = 42;
  if (setup.knows_round_trip) options.ice_times.consent_interval = 200ms;
  EngineRig rig(options);
  const auto from = rig.OpenSource(!setup.audio);
  // After the first keyframe none comes by itself: behind one, nobody asks for
  // what is missing.
  TestSender sender(from, {.clock_rate = setup.audio ? 48000u : 90000u,
                           .frames_per_keyframe = 1'000'000,
                           .answers_requests = true});
  PeerPair pair(rig, from, {.audio = setup.audio, .rtx = setup.rtx});
  REQUIRE(rig.RunUntil([&] { return pair.connected(); }));
  Viewer* viewer = nullptr;
  if (setup.viewer) {
    viewer =
        &rig.AddViewer(pair.source(), {.audio = setup.audio, .relayed = false});
    REQUIRE(rig.AllConnected());
    if (setup.threads > 1) CHECK(viewer->peer().shard != pair.receiver().shard);
  }
  // Until each keyframe that was asked for on the way here, one a second, has
  // come.
  rig.Stream(sender, network.pace, 1300ms);
  const SourceStats& stats = pair.stats();
  REQUIRE(rig.RunUntil(
      [&] { return from.info->stats.packets.value() == sender.sent(); }));
  rig.RunFor(150ms);
  REQUIRE(rig.RunUntil([&] {
    return stats.packets.value() > 0 &&
           stats.packets.value() == pair.egress().packets.value();
  }));
  const std::uint64_t sent_before = sender.sent();
  const std::uint64_t arrived_before = stats.packets.value();

  rig.relay()->SetConfig(LossyRelay::Direction::kToClient, network.media);
  rig.relay()->SetConfig(LossyRelay::Direction::kToServer, network.feedback);
  rig.Stream(sender, network.pace, 3s);
  rig.relay()->SetConfig(LossyRelay::Direction::kToClient,
                         LossyLinkConfig{.delay = kDelay});
  // The last one may be missing, and nobody would know.
  rig.Stream(sender, network.pace, 100ms);
  Outcome outcome;
  outcome.sent = sender.sent() - sent_before;
  const auto missing_at_viewer = [&] {
    return viewer == nullptr ? 0 : viewer->MissingUntil(sender.sent());
  };
  rig.RunUntil(
      [&] {
        return stats.packets.value() - arrived_before == outcome.sent &&
               missing_at_viewer() == 0;
      },
      2s);
  rig.RunFor(1200ms);  // for the gauges, which are set once a second

  outcome.arrived = stats.packets.value() - arrived_before;
  outcome.holes = stats.lost.value();
  outcome.recovered = stats.recovered.value();
  outcome.nacks = stats.nacks.value();
  outcome.missing_at_viewer = missing_at_viewer();
  outcome.longest_pause = rig.longest_pause();
  CHECK_FALSE(pair.closed());
  CHECK(stats.restarts.value() == 0);
  CHECK(stats.invalid.value() == 0);
  CHECK((stats.retransmitted.value() > 0) == setup.rtx);
  if (viewer != nullptr) CHECK(viewer->breaks() == 0);
  MESSAGE(network.name
          << ", " << std::string(setup.rtx ? "RTX" : "plain") << ", round trip "
          << std::string(setup.knows_round_trip ? "" : "not ") << "known, "
          << setup.threads << " threads: of " << outcome.sent << " packets "
          << outcome.holes << " were missing, " << outcome.recovered
          << " came when asked for, " << outcome.sent - outcome.arrived
          << " never; " << outcome.nacks_per_hole() << " NACKs per hole; "
          << pair.egress().retransmitted.value() << " resent, "
          << pair.egress().not_retransmitted.value() << " refused");
  return outcome;
}

// Who stands still makes a round trip of it. A run in which that was seen is
// repeated, once.
constexpr Duration kHeldUp = 60ms * kSlow;

Outcome RunUndisturbed(const Network& network, const Setup& setup) {
  const Outcome first = RunBetween(network, setup);
  if (first.complete() || first.longest_pause < kHeldUp) return first;
  MESSAGE("once more: this machine stood still for "
          << ToMillis(first.longest_pause) << " ms");
  return RunBetween(network, setup);
}

void CheckComplete(const Outcome& outcome, double share) {
  CHECK(outcome.arrived == outcome.sent);
  CHECK(outcome.missing_at_viewer == 0);
  CHECK(static_cast<double>(outcome.holes) >
        static_cast<double>(outcome.sent) * share / 5);
  CHECK(outcome.recovered * 10 >= outcome.holes * 9);
}

TEST_CASE("10 % random loss both ways: all that a peer sends arrives") {
  for (const bool known : {true, false}) {
    CAPTURE(known);
    const Outcome outcome =
        RunUndisturbed(RandomLoss(0.1), {.knows_round_trip = known});

    CheckComplete(outcome, 0.1);
    CHECK(outcome.nacks_per_hole() <= 1.5);
  }
}

TEST_CASE("plain resends arrive, too") {
  CheckComplete(RunUndisturbed(RandomLoss(0.1), {.rtx = false}), 0.1);
}

TEST_CASE("audio arrives, too") {
  CheckComplete(RunUndisturbed(RandomLoss(0.1), {.audio = true}), 0.1);
}

TEST_CASE("10 % random loss both ways, other threads: viewers get all") {
  CheckComplete(RunUndisturbed(RandomLoss(0.1), {.threads = 3, .viewer = true}),
                0.1);
}

TEST_CASE("bursts of loss both ways: all that a peer sends arrives") {
  for (const double share : {0.01, 0.05, 0.1}) {
    CAPTURE(share);
    CheckComplete(RunUndisturbed(Bursts(share), {}), share);
  }
}

TEST_CASE("bursts of loss both ways, other threads: viewers get all") {
  CheckComplete(RunUndisturbed(Bursts(0.05), {.threads = 3, .viewer = true}),
                0.05);
}

TEST_CASE("losses beyond the threshold are told, of both ways") {
  EngineRig rig({.slow_link_threshold = 5,
                 .to_server = LossyLinkConfig{},
                 .to_client = LossyLinkConfig{}});
  const auto from = rig.OpenSource();
  TestSender sender(from, {});
  PeerPair pair(rig, from, {});
  REQUIRE(rig.RunUntil([&] { return pair.connected(); }));
  rig.Stream(sender, 250, 1500ms);
  CHECK(pair.sender_slow_links().empty());
  CHECK(pair.receiver_slow_links().empty());

  rig.relay()->SetConfig(LossyRelay::Direction::kToClient, {.loss = 0.2});
  rig.Stream(sender, 250, 3s);

  REQUIRE_FALSE(pair.sender_slow_links().empty());
  REQUIRE_FALSE(pair.receiver_slow_links().empty());
  const Event& sent = pair.sender_slow_links()[0];
  const Event& received = pair.receiver_slow_links()[0];
  CHECK(sent.a == 1);
  CHECK(received.a == 0);
  CHECK(sent.text == received.text);
  CHECK(sent.b >= 5);
  CHECK(received.b >= 5);
}

}  // namespace
}  // namespace hg::test
