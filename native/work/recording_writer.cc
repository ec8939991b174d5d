#include "work/recording_writer.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/bytes.h"

namespace hg {
namespace {

// Wall-clock microseconds in front of each message.
constexpr std::size_t kMessageTime = 8;

}  // namespace

RecordingWriter::RecordingWriter(std::shared_ptr<Recording> recording,
                                 std::unique_ptr<MjrFile> file,
                                 std::string info, EventSink& events)
    : recording_(std::move(recording)),
      file_(std::move(file)),
      info_(std::move(info)),
      events_(events) {
  recording_->stats.bytes.Set(file_->size());
}

RecordingWriter::Left RecordingWriter::Serve(Timestamp now, WallTime wall_now,
                                             bool last) {
  const bool ended = recording_->ended() || last;
  try {
    const bool empty = Drain(now, wall_now);
    ReportDrops(now);
    if (!empty) return Left::kMore;
    if (!ended) {
      if (unflushed_since_ && now - *unflushed_since_ >= kFlushInterval)
        Flush();
      return Left::kNone;
    }
    if (failed_) return Left::kDone;
    file_->Finish();
    PostClosed(nullptr);
    return Left::kDone;
  } catch (const FileError& error) {
    failed_ = true;
    recording_->SetBroken();
    recording_->stats.bytes.Set(file_->size());
    PostClosed(&error);
    return ended ? Left::kDone : Left::kMore;
  }
}

bool RecordingWriter::Drain(Timestamp now, WallTime wall_now) {
  for (std::size_t i = 0; i < kItemsPerTurn; ++i) {
    const auto item = recording_->Pop();
    if (!item) return true;
    if (failed_) continue;
    Add(*item, now, wall_now);
    if (file_->buffered() >= kChunk) Flush();
  }
  return recording_->empty();
}

void RecordingWriter::Add(const Recording::Item& item, Timestamp now,
                          WallTime wall_now) {
  if (!first_) {
    const std::int64_t wall_us =
        ToMicros(wall_now.time_since_epoch() - (now - item.time));
    first_ = {item.time, wall_us, item.packet ? item.packet->info.ssrc : 0};
    std::string json = info_;
    json.insert(json.rfind('}'), ",\"u\":" + std::to_string(wall_us));
    file_->WriteInfo(json);
  }
  // What a newly linked source kept for newcomers came before what was recorded
  // last.
  const std::int64_t passed = ToMillis(item.time - first_->time);
  millis_ = std::max(
      millis_, static_cast<std::uint32_t>(std::max<std::int64_t>(passed, 0)));
  if (item.packet) {
    const Bytes bytes = item.packet->bytes();
    const MutableBytes record = file_->AddRecord(millis_, bytes.size());
    std::memcpy(record.data(), bytes.data(), bytes.size());
    StoreU16(&record[2], item.seq);
    StoreU32(&record[4], item.timestamp);
    StoreU32(&record[8], first_->ssrc);
  } else {
    const Bytes bytes = *item.message;
    const MutableBytes record =
        file_->AddRecord(millis_, kMessageTime + bytes.size());
    const std::int64_t wall_us =
        first_->wall_us + ToMicros(item.time - first_->time);
    StoreU64(record.data(), static_cast<std::uint64_t>(wall_us));
    std::ranges::copy(bytes, record.begin() + kMessageTime);
  }
  if (!unflushed_since_) unflushed_since_ = now;
  RecordingStats& stats = recording_->stats;
  stats.packets.Add();
  stats.bytes.Set(file_->size());
  stats.duration_ms.Set(millis_);
}

void RecordingWriter::Flush() {
  unflushed_since_.reset();
  file_->Flush();
}

void RecordingWriter::ReportDrops(Timestamp now) {
  const std::uint64_t dropped = recording_->stats.dropped.value();
  if (failed_ || dropped == drops_seen_ ||
      (drops_reported_ && now - *drops_reported_ < kFullInterval))
    return;
  drops_seen_ = dropped;
  drops_reported_ = now;
  events_.PostState(EventType::kRecorderFull, recording_->id, recording_->full,
                    static_cast<std::uint32_t>(dropped));
}

void RecordingWriter::PostClosed(const FileError* error) {
  Event event;
  event.type = EventType::kRecorderClosed;
  event.object = recording_->id;
  if (error != nullptr) {
    event.text = error->code();
    event.more = error->what();
  }
  events_.Post(std::move(event));
}

}  // namespace hg
