// From a media thread's packets to the file, with no thread in between.
#include "work/capture_writer.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "native/route/fakes.h"
#include "native/work/folder.h"
#include "native/work/pcap.h"

namespace hg::test {
namespace {

using Left = FileTask::Left;

class ReaderStub final : public RingReader {
 public:
  void Wake() override {}
};

struct Rig {
  std::shared_ptr<CaptureQueue> AddQueue(std::size_t bytes = 1 << 16) {
    auto queue = std::make_shared<CaptureQueue>(0, bytes, budget, reader);
    capture->Add(queue);
    return queue;
  }
  void Push(CaptureQueue& queue, std::size_t size = 100) {
    queue.Push(CaptureDirection::kIn, CaptureKind::kRtp, ByteVector(size, 1),
               now);
  }
  Left Serve(bool last = false) {
    return writer.Serve(now, WallTime(now.time_since_epoch() + 1000h), last);
  }
  std::size_t Closed() const {
    std::size_t count = 0;
    for (const Event& event : events.events)
      count += event.type == EventType::kCaptureClosed ? 1 : 0;
    return count;
  }

  Folder folder;
  const std::string path = folder / "a.pcap";
  CaptureBudget budget;
  ReaderStub reader;
  EventList events;
  Timestamp now{5s};
  std::shared_ptr<Capture> capture = std::make_shared<Capture>(3u, reader);
  CaptureWriter writer{
      capture, std::make_unique<CaptureFile>(path, CaptureFormat::kPcap, ""),
      events};
};

TEST_CASE("packets are written with the time of day they came at") {
  Rig rig;
  const auto queue = rig.AddQueue();
  rig.Push(*queue);
  rig.now += 300ms;
  rig.Push(*queue);
  rig.now += 100ms;
  CHECK(rig.Serve() == Left::kNone);
  CHECK(ReadPcap(rig.path).packets.empty());  // not yet
  rig.now += FileTask::kFlushInterval;

  CHECK(rig.Serve() == Left::kNone);

  const PcapContent content = ReadPcap(rig.path);
  REQUIRE(content.packets.size() == 2);
  const std::int64_t first = ToMicros(1000h + Duration(5s));
  CHECK(content.packets[0].wall_us == first);
  CHECK(content.packets[1].wall_us == first + 300'000);
  CHECK(rig.capture->stats.packets.value() == 2);
  CHECK(rig.capture->stats.bytes.value() ==
        std::filesystem::file_size(rig.path));
}

TEST_CASE("one peer follows another, and the file ends with the last") {
  Rig rig;
  for (int i = 0; i < 3; ++i) {
    const auto queue = rig.AddQueue();
    rig.Push(*queue);
    CHECK(rig.Serve() == Left::kNone);
    rig.Push(*queue);
    queue->End();
    CHECK(rig.Serve() == Left::kNone);
    CHECK(queue.use_count() == 1);  // nothing is kept of it
  }
  const auto left = rig.AddQueue();
  rig.capture->End();
  CHECK(rig.Serve() == Left::kNone);  // the peer may still push
  rig.Push(*left);
  left->End();

  CHECK(rig.Serve() == Left::kDone);

  CHECK(rig.Closed() == 1);
  CHECK(ReadPcap(rig.path).packets.size() == 7);
}

TEST_CASE("the last turn finishes what nobody ended") {
  Rig rig;
  const auto queue = rig.AddQueue();
  rig.Push(*queue);

  CHECK(rig.Serve(true) == Left::kDone);

  CHECK(ReadPcap(rig.path).packets.size() == 1);
  CHECK(rig.Closed() == 1);
}

TEST_CASE("what found no room is told, and counted over all peers") {
  Rig rig;
  for (std::size_t peers = 1; peers <= 2; ++peers) {
    const auto queue = rig.AddQueue(1024);
    for (int i = 0; i < 20; ++i) rig.Push(*queue);
    queue->End();
    rig.now += 2s;
    rig.Serve();
    CHECK(rig.capture->stats.dropped.value() == peers * 12);
  }

  REQUIRE(rig.events.events.size() >= 1);
  CHECK(rig.events.events[0].type == EventType::kCaptureFull);
  CHECK(rig.events.events[0].object == 3);
  CHECK(rig.events.events[0].cell->value == 24);
  rig.capture->End();
  CHECK(rig.Serve() == Left::kDone);
  CHECK(ReadPcap(rig.path).packets.size() == 16);
}

TEST_CASE("a file that cannot be written ends the capture, once") {
  Rig rig;
  const auto queue = rig.AddQueue();
  rig.Push(*queue);
  rig.Serve();
  std::filesystem::remove(rig.path);
  rig.now += FileTask::kFlushInterval;

  CHECK(rig.Serve() == Left::kMore);

  REQUIRE(rig.Closed() == 1);
  CHECK(rig.events.events.back().text == "ENOENT");
  rig.Push(*queue);
  CHECK(rig.Serve() == Left::kNone);
  CHECK(rig.capture->stats.packets.value() == 1);
  rig.capture->End();
  queue->End();
  CHECK(rig.Serve() == Left::kDone);
  CHECK(rig.Closed() == 1);
}

}  // namespace
}  // namespace hg::test
