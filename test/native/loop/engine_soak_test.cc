// Many viewers that come and go.
#include <doctest/doctest.h>

#include <cstdlib>

#include "native/loop/engine_rig.h"

namespace hg::test {
namespace {

// HG_SOAK=1: the full number.
int Cycles() {
  if (std::getenv("HG_SOAK") != nullptr) return 2000;
  return 500 / kSlow;
}

// Viewers that connect, receive something, and go in one way or another.
void RunCycles(EngineRig& rig, const Engine::SourceHandle& source,
               TestSender& sender, int cycles) {
  constexpr int kTogether = 10;
  for (int done = 0; done < cycles; done += kTogether) {
    std::vector<Viewer*> viewers;
    for (int i = 0; i < kTogether; ++i)
      viewers.push_back(&rig.AddViewer(source, {.rtx = i % 2 == 0}));
    REQUIRE(rig.AllConnected());
    sender.Send(2);
    REQUIRE(rig.RunUntil([&] {
      return std::ranges::all_of(viewers,
                                 [](Viewer* v) { return v->received() > 0; });
    }));
    for (int i = 0; i < kTogether; ++i) {
      Viewer& viewer = *viewers[static_cast<std::size_t>(i)];
      if (i % 3 == 0) {
        viewer.Leave();
      } else {
        rig.engine().ClosePeer(viewer.peer());
      }
    }
    REQUIRE(rig.RunUntil([&] {
      return std::ranges::all_of(viewers,
                                 [](Viewer* v) { return v->closed(); });
    }));
    for (Viewer* viewer : viewers) rig.Remove(*viewer);
  }
}

TEST_CASE("viewers come and go and leave nothing behind") {
  EngineRig rig({.media_threads = 3});
  const auto source = rig.OpenSource(true, 10s);
  TestSender sender(source, {.frames_per_keyframe = 10});
  sender.Send(3);
  RunCycles(rig, source, sender, 100);
  rig.RunFor(50ms);
  const std::size_t fds = CountFds();
  const std::size_t threads = CountThreads();
  const std::size_t memory = ResidentBytes();
  const Timestamp start = MonotonicNow();

  RunCycles(rig, source, sender, Cycles());

  rig.RunFor(50ms);
  CHECK(CountFds() == fds);
  CHECK(CountThreads() == threads);
  CHECK(rig.engine().peer_count() == 0);
  CHECK(source.info->stats.viewers == 0);
  MESSAGE(Cycles() << " viewers in " << ToMillis(MonotonicNow() - start)
                   << " ms, "
                   << (static_cast<std::int64_t>(ResidentBytes()) -
                       static_cast<std::int64_t>(memory)) /
                          1024
                   << " KB more than before");
  // A leak of 10 KB per viewer would be 5 MB.
  if (kSlow == 1) CHECK(ResidentBytes() < memory + 5'000'000);
}

TEST_CASE("sources come and go while viewers are linked to them") {
  EngineRig rig({.media_threads = 3});
  Viewer* viewers[3];
  auto first = rig.OpenSource();
  for (Viewer*& viewer : viewers) viewer = &rig.AddViewer(first);
  REQUIRE(rig.AllConnected());
  rig.engine().CloseSource(first);
  rig.RunFor(20ms);
  const std::size_t fds = CountFds();

  // Links race with the commands that make and close the source on another
  // thread.
  int received_all = 0;
  const int rounds = 60 / kSlow;
  for (int round = 0; round < rounds; ++round) {
    const auto source = rig.OpenSource();
    std::uint64_t before[3];
    for (int i = 0; i < 3; ++i) {
      before[i] = viewers[i]->client()->highest_seq(0);
      rig.engine().Link(viewers[i]->peer(), 0, {source.info});
    }
    TestSender sender(source, {.ssrc = static_cast<std::uint32_t>(round + 1),
                               .frames_per_keyframe = 1});
    const bool all = rig.RunUntil(
        [&] {
          sender.Send();
          return std::ranges::all_of(std::span(viewers), [&](Viewer*& v) {
            return v->client()->highest_seq(0) > before[&v - viewers];
          });
        },
        5s * kSlow);
    received_all += all;
    for (Viewer* viewer : viewers) viewer->ExpectJump();
    rig.engine().CloseSource(source);
  }

  CHECK(received_all == rounds);
  CHECK(rig.engine().source_count() == 0);
  rig.RunFor(50ms);
  CHECK(CountFds() == fds);
}

}  // namespace
}  // namespace hg::test
