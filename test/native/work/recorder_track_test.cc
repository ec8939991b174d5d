// From a source's packets to the file, with no thread in between.
#include "work/recorder_track.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "native/route/fakes.h"
#include "native/rtp/packets.h"
#include "native/work/folder.h"
#include "native/work/mjr.h"
#include "work/recording_writer.h"

namespace hg::test {
namespace {

// VP8 (RFC 7741): a keyframe begins with it, or another frame.
const ByteVector kKeyframe = {0x10, 0, 0, 0, 0x9d, 1, 42};
const ByteVector kDelta = {0x10, 1, 0, 0, 5};

class ReaderStub final : public RingReader {
 public:
  void Wake() override { ++wakes; }
  int wakes = 0;
};

// A source, its replica, and a recording of it.
class Rig final : private Source::Host {
 public:
  explicit Rig(const SourceConfig& config = VideoConfig(),
               std::size_t ring = 64, const std::string& name = "a.mjr")
      : path(folder / name),
        info(std::make_shared<SourceInfo>(config)),
        replica(info, upstream),
        source(info, *this, events, now),
        recording(std::make_shared<Recording>(3, ring, budget, reader)),
        writer(recording, std::make_unique<MjrFile>(path, path),
               R"({"t":"v","c":"vp8","s":5})", events),
        track(std::in_place, recording) {}

  void Send(const hg::RtpFields& fields) {
    PacketDraft draft = pool.Allocate();
    const ByteVector bytes = fields.Build();
    std::ranges::copy(bytes, draft->buffer().begin());
    draft->set_size(bytes.size());
    source.OnDatagram(std::move(draft), now);
    source.FinishBurst();
  }
  RecordingWriter::Left Serve() { return writer.Serve(now, wall(), false); }
  // Ends the recording and reads the file.
  MjrContent Finish() {
    track.reset();
    while (Serve() == RecordingWriter::Left::kMore) {
    }
    return ReadMjr(path);
  }
  WallTime wall() const { return WallTime(now.time_since_epoch() + 1000h); }

  Folder folder;
  const std::string path;
  PacketPool pool{{}};
  EventList events;
  UpstreamStub upstream;
  Timestamp now{5s};
  std::shared_ptr<SourceInfo> info;
  Replica replica;
  Source source;
  RecorderBudget budget;
  ReaderStub reader;
  std::shared_ptr<Recording> recording;
  RecordingWriter writer;
  std::optional<RecorderTrack> track;

