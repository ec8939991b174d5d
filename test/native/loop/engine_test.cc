// Whole engines, with real sockets and viewers.
#include "loop/engine.h"

#include <doctest/doctest.h>
#include <sys/resource.h>

#include "native/loop/engine_rig.h"
#include "rtp/seq_num.h"

namespace hg::test {
namespace {

TEST_CASE("every viewer gets every packet over a perfect network") {
  for (const unsigned threads : {1u, 3u}) {
    CAPTURE(threads);
    EngineRig rig({.media_threads = threads});
    const auto source = rig.OpenSource();
    TestSender sender(source, {});
    for (int i = 0; i < 12; ++i)
      rig.AddViewer(source, {.rtx = i % 2 == 0, .nack = i % 3 != 0});
    REQUIRE(rig.AllConnected());

    rig.Stream(sender, 400, 2s);
    const std::uint64_t sent = sender.sent();
    CHECK(rig.RunUntil([&] {
      return std::ranges::all_of(rig.viewers(), [&](const auto& v) {
        return v->newest_id() + 1 == sent;
      });
    }));

    for (const auto& viewer : rig.viewers()) {
      CHECK(viewer->first_id() % 50 == 0);  // a keyframe
      CHECK(viewer->received() == sent - viewer->first_id());
      CHECK(viewer->breaks() == 0);
      const auto& counters = viewer->counters();
      CHECK(counters.wrong_ssrc + counters.wrong_payload_type +
                counters.malformed + counters.jumps + counters.foreign +
                counters.auth_failures ==
            0);
      CHECK(counters.duplicates == 0);
      CHECK(viewer->egress().packets.value() == viewer->received());
      CHECK(viewer->egress().retransmitted.value() == 0);
      CHECK(viewer->peer().stats->srtp_profile.value() ==
            static_cast<std::uint64_t>(SrtpProfile::kAeadAes128Gcm));
      CHECK(counters.sender_reports >= 1);
      const auto pair = viewer->peer().stats->candidates.load();
      REQUIRE(pair);
      CHECK(pair->local.find("127.0.0.1:" +
                             std::to_string(viewer->server_port())) == 0);
      CHECK(pair->remote.find("127.0.0.1:") == 0);
    }
    CHECK(source.info->stats.viewers == 12);
    CHECK(source.info->stats.packets.value() == sent);
    CHECK(rig.inbox().logs().empty());
  }
}

TEST_CASE("a kept keyframe's group starts every newcomer, on every thread") {
  EngineRig rig({.media_threads = 3});
  const auto source = rig.OpenSource(true, 10s);
  // Only one keyframe, at the start.
  TestSender sender(source, {.frames_per_keyframe = 1'000'000});
  sender.Send(20);
  for (int i = 0; i < 3; ++i) rig.AddViewer(source);

  REQUIRE(rig.AllConnected());
  sender.Send(5);

  CHECK(rig.RunUntil([&] {
    return std::ranges::all_of(
        rig.viewers(), [](const auto& v) { return v->received() == 25; });
  }));
}

TEST_CASE("both DTLS roles lead to the same") {
  EngineRig rig({});
  const auto source = rig.OpenSource(true, 10s);
  TestSender sender(source, {});
  sender.Send();
  for (const DtlsRole role : {DtlsRole::kClient, DtlsRole::kServer})
    rig.AddViewer(source, {.role = role});

  CHECK(rig.AllConnected());
  CHECK(rig.RunUntil([&] {
    return std::ranges::all_of(
        rig.viewers(), [](const auto& v) { return v->received() == 1; });
  }));
}

TEST_CASE("a viewer whose certificate is another than signalled is closed") {
  for (const DtlsRole role : {DtlsRole::kClient, DtlsRole::kServer}) {
    CAPTURE(static_cast<int>(role));
    EngineRig rig({});
    const auto source = rig.OpenSource(true, 10s);
    TestSender sender(source, {});
    sender.Send();
    Viewer& viewer =
        rig.AddViewer(source, {.role = role, .show_wrong_fingerprint = true});

    REQUIRE(rig.RunUntil([&] { return viewer.closed(); }));

    CHECK(viewer.close_reason() == PeerCloseReason::kDtlsError);
    CHECK_FALSE(viewer.close_detail().empty());
    CHECK(viewer.peer().stats->srtp_profile.value() == 0);
    CHECK(viewer.received() == 0);
    CHECK(rig.engine().peer_count() == 0);
    CHECK(source.info->stats.viewers == 0);
  }
}

TEST_CASE("a viewer that says goodbye is gone at once") {
  EngineRig rig({});
  const auto source = rig.OpenSource();
  Viewer& viewer = rig.AddViewer(source);
  REQUIRE(rig.AllConnected());

  viewer.Leave();

  REQUIRE(rig.RunUntil([&] { return viewer.closed(); }, 2s * kSlow));
  CHECK(viewer.close_reason() == PeerCloseReason::kDtlsAlert);
  CHECK(source.info->stats.viewers == 0);
}

TEST_CASE("a viewer that is closed by the application hears goodbye") {
  EngineRig rig({});
  const auto source = rig.OpenSource();
  Viewer& viewer = rig.AddViewer(source);
  REQUIRE(rig.AllConnected());

  rig.engine().ClosePeer(viewer.peer());

  REQUIRE(rig.RunUntil(
      [&] { return viewer.closed() && !viewer.client_closed().empty(); },
      2s * kSlow));
  CHECK(viewer.close_reason() == PeerCloseReason::kApi);
  CHECK(viewer.client_closed() == "DTLS: closed by the other side");
}

TEST_CASE("a viewer that disappears is noticed, given up in time, and freed") {
  EngineRig rig({.silent_timeout = 500ms, .ice_times = kQuickIce});
  const auto source = rig.OpenSource();
  TestSender sender(source, {});
  std::size_t fds = 0;
  // GLib keeps a few descriptors for good once it was used.
  for (int round = 0; round < 2; ++round) {
    CAPTURE(round);
    Viewer& viewer = rig.AddViewer(source);
    REQUIRE(rig.AllConnected());
    const Timestamp gone = MonotonicNow();

    viewer.Disappear();

    REQUIRE(rig.RunUntil(
        [&] { return viewer.ice_state() == IceState::kDisconnected; }, 5s));
    CHECK(MonotonicNow() - gone < 2s * kSlow);
    CHECK_FALSE(viewer.closed());
    const std::uint64_t before = viewer.egress().packets.value();
    sender.Send(60);
    REQUIRE(rig.RunUntil([&] { return viewer.closed(); }, 5s));
    CHECK(MonotonicNow() - gone < 3s * kSlow);
    CHECK(viewer.close_reason() == PeerCloseReason::kIceFailed);
    CHECK(viewer.egress().packets.value() == before);
    CHECK(source.info->stats.viewers == 0);
    rig.Remove(viewer);
    CHECK(rig.engine().peer_count() == 0);
    rig.RunFor(50ms);  // the event comes before the peer is freed
    if (round == 0) fds = CountFds();
  }
  CHECK(CountFds() == fds);
}

TEST_CASE("a viewer that comes back in time sees a gap and no more") {
  EngineRig rig({.silent_timeout = 20s * kSlow,
                 .ice_times = {.consent_interval = 200ms,
                               .consent_retry = 100ms,
                               // Longer than this machine may stand still.
                               .consent_quiet = 2s},
                 .to_client = LossyLinkConfig{}});
  const auto source = rig.OpenSource();
  TestSender sender(source, {});
  Viewer& viewer = rig.AddViewer(source);
  REQUIRE(rig.AllConnected());
  rig.Stream(sender, 200, 500ms);
  // What the cut takes on its way is asked for later: numbers of before it.
  REQUIRE(
      rig.RunUntil([&] { return viewer.newest_id() + 1 == sender.sent(); }));
  rig.relay()->SetCut(true);
  REQUIRE(rig.RunUntil(
      [&] { return viewer.ice_state() == IceState::kDisconnected; }));
  const std::uint64_t received = viewer.received();

  rig.relay()->SetCut(false);
  REQUIRE(
      rig.RunUntil([&] { return viewer.ice_state() == IceState::kConnected; }));
  viewer.ExpectJump();
  rig.Stream(sender, 200, 1s);

  CHECK_FALSE(viewer.closed());
  CHECK(viewer.received() > received + 100);
  CHECK(viewer.breaks() == 0);
  CHECK(viewer.counters().jumps == 0);
  CHECK(viewer.counters().auth_failures == 0);
}

// The limit of open files, lowered for a while.
class FewFds {
 public:
  explicit FewFds(std::size_t left) {
    getrlimit(RLIMIT_NOFILE, &before_);
    rlimit lower = before_;
    lower.rlim_cur = CountFds() + left;
    setrlimit(RLIMIT_NOFILE, &lower);
  }
  ~FewFds() { setrlimit(RLIMIT_NOFILE, &before_); }
  FewFds(const FewFds&) = delete;
  FewFds& operator=(const FewFds&) = delete;

