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

bool IsLateKeyframe(const PacketRef& packet) {
  return packet->info.late && packet->info.keyframe;
}

std::optional<RetransmissionStore> MakeStore(const SourceConfig& config) {
  const Duration max_age = config.tuning->max_nack_age();
  if (max_age <= Duration::zero()) return std::nullopt;
  return RetransmissionStore({.packets = kStorePackets, .max_age = max_age});
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
  while (!burst.empty()) {
    const auto late = std::ranges::find_if(burst, IsLateKeyframe);
    const auto before = static_cast<std::size_t>(late - burst.begin());
    if (before > 0) Deliver(burst.first(before), keep);
    if (late == burst.end()) return;
    DeliverLateKeyframe(*late, keep);
    burst = burst.subspan(before + 1);
  }
}

void Replica::Deliver(std::span<const PacketRef> packets, bool keep) {
  for (const PacketRef& packet : packets) Remember(packet, keep);
  const std::size_t count = sinks_.size();
  for (std::size_t i = 0; i < count; ++i) {
    if (i + 2 * kAhead < count) __builtin_prefetch(sinks_[i + 2 * kAhead]);
    if (i + kAhead < count) sinks_[i + kAhead]->Prefetch();
    sinks_[i]->OnPackets(packets);
  }
}

// Who waits for a keyframe has dropped the rest of this one.
void Replica::DeliverLateKeyframe(const PacketRef& first, bool keep) {
  const std::uint64_t seq = first->info.extended_seq;
  const bool whole = store_ && not_stored_ < seq && store_->HasAllAfter(seq);
  const bool begins_group =
      keyframe_cache_.enabled() && keyframe_cache_.packets().empty();
  if (whole &&
      (begins_group || std::ranges::any_of(sinks_, &Sink::WaitsForKeyframe))) {
    missed_.push_back(first);
    store_->ForEachAfter(
        seq, [&](const PacketRef& packet) { missed_.push_back(packet); });
  }
  Remember(first, keep);
  if (begins_group) {
    if (!whole) keyframe_cache_.Clear();
    for (const PacketRef& packet : missed_) keyframe_cache_.Add(packet);
  }

  bool waits = false;
  for (std::size_t i = 0, count = sinks_.size(); i < count; ++i) {
    if (sinks_[i]->WaitsForKeyframe()) {
      waits = true;
      sinks_[i]->OnPackets(missed_);
    } else {
      sinks_[i]->OnPackets({&first, 1});
    }
  }
  missed_.clear();
  if (waits && !whole) RequestKeyframe();
}

void Replica::Remember(const PacketRef& packet, bool keep) {
  const PacketInfo& info = packet->info;
  if (info.discontinuity) {
    keyframe_cache_.Clear();
    sender_clock_.reset();
  }
  keyframe_cache_.Add(packet);
  if (keep)
    store_->Insert(packet);
  else
    not_stored_ = std::max(not_stored_, info.extended_seq);
  // Neither a late packet nor the rest of a frame says when the frame came.
  // (Half a lap of timestamps is hours, but a source can rest for hours.)
  if (!newest_ || TimestampNewer(info.timestamp, newest_->timestamp) ||
      info.arrival - newest_->arrival > kLongRest)
    newest_ = {info.timestamp, info.arrival};
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

void Replica::OnSecond(Timestamp now) {
  const Duration max_age = info_->config.tuning->max_nack_age();
  if (max_age <= Duration::zero()) return store_.reset();
  if (!store_) store_.emplace(*MakeStore(info_->config));
  store_->SetMaxAge(max_age);
  store_->Trim(now);
}

}  // namespace hg
