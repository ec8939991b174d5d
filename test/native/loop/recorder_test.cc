// Recordings of whole engines: real sockets, threads and files.
#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <filesystem>
#include <initializer_list>
#include <string>
#include <vector>

#include "loop/engine.h"
#include "native/loop/engine_rig.h"
#include "native/work/folder.h"
#include "native/work/mjr.h"

namespace hg::test {
namespace {

RecorderOptions Options(const std::string& path, bool video = true) {
  return {.video = video,
          .info = R"({"t":"v","c":"vp8","s":1})",
          .path = path,
          .temporary_path = path + ".tmp"};
}

// The payload of rtp_stream.h tells which packet it was made for.
std::uint64_t IdOf(const MjrContent::Record& record) {
  return LoadU64(&record.bytes[12 + 7]);
}

// A file has its name when it is finished.
bool AreFinished(EngineRig& rig, const Folder& folder,
                 std::initializer_list<int> names) {
  return rig.RunUntil([&] {
    return std::ranges::all_of(names, [&](int name) {
      return std::filesystem::exists(folder / std::to_string(name));
    });
  });
}

// How many packets do not follow the one before, though none was lost.
int Breaks(const MjrContent& content) {
  int breaks = 0;
  for (std::size_t i = 1; i < content.records.size(); ++i) {
    const auto& before = content.records[i - 1];
    const auto& record = content.records[i];
    const bool follows =
        record.seq() == static_cast<std::uint16_t>(before.seq() + 1) &&
        record.timestamp() - before.timestamp() < 90000 * 5 &&
        record.millis >= before.millis && record.ssrc() == before.ssrc();
    breaks += follows ? 0 : 1;
  }
  return breaks;
}

TEST_CASE("recordings of sources on any thread hold every packet") {
  for (const unsigned threads : {1u, 3u}) {
    CAPTURE(threads);
    const Folder folder;
    EngineRig rig({.media_threads = threads});
    Recorders& recorders = rig.engine().recorders();
    std::vector<Engine::SourceHandle> sources;
    std::vector<Recorders::Handle> handles;
    std::deque<TestSender> senders;
    for (int i = 0; i < 3; ++i) {
      sources.push_back(rig.OpenSource());
      handles.push_back(recorders.Create(Options(folder / std::to_string(i))));
      recorders.Link(handles[i], sources[i].info);
    }
    // One more of the first, and it is switched later, to another thread.
    handles.push_back(recorders.Create(Options(folder / "3")));
    recorders.Link(handles[3], sources[0].info);
    for (const auto& source : sources)
      senders.emplace_back(source, TestSender::Options{});
    rig.RunUntil([&] {
      return sources[0].info->stats.viewers == 2 &&
             sources[2].info->stats.viewers == 1;
    });

    for (int i = 0; i < 1000; ++i) {
      for (TestSender& sender : senders) sender.Send();
      if (i % 20 == 0) rig.RunFor(5ms);
      if (i == 500) {
        rig.RunUntil(
            [&] { return sources[0].info->stats.packets.value() == 501; });
        recorders.Link(handles[3], sources[1].info);
        rig.RunUntil([&] { return sources[1].info->stats.viewers == 2; });
      }
    }
    rig.RunUntil([&] {
      return std::ranges::all_of(sources, [](const auto& source) {
        return source.info->stats.packets.value() == 1000;
      });
    });
    // From the thread of a source to that of its replica takes its time.
    rig.RunUntil([&] {
      for (int i = 0; i < 3; ++i) {
        const RecordingStats& stats = handles[i].recording->stats;
        if (stats.packets.value() + stats.dropped.value() < 1000) return false;
      }
      return true;
    });
    for (const auto& handle : handles) recorders.Close(handle);
    REQUIRE(AreFinished(rig, folder, {0, 1, 2, 3}));

    for (int i = 0; i < 3; ++i) {
      CAPTURE(i);
      const MjrContent content = ReadMjr(folder / std::to_string(i));
      CHECK(content.whole);
      REQUIRE(content.records.size() == 1000);
      CHECK(Breaks(content) == 0);
      for (std::size_t n = 0; n < 1000; ++n) {
        if (IdOf(content.records[n]) != n) FAIL("packet " << n << " is wrong");
      }
      CHECK(content.records[0].seq() == 65000);
      CHECK(handles[i].recording->stats.dropped.value() == 0);
    }
    const MjrContent switched = ReadMjr(folder / "3");
    CHECK(switched.whole);
    CHECK(Breaks(switched) == 0);
    CHECK(switched.records.size() > 900);
    CHECK(IdOf(switched.records.back()) == 999);
    CHECK(rig.inbox().logs().empty());
  }
}

TEST_CASE("an engine that stops finishes its recordings") {
  const Folder folder;
  EngineRig rig({.media_threads = 2});
  const auto source = rig.OpenSource();
  TestSender sender(source, {});
  Recorders& recorders = rig.engine().recorders();
  std::vector<Recorders::Handle> handles;
  for (int i = 0; i < 3; ++i)
    handles.push_back(recorders.Create(Options(folder / std::to_string(i))));
  recorders.Link(handles[0], source.info);
  const std::uint8_t message[] = {'h', 'i'};
  CHECK(recorders.Write(handles[1], message));
  rig.RunUntil([&] { return source.info->stats.viewers == 1; });
  sender.Send(100);
  rig.RunUntil([&] { return source.info->stats.packets.value() == 100; });

  rig.engine().Stop();

  CHECK(ReadMjr(folder / "0").records.size() == 100);
  CHECK(ReadMjr(folder / "1").records.size() == 1);
  CHECK(ReadMjr(folder / "2").whole);
  CHECK(rig.inbox().Take().size() >= 3);
  recorders.Close(handles[0]);
  recorders.SetPaused(handles[0], true);
  recorders.Link(handles[0], nullptr);
  CHECK_FALSE(recorders.Write(handles[1], message));
}

TEST_CASE("a recording outlives its source, and closing the two can cross") {
  const Folder folder;
  EngineRig rig({.media_threads = 3});
  Recorders& recorders = rig.engine().recorders();
  for (int i = 0; i < 20; ++i) {
    const auto source = rig.OpenSource();
    const std::string path = folder / std::to_string(i);
    auto handle = recorders.Create(Options(path));
    recorders.Link(handle, source.info);
    TestSender sender(source, {});
    sender.Send(5);
    if (i % 2 == 0) recorders.Close(handle);
    rig.engine().CloseSource(source);
    if (i % 2 == 0) {
      recorders.SetPaused(handle, true);
      continue;
    }
    const auto next = rig.OpenSource();
    recorders.Link(handle, next.info);
    TestSender next_sender(next, {});
    next_sender.Send(5);
    recorders.Close(handle);
    rig.engine().CloseSource(next);
  }
  for (int i = 0; i < 20; ++i) {
    REQUIRE(AreFinished(rig, folder, {i}));
    CHECK(ReadMjr(folder / std::to_string(i)).whole);
  }
}

TEST_CASE("a disk that is full takes no packet from viewers") {
  Folder folder;
  if (!folder.BecomeDisk("256k")) {
    MESSAGE("skipped: no file system may be mounted here");
    return;
  }
  EngineRig rig({.media_threads = 2});
  const auto source = rig.OpenSource();
  TestSender sender(source, {});
  Viewer& viewer = rig.AddViewer(source);
  REQUIRE(rig.AllConnected());
  Recorders& recorders = rig.engine().recorders();
  auto handle = recorders.Create(Options(folder / "0"));
  recorders.Link(handle, source.info);
  rig.RunUntil([&] { return source.info->stats.viewers == 2; });

  rig.Stream(sender, 500, 3s);
  REQUIRE(AreFinished(rig, folder, {0}));
  CHECK(rig.RunUntil([&] { return viewer.newest_id() + 1 == sender.sent(); }));

  CHECK(viewer.breaks() == 0);
  CHECK(handle.recording->broken());
  const MjrContent content = ReadMjr(folder / "0");
  CHECK(content.whole);
  CHECK(content.records.size() > 100);
  CHECK(content.records.size() < 600);
  recorders.Close(handle);
  rig.engine().Stop();
}

}  // namespace
}  // namespace hg::test
