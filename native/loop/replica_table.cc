#include "loop/replica_table.h"

#include <algorithm>
#include <utility>

namespace hg {

using Kind = ShardMessage::Kind;

ReplicaTable::ReplicaTable(unsigned shard, ShardMesh& mesh, Turn& turn)
    : shard_(shard), mesh_(mesh), turn_(turn) {
  arriving_.reserve(UdpSource::kBurst);
}

ReplicaTable::~ReplicaTable() = default;

void ReplicaTable::AddSource(const std::shared_ptr<const SourceInfo>& info,
                             UdpSocket rtp, std::optional<UdpSocket> rtcp) {
  UdpSource::Host& host = *this;
  auto own = std::make_unique<UdpSource>(info, std::move(rtp), std::move(rtcp),
                                         host, turn_);
  AddSource(*own);
  sources_.at(info->config.id).own = std::move(own);
}

void ReplicaTable::AddSource(SourceFeed& feed) {
  const std::shared_ptr<const SourceInfo>& info = feed.source().shared_info();
  HomeSource& home = sources_[info->config.id];
  home.subscribed.resize(mesh_.shards());
  home.remb.resize(mesh_.shards());
  home.feed = &feed;
  // A source that was here before, for the same track, goes on counting.
  gone_.Subtract(feed);
  // The keyframe buffer is for the first viewer, too.
  if (info->config.keyframe_buffer_span > Duration::zero() ||
      info->config.keyframe_buffer_bytes > 0)
    Obtain(info);
}

void ReplicaTable::RemoveSource(std::uint32_t id) {
  const auto home = sources_.find(id);
  if (home == sources_.end()) return;
  ForEachSubscriber(home->second, [&](unsigned to) { PostClosed(to, id); });
  gone_.Add(*home->second.feed);
  sources_.erase(home);
  CloseReplica(id);
}

void ReplicaTable::Clear() {
  sources_.clear();
  replicas_.clear();
}

SourceFeed* ReplicaTable::FindSource(std::uint32_t id) {
  const auto found = sources_.find(id);
  return found == sources_.end() ? nullptr : found->second.feed;
}

Replica& ReplicaTable::Obtain(const std::shared_ptr<const SourceInfo>& info) {
  auto& replica = replicas_[info->config.id];
  if (replica) return *replica;
  Replica::Upstream& upstream = *this;
  replica = std::make_unique<Replica>(info, upstream);
  if (info->home_shard != shard_) {
    ShardMessage message;
    message.kind = Kind::kSubscribe;
    message.source = info->config.id;
    mesh_.Post(shard_, info->home_shard, std::move(message));
    return *replica;
  }
  const auto home = sources_.find(info->config.id);
  if (home == sources_.end()) {
    undecided_.push_back({shard_, info->config.id});
  } else if (home->second.clock) {
    replica->OnSenderClock(*home->second.clock);
  }
  return *replica;
}

// ---- from a source that lives here
// -------------------------------------------

template <typename F>
void ReplicaTable::ForEachSubscriber(const HomeSource& home, F&& f) {
  for (unsigned to = 0; to < mesh_.shards(); ++to) {
    if (home.subscribed[to]) f(to);
  }
}

void ReplicaTable::DeliverBurst(Source& source,
                                std::span<const PacketRef> burst) {
  const std::uint32_t id = source.info().config.id;
  const auto home = sources_.find(id);
  if (home == sources_.end()) return;  // closed, and its peer sends on
  for (const PacketRef& packet : burst) {
    if (packet->info.discontinuity) home->second.clock.reset();
  }
  ForEachSubscriber(home->second,
                    [&](unsigned to) { PostPackets(to, id, burst); });
  const auto replica = replicas_.find(id);
  if (replica != replicas_.end()) replica->second->OnBurst(burst);
}

void ReplicaTable::PostPackets(unsigned to, std::uint32_t id,
                               std::span<const PacketRef> packets) {
  for (const PacketRef& packet : packets) {
    ShardMessage message;
    message.kind = Kind::kPacket;
    message.source = id;
    message.packet = packet;
    mesh_.Post(shard_, to, std::move(message));
  }
}

void ReplicaTable::DeliverSenderClock(Source& source,
                                      const SenderClock& clock) {
  const std::uint32_t id = source.info().config.id;
  const auto home = sources_.find(id);
  if (home == sources_.end()) return;
  home->second.clock = clock;
  ForEachSubscriber(home->second,
                    [&](unsigned to) { PostClock(to, id, clock); });
  const auto replica = replicas_.find(id);
  if (replica != replicas_.end()) replica->second->OnSenderClock(clock);
}

void ReplicaTable::PostClock(unsigned to, std::uint32_t id,
                             const SenderClock& clock) {
  ShardMessage message;
  message.kind = Kind::kSenderClock;
  message.source = id;
  message.a = clock.ntp;
  message.b = clock.arrival;
  message.c = clock.rtp_timestamp;
  mesh_.Post(shard_, to, std::move(message));
}

void ReplicaTable::PostClosed(unsigned to, std::uint32_t id) {
  ShardMessage message;
  message.kind = Kind::kSourceClosed;
  message.source = id;
  mesh_.Post(shard_, to, std::move(message));
}

void ReplicaTable::SendKeyframeRequest(Source& source) {
  if (SourceFeed* home = FindSource(source.info().config.id))
    home->SendKeyframeRequest();
}

std::uint64_t ReplicaTable::LowestRemb(const SourceInfo& source) {
  const std::uint32_t id = source.config.id;
  std::uint64_t lowest = 0;
  const auto consider = [&](std::uint64_t remb) {
    if (remb != 0 && (lowest == 0 || remb < lowest)) lowest = remb;
  };
  if (const auto here = replicas_.find(id); here != replicas_.end())
    consider(here->second->LowestRemb());
  for (const std::uint64_t remb : sources_.at(id).remb) consider(remb);
  return lowest;
}

// ---- from a replica that lives here
// -------------------------------------------

void ReplicaTable::WantKeyframe(const SourceInfo& source) {
  if (source.home_shard == shard_) {
    if (SourceFeed* home = FindSource(source.config.id))
      home->RequestKeyframe(turn_.now);
    return;
  }
  ShardMessage message;
  message.kind = Kind::kKeyframeWanted;
  message.source = source.config.id;
  mesh_.Post(shard_, source.home_shard, std::move(message));
}

void ReplicaTable::CloseReplica(std::uint32_t id) {
  const auto found = replicas_.find(id);
  if (found == replicas_.end()) return;
  found->second->OnSourceClosed();
  replicas_.erase(found);
}

// ---- the mesh
// ----------------------------------------------------------------

// False if the source is not here.
bool ReplicaTable::Subscribe(unsigned from, std::uint32_t id) {
  const auto home = sources_.find(id);
  if (home == sources_.end()) return false;
  home->second.subscribed[from] = true;
  const auto replica = replicas_.find(id);
  if (replica != replicas_.end())
    PostPackets(from, id, replica->second->keyframe_group());
  if (home->second.clock) PostClock(from, id, *home->second.clock);
  return true;
}

// A command that was posted before another thread subscribed is run by now.
void ReplicaTable::DecideSubscriptions() {
  for (const auto& [from, id] : std::exchange(undecided_, {})) {
    if (from == shard_) {
      if (!sources_.contains(id)) CloseReplica(id);
    } else if (!Subscribe(from, id)) {
      PostClosed(from, id);
    } else {
      // That of the new viewer came with the subscription, too early.
      sources_.at(id).feed->RequestKeyframe(turn_.now);
    }
  }
}

void ReplicaTable::ReadMesh() {
  DecideSubscriptions();
  for (unsigned from = 0; from < mesh_.shards(); ++from) {
    if (from == shard_) continue;
    while (auto message = mesh_.Take(from, shard_))
      OnMessage(from, std::move(*message));
    FlushArriving();
  }
}

void ReplicaTable::OnMessage(unsigned from, ShardMessage message) {
  if (message.kind == Kind::kPacket) {
    if (message.source != arriving_source_ ||
        arriving_.size() == UdpSource::kBurst)
      FlushArriving();
    arriving_source_ = message.source;
    arriving_.push_back(std::move(message.packet));
    return;
  }
  FlushArriving();
  const auto home = sources_.find(message.source);
  const auto replica = replicas_.find(message.source);
  switch (message.kind) {
    case Kind::kNone:
    case Kind::kPacket:
      break;
    case Kind::kSenderClock:
      if (replica != replicas_.end())
        replica->second->OnSenderClock({message.a, message.b, message.c});
      break;
    case Kind::kSourceClosed:
      CloseReplica(message.source);
      break;
    case Kind::kSubscribe:
      if (!Subscribe(from, message.source))
        undecided_.push_back({from, message.source});
      break;
    case Kind::kUnsubscribe:
      if (home != sources_.end()) {
        home->second.subscribed[from] = false;
        home->second.remb[from] = 0;
      }
      break;
    case Kind::kKeyframeWanted:
      if (home != sources_.end()) home->second.feed->RequestKeyframe(turn_.now);
      break;
    case Kind::kRemb:
      if (home != sources_.end()) home->second.remb[from] = message.a;
      break;
  }
}

void ReplicaTable::FlushArriving() {
  if (arriving_.empty()) return;
  const auto replica = replicas_.find(arriving_source_);
  if (replica != replicas_.end()) replica->second->OnBurst(arriving_);
  arriving_.clear();
}

void ReplicaTable::OnSecond(Timestamp now) {
  std::erase_if(replicas_, [&](auto& entry) {
    Replica& replica = *entry.second;
    replica.OnSecond(now);
    const SourceInfo& info = replica.info();
    if (info.home_shard == shard_)
      return replica.empty() && FindSource(info.config.id) == nullptr;
    ShardMessage message;
    message.source = info.config.id;
    // A replica nobody uses any more is given up, so that a source with
    // viewers elsewhere costs this thread nothing.
    const bool unused = replica.empty();
    message.kind = unused ? Kind::kUnsubscribe : Kind::kRemb;
    message.a = replica.LowestRemb();
    mesh_.Post(shard_, info.home_shard, std::move(message));
    return unused;
  });
}

Totals ReplicaTable::totals() const {
  Totals sum = gone_;
  for (const auto& [id, home] : sources_) sum.Add(*home.feed);
  return sum;
}

}  // namespace hg
