#include "route/replica.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "rtp/seq_num.h"

namespace hg {
namespace {

// At most this many packets of a source are kept to be resent: 1 s of
// 20 Mbit/s, 4 MB.
constexpr std::size_t kStorePackets = 2048;

// Sinks are fetched into the cache this many before their turn.
constexpr std::size_t kAhead = 8;

// What comes after a rest of this length is no late packet.
constexpr Duration kLongRest = 10s;

std::optional<RetransmissionStore> MakeStore(const SourceConfig& config) {
  if (config.max_nack_age <= Duration::zero()) return std::nullopt;
  return RetransmissionStore(
      {.packets = kStorePackets, .max_age = config.max_nack_age});
}

}  // namespace

Replica::Replica(std::shared_ptr<const SourceInfo> info, Upstream& upstream)
    : info_(std::move(info)),
      upstream_(upstream),
      store_(MakeStore(info_->config)),
      keyframe_cache_({.span = info_->config.keyframe_buffer_span,
                       .bytes = info_->config.keyframe_buffer_bytes}) {}

Replica::~Replica() {
  info_->stats.viewers.fetch_sub(static_cast<std::int64_t>(sinks_.size()),
                                 std::memory_order_relaxed);
}

void Replica::OnBurst(std::span<const PacketRef> burst) {
  // What nobody will ask for again need not be kept: its memory goes back to
  // the pool at once, and is still in the processor's cache at its next use.
  // A newcomer may ask for parts of the kept group.
  const bool keep = store_ && (keyframe_cache_.enabled() ||
                               std::ranges::any_of(sinks_, &Sink::MayResend));
  for (const PacketRef& packet : burst) {
    if (packet->info.discontinuity) {
      keyframe_cache_.Clear();
      sender_clock_.reset();
    }
    keyframe_cache_.Add(packet);
    if (keep) store_->Insert(packet);
    // Neither a late packet nor the rest of a frame says when the frame came.
    // (Half a lap of timestamps is hours, but a source can rest for hours.)
    if (!newest_ ||
        TimestampNewer(packet->info.timestamp, newest_->timestamp) ||
        packet->info.arrival - newest_->arrival > kLongRest)
      newest_ = {packet->info.timestamp, packet->info.arrival};
  }
  const std::size_t count = sinks_.size();
  for (std::size_t i = 0; i < count; ++i) {
    if (i + 2 * kAhead < count) __builtin_prefetch(sinks_[i + 2 * kAhead]);
    if (i + kAhead < count) sinks_[i + kAhead]->Prefetch();
    sinks_[i]->OnPackets(burst);
  }
}

void Replica::OnSourceClosed() {
  info_->stats.viewers.fetch_sub(static_cast<std::int64_t>(sinks_.size()),
                                 std::memory_order_relaxed);
  for (Sink* sink : std::exchange(sinks_, {})) sink->OnSourceClosed();
}

void Replica::AddSink(Sink& sink) {
  HG_CHECK(std::ranges::find(sinks_, &sink) == sinks_.end());
  sinks_.push_back(&sink);
  info_->stats.viewers.fetch_add(1, std::memory_order_relaxed);
  const auto group = keyframe_cache_.packets();
  if (group.empty()) {
    RequestKeyframe();
  } else {
    sink.OnPackets(group);
  }
}

void Replica::RemoveSink(Sink& sink) {
  if (std::erase(sinks_, &sink) == 0) return;
  info_->stats.viewers.fetch_sub(1, std::memory_order_relaxed);
}

const PacketBuffer* Replica::Find(std::uint32_t source_seq,
                                  Timestamp now) const {
  return store_ ? store_->Find(source_seq, now) : nullptr;
}

std::uint64_t Replica::LowestRemb() const {
  std::uint64_t lowest = 0;
  for (const Sink* sink : sinks_) {
    const std::uint64_t remb = sink->remb();
    if (remb != 0 && (lowest == 0 || remb < lowest)) lowest = remb;
  }
  return lowest;
}

void Replica::Trim(Timestamp now) {
  if (store_) store_->Trim(now);
}

}  // namespace hg
