#include "work/file_thread.h"

#include <doctest/doctest.h>

#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "native/rtp/packets.h"
#include "native/work/folder.h"
#include "native/work/mjr.h"
#include "work/mjr_file.h"
#include "work/recording_writer.h"

namespace hg::test {
namespace {

class Inbox final : public EventSink {
 public:
  void Post(Event event) override {
    const std::lock_guard lock(mutex_);
    events_.push_back(std::move(event));
  }
  void Log(LogLevel, std::string_view, std::string_view) override {}
  std::size_t Count(EventType type) const {
    const std::lock_guard lock(mutex_);
    std::size_t count = 0;
    for (const Event& event : events_) count += event.type == type ? 1 : 0;
    return count;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<Event> events_;
};

struct Rig {
  std::shared_ptr<Recording> Start(std::uint32_t id, const std::string& path) {
    auto recording =
        std::make_shared<Recording>(id, Recording::kVideoRing, budget, thread);
    thread.Add(std::make_unique<RecordingWriter>(
        recording, std::make_unique<MjrFile>(path, path + ".tmp"),
        R"({"t":"v","s":1})", inbox));
    return recording;
  }

  Inbox inbox;
  RecorderBudget budget;
  FileThread thread{"hg-test"};
};

TEST_CASE("several threads record at once, and every file is whole") {
  constexpr int kTracks = 4;
  constexpr std::uint16_t kPackets = 20000;
  const Folder folder;
  Rig rig;
  std::vector<std::thread> sources;
  for (std::uint32_t n = 0; n < kTracks; ++n) {
    auto recording = rig.Start(n, folder / std::to_string(n));
    sources.emplace_back([recording] {
      PacketPool pool{{}};
      for (std::uint16_t i = 0; i < kPackets; ++i) {
        hg::RtpFields fields;
        fields.seq = i;
        Recording::Item item;
        item.packet = Seal(pool, fields);
        item.time = Timestamp(1ms * i);
        item.seq = i;
        // What a media thread would drop is pushed until there is room.
        PacketRef again = item.packet;
        while (!recording->Push(std::move(item))) {
          std::this_thread::yield();
          item = {};
          item.packet = again;
          item.time = Timestamp(1ms * i);
          item.seq = i;
        }
      }
      recording->End();
    });
  }
  for (std::thread& source : sources) source.join();
  rig.thread.Stop();

  CHECK(rig.inbox.Count(EventType::kRecorderClosed) == kTracks);
  CHECK(rig.budget.packets == 0);
  for (int n = 0; n < kTracks; ++n) {
    const MjrContent content = ReadMjr(folder / std::to_string(n));
    CHECK(content.whole);
    REQUIRE(content.records.size() == kPackets);
    for (std::uint16_t i = 0; i < kPackets; ++i) {
      if (content.records[i].seq() != i || content.records[i].millis != i)
        FAIL("packet " << i << " is not where it belongs");
    }
  }
}

TEST_CASE("stopping finishes recordings that nobody ended") {
  const Folder folder;
  Rig rig;
  const auto recording = rig.Start(1, folder / "a");
  PacketPool pool{{}};
  Recording::Item item;
  item.packet = Seal(pool, {});
  recording->Push(std::move(item));

  rig.thread.Stop();

  CHECK(ReadMjr(folder / "a").records.size() == 1);
  CHECK(rig.inbox.Count(EventType::kRecorderClosed) == 1);
}

TEST_CASE("a file thread with nothing to do stops") {
  FileThread thread("hg-test");
  thread.Stop();
  thread.Stop();
}

}  // namespace
}  // namespace hg::test