 private:
  rlimit before_;
};

TEST_CASE("a process out of file descriptors refuses peers, and lives") {
  EngineRig rig({.media_threads = 3});
  const auto source = rig.OpenSource();
  int gathered = 0;
  int refused = 0;
  const auto count = [&] {
    for (const Event& event : rig.inbox().Take()) {
      gathered += event.type == EventType::kPeerGathered;
      if (event.type != EventType::kPeerClosed) continue;
      rig.engine().ForgetPeer(event.object);
      ++refused;
      CHECK(static_cast<PeerCloseReason>(event.a) ==
            PeerCloseReason::kGatheringError);
      CHECK(event.text.find("open files") != std::string::npos);
    }
    return gathered + refused == 60;
  };

  std::vector<Engine::PeerHandle> peers;
  {
    const FewFds few(100);
    for (int i = 0; i < 60; ++i) peers.push_back(rig.engine().CreatePeer(true));
    REQUIRE(rig.loop().RunUntil(count, kPatience));
  }

  CHECK(gathered >= 5);
  CHECK(refused >= 5);
  CHECK(rig.engine().peer_count() == static_cast<std::size_t>(gathered));
  // Later there is room again.
  rig.AddViewer(source);
  CHECK(rig.AllConnected());
}

TEST_CASE("a viewer nobody can reach is given up") {
  EngineRig rig({.setup_timeout = 500ms, .to_client = LossyLinkConfig{}});
  const auto source = rig.OpenSource();
  rig.relay()->SetCut(true);
  Viewer& viewer = rig.AddViewer(source);

  REQUIRE(rig.RunUntil([&] { return viewer.closed(); }));

  CHECK(viewer.close_reason() == PeerCloseReason::kIceFailed);
}

TEST_CASE("a restart of the source is invisible but for the missing keyframe") {
  EngineRig rig({.media_threads = 3});
  const auto source = rig.OpenSource();
  TestSender sender(source, {});
  for (int i = 0; i < 3; ++i) rig.AddViewer(source);
  REQUIRE(rig.AllConnected());
  rig.Stream(sender, 200, 500ms);
  std::vector<std::uint32_t> timestamps;
  for (const auto& viewer : rig.viewers())
    timestamps.push_back(viewer->last_timestamp());

  // Starts with a keyframe again, as senders do.
  sender.Restart(0x77777777, 12);
  rig.Stream(sender, 200, 500ms);
  sender.Restart(0x77777777, 40000);  // the same SSRC, a jump
  rig.Stream(sender, 200, 500ms);
  const std::uint64_t sent = sender.sent();
  CHECK(rig.RunUntil([&] {
    return std::ranges::all_of(rig.viewers(), [&](const auto& v) {
      return v->newest_id() + 1 == sent;
    });
  }));

  for (std::size_t i = 0; i < 3; ++i) {
    const Viewer& viewer = *rig.viewers()[i];
    CHECK(viewer.breaks() == 0);
    CHECK(viewer.MissingUntil(sent) == 0);
    const std::int32_t passed =
        TimestampDiff(viewer.last_timestamp(), timestamps[i]);
    CHECK(passed > 90000 * 8 / 10);
    CHECK(passed < 90000 * 13 / 10 * kSlow);
  }
  CHECK(source.info->stats.restarts.value() == 2);
}

TEST_CASE(
    "keyframe requests of 50 viewers on 3 threads reach the sender"
    " merged") {
  EngineRig rig({.media_threads = 3});
  const auto source = rig.OpenSource();
  TestSender sender(source, {.frames_per_keyframe = 1'000'000});
  sender.Send(1);
  const int count = kSlow > 1 ? 20 : 50;
  for (int i = 0; i < count; ++i) rig.AddViewer(source, {.nack = false});
  REQUIRE(rig.AllConnected());
  sender.SendReport();
  rig.RunFor(1500ms);  // what the newcomers asked for
  sender.TakeKeyframeRequests();
  const Timestamp start = MonotonicNow();

  int requests = 0;
  for (int round = 0; round < 20; ++round) {
    for (const auto& viewer : rig.viewers())
      viewer->client()->RequestKeyframe(0);
    rig.RunFor(50ms);
    requests += sender.TakeKeyframeRequests();
  }
  rig.RunFor(1200ms);
  requests += sender.TakeKeyframeRequests();
  const auto seconds = (MonotonicNow() - start) / Duration(1s);

  CHECK(requests >= 2);
  CHECK(requests <= seconds + 2);
  std::uint64_t plis = 0;
  for (const auto& viewer : rig.viewers())
    plis += viewer->egress().plis.value();
  CHECK(plis >= static_cast<std::uint64_t>(count) * 19);
  MESSAGE(plis << " PLIs of " << count << " viewers became " << requests
               << " in " << seconds << " s");
}

TEST_CASE("an engine with 100 viewers stops in less than 2 s, and frees all") {
  const int count = kSlow > 1 ? 30 : 100;
  std::size_t fds = 0;
  std::size_t threads = 0;
  // GLib keeps a few descriptors for good once it was used.
  for (const int viewers : {1, count}) {
    fds = CountFds();
    threads = CountThreads();
    EngineRig rig({.media_threads = 3});
    const auto source = rig.OpenSource();
    for (int i = 0; i < viewers; ++i) rig.AddViewer(source);
    REQUIRE(rig.AllConnected());
    const Timestamp start = MonotonicNow();

    rig.engine().Stop();

    CHECK(MonotonicNow() - start < 2s * kSlow);
    CHECK(TestSocket("127.0.0.1", source.port).ok());
    CHECK(rig.RunUntil([&] {
      return std::ranges::all_of(rig.viewers(), [](const auto& v) {
        return v->closed() && !v->client_closed().empty();
      });
    }));
    CHECK(rig.engine().peer_count() == 0);
    rig.engine().Stop();
    rig.engine().ClosePeer(rig.viewers()[0]->peer());
    rig.engine().CloseSource(source);
  }
  CHECK(CountFds() == fds);
  CHECK(CountThreads() == threads);
}

TEST_CASE("a loop that was started and never told to stop can be destroyed") {
  EventInbox inbox;
  ShardMesh mesh(1);
  MediaLoop loop(0, mesh, inbox);
  loop.Start();
}

TEST_CASE("a closed source's viewers stay, and can be linked to another") {
  EngineRig rig({.media_threads = 3});
  const auto first = rig.OpenSource();
  const auto second = rig.OpenSource();
  TestSender to_first(first, {});
  TestSender to_second(second, {.ssrc = 9, .first_seq = 3});
  for (int i = 0; i < 3; ++i) rig.AddViewer(first);
  REQUIRE(rig.AllConnected());
  rig.Stream(to_first, 200, 300ms);

  rig.engine().CloseSource(first);
  CHECK(TestSocket("127.0.0.1", first.port).ok());
  rig.RunFor(100ms);
  for (const auto& viewer : rig.viewers()) {
    viewer->ExpectJump();
    rig.engine().Link(viewer->peer(), 0, {second.info});
  }
  rig.RunFor(100ms);
  std::vector<std::uint64_t> highest;
  for (const auto& viewer : rig.viewers())
    highest.push_back(viewer->client()->highest_seq(0));
  rig.Stream(to_second, 200, 500ms);

  for (std::size_t i = 0; i < 3; ++i) {
    Viewer& viewer = *rig.viewers()[i];
    CHECK(viewer.client()->highest_seq(0) > highest[i] + 40);
    CHECK(viewer.client()->lost() == 0);
    CHECK(viewer.counters().jumps == 0);
  }
  CHECK(first.info->stats.viewers == 0);
  CHECK(second.info->stats.viewers == 3);
}

TEST_CASE("a pause sends nothing, and goes on without a gap") {
  EngineRig rig({});
  const auto source = rig.OpenSource();
  TestSender sender(source, {});
  Viewer& viewer = rig.AddViewer(source);
  REQUIRE(rig.AllConnected());
  rig.Stream(sender, 200, 500ms);

  rig.engine().SetPaused(viewer.peer(), 0, true);
  rig.Stream(sender, 200, 300ms);
  const std::uint64_t received = viewer.received();
  rig.Stream(sender, 200, 300ms);
  CHECK(viewer.received() == received);
  viewer.ExpectJump();
  rig.engine().SetPaused(viewer.peer(), 0, false);
  rig.Stream(sender, 200, 700ms);

  CHECK(viewer.received() > received + 40);
  CHECK(viewer.client()->lost() == 0);
  CHECK(viewer.breaks() == 0);
}

TEST_CASE("another negotiation changes a track's numbers, and nothing else") {
  EngineRig rig({});
  const auto source = rig.OpenSource();
  TestSender sender(source, {});
  Viewer& viewer = rig.AddViewer(source);
  REQUIRE(rig.AllConnected());
  rig.Stream(sender, 200, 300ms);
  const auto all_came = [&] {
    return rig.RunUntil(
        [&] { return viewer.newest_id() + 1 == sender.sent(); });
  };
  REQUIRE(all_came());

  EgressTrackConfig config = viewer.DescribeTrack(0);
  config.extensions = {.mid = 9, .abs_send_time = 0};
  config.rtx_ssrc = 0;
  rig.engine().SetTrack(viewer.peer(), 0, config);
  rig.Stream(sender, 200, 300ms);
  REQUIRE(all_came());
  CHECK(viewer.client()->lost() == 0);
  CHECK(viewer.breaks() == 0);

  config.payload_type++;
  rig.engine().SetTrack(viewer.peer(), 0, config);
  rig.Stream(sender, 200, 300ms);
  REQUIRE(
      rig.RunUntil([&] { return viewer.counters().wrong_payload_type >= 40; }));
  CHECK(viewer.breaks() == 0);
  CHECK(viewer.counters().auth_failures == 0);
}

TEST_CASE("a track in the place of another begins anew, without a source") {
  EngineRig rig({});
  const auto source = rig.OpenSource();
  TestSender sender(source, {});
  Viewer& viewer = rig.AddViewer(source);
  REQUIRE(rig.AllConnected());
  rig.Stream(sender, 200, 300ms);

  EgressTrackConfig config = viewer.DescribeTrack(0);
  config.ssrc += 100;
  config.rtx_ssrc = 0;
  const auto stats = rig.engine().SetTrack(viewer.peer(), 0, config);
  rig.RunFor(50ms);
  const std::uint64_t received = viewer.received();
  rig.Stream(sender, 200, 300ms);
  CHECK(viewer.received() == received);
  CHECK(stats->packets.value() == 0);
  CHECK(source.info->stats.viewers == 0);

  rig.engine().Link(viewer.peer(), 0, {source.info});
  rig.Stream(sender, 200, 500ms);
  CHECK(viewer.received() == received);
  CHECK(viewer.counters().wrong_ssrc > 20);
  CHECK(stats->packets.value() > 20);
  CHECK(source.info->stats.viewers == 1);
}

TEST_CASE("40 tracks of one peer all get their sender reports") {
  EngineRig rig({});
  const auto source = rig.OpenSource(true, 10s);
  TestSender sender(source, {});
  Viewer& viewer = rig.AddViewer(source, {.tracks = 40});
  REQUIRE(rig.AllConnected());

  rig.Stream(sender, 50, 2s);

  for (std::size_t i = 0; i < 40; ++i) {
    CAPTURE(i);
    CHECK(viewer.client()->last_sender_info(i));
  }
}

}  // namespace
}  // namespace hg::test
