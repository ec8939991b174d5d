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
    : FileTask({events, EventType::kRecorderFull, EventType::kRecorderClosed,
                recording->id}),
      recording_(std::move(recording)),
      file_(std::move(file)),
      info_(std::move(info)) {
  recording_->stats.bytes.Set(file_->size());
}

void RecordingWriter::OnFailed() {
  recording_->SetBroken();
  recording_->stats.bytes.Set(file_->size());
}

bool RecordingWriter::TakeOne(Timestamp now, WallTime wall_now) {
  const auto item = recording_->Pop();
  if (!item) return false;
  if (!failed()) Add(*item, now, wall_now);
  return true;
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
  RecordingStats& stats = recording_->stats;
  stats.packets.Add();
  stats.bytes.Set(file_->size());
  stats.duration_ms.Set(millis_);
}

}  // namespace hg