 private:
  void DeliverBurst(Source&, std::span<const PacketRef> burst) override {
    replica.OnBurst(burst);
  }
  void DeliverSenderClock(Source&, const SenderClock&) override {}
  void SendKeyframeRequest(Source&) override {}
};

hg::RtpFields Packet(std::uint16_t seq, std::uint32_t timestamp,
                     const ByteVector& payload) {
  hg::RtpFields fields;
  fields.seq = seq;
  fields.timestamp = timestamp;
  fields.payload = payload;
  return fields;
}

TEST_CASE("what is recorded is byte for byte what was sent, around each wrap") {
  for (const std::uint16_t start : kStarts) {
    CAPTURE(start);
    Rig rig;
    rig.track->Link(&rig.replica, rig.now);
    std::vector<ByteVector> sent;

    for (int i = 0; i < 200; ++i) {
      hg::RtpFields fields = Packet(
          Plus(start, i), 0xfffffff0u + static_cast<std::uint32_t>(i) * 3000,
          i % 50 == 0 ? kKeyframe : kDelta);
      fields.payload_type = 111;
      fields.marker = i % 3 == 0;
      fields.extension_profile = kOneByteExtensions;
      fields.extension = {0x40, '0', 0, 0};
      fields.padding = i % 5 == 0 ? 4 : 0;
      sent.push_back(fields.Build());
      rig.Send(fields);
      rig.now += 33ms;
      if (i % 40 == 0) rig.Serve();
    }

    const MjrContent content = rig.Finish();
    CHECK(content.whole);
    CHECK(content.info == R"({"t":"v","c":"vp8","s":5,"u":3600005000000})");
    REQUIRE(content.records.size() == sent.size());
    for (std::size_t i = 0; i < sent.size(); ++i) {
      CHECK(content.records[i].bytes == sent[i]);
      CHECK(content.records[i].millis == i * 33);
    }
  }
}

TEST_CASE("a video recording asks for a keyframe and begins with one") {
  Rig rig;
  rig.track->Link(&rig.replica, rig.now);
  CHECK(rig.upstream.requests == 1);
  for (std::uint16_t i = 0; i < 60; ++i) {
    rig.Send(Packet(i, i * 3000u, kDelta));
    rig.now += 33ms;
  }
  CHECK(rig.upstream.requests == 2);  // again after a second
  rig.Send(Packet(60, 60 * 3000, kKeyframe));
  rig.Send(Packet(61, 61 * 3000, kDelta));

  const MjrContent content = rig.Finish();

  REQUIRE(content.records.size() == 2);
  CHECK(content.records[0].seq() == 60);
  CHECK(content.records[0].millis == 0);
}

TEST_CASE("the kept group of the last keyframe is where a recording begins") {
  SourceConfig config = VideoConfig();
  config.keyframe_buffer_span = 10s;
  Rig rig(config);
  rig.Send(Packet(7, 3000, kKeyframe));
  rig.now += 40ms;
  rig.Send(Packet(8, 6000, kDelta));
  rig.now += 400ms;

  rig.track->Link(&rig.replica, rig.now);
  rig.Send(Packet(9, 9000, kDelta));

  const MjrContent content = rig.Finish();
  REQUIRE(content.records.size() == 3);
  CHECK(content.records[0].seq() == 7);
  CHECK(content.records[1].millis == 40);
  CHECK(content.records[2].millis == 440);
  CHECK(content.info.find("\"u\":3600005000000}") != std::string::npos);
}

TEST_CASE("a recording begins with a keyframe that is whole") {
  for (const bool kept : {false, true}) {
    CAPTURE(kept);
    Rig rig;
    SinkStub viewer;
    if (kept) rig.replica.AddSink(viewer);
    rig.track->Link(&rig.replica, rig.now);
    rig.Send(Packet(6, 3000, kDelta));
    rig.Send(Packet(8, 6000, kDelta));  // the rest of the keyframe
    const int asked = rig.upstream.requests;
    rig.Send(Packet(7, 6000, kKeyframe));
    CHECK(rig.upstream.requests == asked + (kept ? 0 : 1));
    rig.Send(Packet(9, 9000, kKeyframe));

    const MjrContent content = rig.Finish();
    REQUIRE(content.records.size() == (kept ? 3 : 1));
    CHECK(content.records[0].seq() == (kept ? 7 : 9));
  }
}

TEST_CASE("a stream without keyframes is recorded in the end") {
  Rig rig;
  rig.track->Link(&rig.replica, rig.now);
  for (std::uint16_t i = 0; i < 25; ++i) {
    rig.Send(Packet(i, i * 90000u, kDelta));
    rig.now += 1s;
  }
  CHECK(rig.Finish().records.size() == 5);
}

TEST_CASE("audio is recorded from the first packet") {
  Rig rig(AudioConfig());
  rig.track->Link(&rig.replica, rig.now);
  rig.Send(Packet(1, 960, {1, 2}));
  CHECK(rig.Finish().records.size() == 1);
}

TEST_CASE("a sender that starts anew goes on in the file") {
  for (const std::uint16_t start : kStarts) {
    CAPTURE(start);
    Rig rig;
    rig.track->Link(&rig.replica, rig.now);
    hg::RtpFields fields = Packet(start, 1000, kKeyframe);
    rig.Send(fields);
    rig.now += 1s;

    fields = Packet(40000, 77, kDelta);
    fields.ssrc = 0x55667788;
    rig.Send(fields);  // no picture begins here
    fields = Packet(40001, 77 + 3000, kKeyframe);
    fields.ssrc = 0x55667788;
    rig.Send(fields);
    rig.now += 33ms;
    fields = Packet(40002, 77 + 6000, kDelta);
    fields.ssrc = 0x55667788;
    rig.Send(fields);

    const MjrContent content = rig.Finish();
    REQUIRE(content.records.size() == 3);
    for (const auto& record : content.records)
      CHECK(record.ssrc() == 0x11223344);
    CHECK(content.records[1].seq() == Plus(start, 1));
    CHECK(content.records[2].seq() == Plus(start, 2));
    CHECK(content.records[1].timestamp() >= 1000 + 90000);
    CHECK(content.records[1].timestamp() <= 1000 + 90000 + 3000);
    CHECK(content.records[2].timestamp() - content.records[1].timestamp() ==
          3000);
    CHECK(content.records[1].millis == 1000);
  }
}

TEST_CASE("a recording that is linked to another source goes on") {
  Rig rig;
  SourceConfig config = VideoConfig();
  config.id = 9;
  UpstreamStub other_upstream;
  Replica other(std::make_shared<SourceInfo>(config), other_upstream);
  rig.track->Link(&rig.replica, rig.now);
  rig.Send(Packet(65535, 0xffffffff, kKeyframe));
  rig.now += 500ms;

  rig.track->Link(&other, rig.now);
  rig.Send(Packet(0, 3000, kDelta));  // of the one before
  PacketInfo info;
  info.arrival = rig.now;
  info.extended_seq = 123456;
  info.timestamp = 9;
  info.keyframe = true;
  hg::RtpFields fields = Packet(5, 9, kKeyframe);
  fields.ssrc = 99;
  const PacketRef packet = Seal(rig.pool, fields, info);
  other.OnBurst({&packet, 1});

  CHECK(other_upstream.requests == 1);
  const MjrContent content = rig.Finish();
  REQUIRE(content.records.size() == 2);
  CHECK(content.records[1].seq() == 0);
  CHECK(content.records[1].timestamp() == 0xffffffffu + 45000);
  CHECK(content.records[1].ssrc() == 0x11223344);
}

TEST_CASE("nothing is recorded in a pause, and time goes on") {
  Rig rig;
  rig.track->Link(&rig.replica, rig.now);
  rig.Send(Packet(1, 0, kKeyframe));
  rig.track->SetPaused(true, rig.now);
  rig.Send(Packet(2, 3000, kDelta));
  rig.now += 1s;
  rig.track->SetPaused(false, rig.now);
  CHECK(rig.upstream.requests == 2);
  rig.Send(Packet(3, 90000, kDelta));
  rig.Send(Packet(4, 93000, kKeyframe));

  const MjrContent content = rig.Finish();

  REQUIRE(content.records.size() == 2);
  CHECK(content.records[1].seq() == 2);
  CHECK(content.records[1].timestamp() == 93000);
}

TEST_CASE("late packets keep their number, and doubles are left out") {
  Rig rig;
  rig.track->Link(&rig.replica, rig.now);
  for (const std::uint16_t seq :
       std::initializer_list<std::uint16_t>{65534, 65535, 1, 1, 0, 2})
    rig.Send(Packet(seq, 3000, seq == 65534 ? kKeyframe : kDelta));

  const MjrContent content = rig.Finish();

  std::vector<std::uint16_t> seqs;
  for (const auto& record : content.records) seqs.push_back(record.seq());
  CHECK(seqs == std::vector<std::uint16_t>{65534, 65535, 1, 0, 2});
}

TEST_CASE("a full ring drops, counts, tells, and the numbers show it") {
  Rig rig(VideoConfig(), 16);
  rig.track->Link(&rig.replica, rig.now);
  for (std::uint16_t i = 0; i < 20; ++i) {
    rig.Send(Packet(i, i * 3000u, i == 0 ? kKeyframe : kDelta));
    rig.now += 100ms;
  }
  CHECK(rig.reader.wakes == 4);       // long before it was full
  CHECK(rig.upstream.requests == 2);  // the picture is broken
  rig.Serve();
  rig.Send(Packet(20, 60000, kDelta));
  rig.Serve();

  CHECK(rig.recording->stats.dropped.value() == 4);
  const auto told = rig.events.Of(EventType::kRecorderFull);
  REQUIRE(told.size() == 1);
  CHECK(told[0].object == 3);
  CHECK(told[0].cell->value == 4);
  CHECK(rig.recording->stats.packets.value() == 17);
  const MjrContent content = rig.Finish();
  REQUIRE(content.records.size() == 17);
  CHECK(content.records[16].seq() == 20);
  CHECK(rig.budget.packets == 0);
}

TEST_CASE("all recordings together hold a bounded part of the packets") {
  Rig rig(VideoConfig(), 64);
  rig.budget.packets = RecorderBudget::kMaxPackets - 10;
  rig.track->Link(&rig.replica, rig.now);
  for (std::uint16_t i = 0; i < 20; ++i) rig.Send(Packet(i, 0, kKeyframe));
  CHECK(rig.recording->stats.dropped.value() == 10);
}

TEST_CASE("what is recorded is on disk within a second") {
  Rig rig(AudioConfig());
  rig.track->Link(&rig.replica, rig.now);
  for (std::uint16_t i = 0; i < 100; ++i) {
    rig.Send(Packet(i, i * 960u, {1, 2, 3}));
    rig.now += 20ms;
    // As the thread does.
    if (i % 10 == 9) rig.Serve();
    CHECK(ReadMjr(rig.path).records.size() + 50 > i);
  }
}

TEST_CASE("a full disk ends the recording and holds no packet") {
  Rig rig(AudioConfig(), 64);
  rig.track->Link(&rig.replica, rig.now);
  for (std::uint16_t i = 0; i < 30; ++i)
    rig.Send(Packet(i, i * 3000u, ByteVector(100, 0)));
  {
    const FileSizeLimit limited(1000);
    rig.Serve();
    rig.now += 1s;
    CHECK(rig.Serve() == RecordingWriter::Left::kMore);
  }
  const auto told = rig.events.Of(EventType::kRecorderClosed);
  REQUIRE(told.size() == 1);
  CHECK(told[0].text == "EFBIG");
  CHECK(ReadMjr(rig.path).whole);
  CHECK(ReadMjr(rig.path).records.size() == 7);
  CHECK(rig.recording->broken());

  for (std::uint16_t i = 30; i < 60; ++i)
    rig.Send(Packet(i, i * 3000u, ByteVector(100, 0)));
  CHECK(rig.Serve() == RecordingWriter::Left::kNone);
  CHECK(rig.budget.packets == 0);
  rig.track.reset();
  CHECK(rig.Serve() == RecordingWriter::Left::kDone);
  CHECK(rig.events.Of(EventType::kRecorderClosed).size() == 1);
  CHECK(ReadMjr(rig.path).records.size() == 7);
}

TEST_CASE("the end of a recording is told once the file is whole") {
  Rig rig;
  rig.track->Link(&rig.replica, rig.now);
  rig.Send(Packet(1, 1, kKeyframe));
  rig.track.reset();
  CHECK(rig.events.Of(EventType::kRecorderClosed).empty());

  CHECK(rig.Serve() == RecordingWriter::Left::kDone);

  const auto told = rig.events.Of(EventType::kRecorderClosed);
  REQUIRE(told.size() == 1);
  CHECK(told[0].text.empty());
  CHECK(rig.recording->stats.bytes.value() == ReadFile(rig.path).size());
}

TEST_CASE("a source that closes and a recording that ends do not meet") {
  Rig rig;
  rig.track->Link(&rig.replica, rig.now);
  rig.replica.OnSourceClosed();
  rig.track->SetPaused(true, rig.now);
  rig.track->SetPaused(false, rig.now);
  rig.track->Link(nullptr, rig.now);
  CHECK(rig.Finish().records.empty());
}

TEST_CASE("messages are recorded with the time of day") {
  Rig rig;
  const auto write = [&](const ByteVector& message) {
    Recording::Item item;
    item.message = std::make_unique<ByteVector>(message);
    item.time = rig.now;
    return rig.recording->Push(std::move(item));
  };
  CHECK(write({'a', 'b'}));
  rig.now += 1500ms;
  CHECK(write({}));
  CHECK(write(ByteVector(MjrFile::kMaxRecord - 8, 'x')));
  rig.Serve();
  CHECK(rig.budget.message_bytes == 0);

  const MjrContent content = rig.Finish();

  REQUIRE(content.records.size() == 3);
  CHECK(LoadU64(content.records[0].bytes.data()) == 3600005000000);
  CHECK(Text(Bytes(content.records[0].bytes).subspan(8)) == "ab");
  CHECK(LoadU64(content.records[1].bytes.data()) == 3600006500000);
  CHECK(content.records[1].millis == 1500);
  CHECK(content.records[2].bytes.size() == MjrFile::kMaxRecord);
}

TEST_CASE("messages that wait are bounded by their size") {
  Rig rig(VideoConfig(), 512);
  int written = 0;
  for (int i = 0; i < 400; ++i) {
    Recording::Item item;
    item.message = std::make_unique<ByteVector>(60000);
    if (rig.recording->Push(std::move(item))) ++written;
  }
  CHECK(written == RecorderBudget::kMaxMessageBytes / 60000);
  CHECK(rig.recording->stats.dropped.value() ==
        static_cast<std::uint64_t>(400 - written));
}

}  // namespace
}  // namespace hg::test
