// The sources as one media thread sees them: their replicas here, and, for
// those that live here, which other threads have a replica. Carries bursts,
// clocks and requests between the two ends, over the mesh or directly.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "loop/shard_mesh.h"
#include "loop/totals.h"
#include "loop/turn.h"
#include "loop/udp_source.h"
#include "route/replica.h"

namespace hg {

class ReplicaTable final : public UdpSource::Host, private Replica::Upstream {
 public:
  ReplicaTable(unsigned shard, ShardMesh& mesh, Turn& turn);
  ~ReplicaTable();

  // The source lives here from now on.
  void AddSource(const std::shared_ptr<const SourceInfo>& info, UdpSocket rtp,
                 std::optional<UdpSocket> rtcp);
  // As above, fed by somebody else, who removes it before it is gone.
  void AddSource(SourceFeed& feed);
  void RemoveSource(std::uint32_t id);
  // The end: sources close their ports, and nobody is told.
  void Clear();
  SourceFeed* FindSource(std::uint32_t id);  // null: not here

  // This thread's replica; made, and asked for at the source's home, if it is
  // the first use here.
  Replica& Obtain(const std::shared_ptr<const SourceInfo>& info);

  // Takes in what other threads sent. Once a turn, after the commands.
  void ReadMesh();
  // ReadMesh() has more to do, when the commands have been looked at again.
  bool waits() const { return !undecided_.empty(); }
  void OnSecond(Timestamp now);
  // What the sources that live or lived here counted.
  Totals totals() const;

 private:
  struct HomeSource {
    SourceFeed* feed = nullptr;
    std::unique_ptr<UdpSource> own;  // the feed, if it is ours
    // By shard: does it have a replica, and what it said last.
    std::vector<bool> subscribed;
    std::vector<std::uint64_t> remb;
    std::optional<SenderClock> clock;  // for replicas to come
  };
  // A thread that asked for a source which is not here.
  struct Subscription {
    unsigned from;
    std::uint32_t source;
  };

  // UdpSource::Host
  void DeliverBurst(Source& source, std::span<const PacketRef> burst) override;
  void DeliverSenderClock(Source& source, const SenderClock& clock) override;
  void SendKeyframeRequest(Source& source) override;
  std::uint64_t LowestRemb(const SourceInfo& source) override;
  // Replica::Upstream
  void WantKeyframe(const SourceInfo& source) override;

  void PostPackets(unsigned to, std::uint32_t id,
                   std::span<const PacketRef> packets);
  void PostClock(unsigned to, std::uint32_t id, const SenderClock& clock);
  void PostClosed(unsigned to, std::uint32_t id);
  bool Subscribe(unsigned from, std::uint32_t id);
  void DecideSubscriptions();
  void OnMessage(unsigned from, ShardMessage message);
  void FlushArriving();
  void CloseReplica(std::uint32_t id);
  template <typename F>
  void ForEachSubscriber(const HomeSource& home, F&& f);

  const unsigned shard_;
  ShardMesh& mesh_;
  Turn& turn_;
  std::unordered_map<std::uint32_t, HomeSource> sources_;
  Totals gone_;  // what sources counted that were removed
  std::unordered_map<std::uint32_t, std::unique_ptr<Replica>> replicas_;
  // It closed, or the command that makes it has not been seen yet: decided in
  // the next turn, after the commands.
  std::vector<Subscription> undecided_;
  // Packets of one source that arrived in a row.
  std::uint32_t arriving_source_ = 0;
  std::vector<PacketRef> arriving_;
};

}  // namespace hg
