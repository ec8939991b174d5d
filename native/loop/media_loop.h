// One media thread: its loop, its peers and the sources that live on it.
// A turn: commands of the application, messages of other threads, what is due,
// what arrived, at most two handshake steps, then everything that was enqueued
// leaves. Nothing here waits but for the next event.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <thread>
#include <unordered_map>

#include "base/mpsc_stack.h"
#include "loop/injected_source.h"
#include "loop/peer_slot.h"
#include "loop/replica_table.h"
#include "loop/shard_mesh.h"
#include "loop/turn.h"
#include "route/linked_sink.h"

namespace hg {

class MediaLoop final : private Timer {
 public:
  using Command = std::function<void(MediaLoop&)>;

  // As of the last second.
  struct Stats {
    Gauge peers, packets_sent, packets_received, gso;
    Gauge cpu_us, turns, pool_blocks, pool_exhausted;
    Gauge bytes_sent, bytes_received, retransmitted, not_retransmitted,
        nacks_received, keyframe_requests_received, send_dropped, srtp_failures,
        foreign_datagrams, unexpected_datagrams;
    Gauge source_packets, source_bytes, source_lost, source_invalid,
        source_dropped, kernel_drops, nacks_sent, keyframe_requests_sent;
  };

  MediaLoop(unsigned shard, ShardMesh& mesh, EventSink& events);
  ~MediaLoop();  // joins

  void Start();
  // Any thread. Runs in order of posting, on the media thread.
  void Post(Command command);
  // Posted last: the thread closes everything and ends.
  void PostStop();
  void Join();
  const Stats& stats() const { return stats_; }

  // For commands, on the media thread.
  void AddPeer(const PeerConfig& config,
               std::shared_ptr<const DtlsContext> dtls,
               std::shared_ptr<PeerStats> stats);
  Peer* FindPeer(std::uint32_t id);
  ReplicaTable& sources() { return sources_; }
  // A source that the application feeds, until RemoveSource().
  void AddInjected(const std::shared_ptr<const SourceInfo>& info,
                   std::shared_ptr<InjectionQueue> queue);
  // Takes in what was queued for it. True: there is more.
  bool ServeInjected(std::uint32_t id);
  // Of the application: a UDP port's, a peer's, or its own.
  void RemoveSource(std::uint32_t id);
  // The application's that are on this thread, by their PlacedSinks::Place.
  std::unordered_map<std::uint32_t, std::unique_ptr<LinkedSink>>& sinks() {
    return sinks_;
  }
  Timestamp now() const { return turn_.now; }

 private:
  // Handshakes are the most expensive thing a turn can do (0.1 to 0.5 ms).
  static constexpr int kHandshakeStepsPerTurn = 2;

  struct CommandNode : MpscNode {
    Command command;
  };

  void Run();
  void TakeTurn();
  void RunCommands();
  void RunHandshakeSteps();
  void FlushPeers();
  void DestroyRemovedPeers();
  void OnTimer(Timestamp now) override;
  void ReportStats();

  const unsigned shard_;
  ShardMesh& mesh_;
  MpscStack<CommandNode> commands_;
  Stats stats_;
  std::uint64_t turns_ = 0;
  Totals gone_;  // what peers counted that are gone
  bool stopping_ = false;
  bool mesh_waits_ = false;
  Turn turn_;
  ReplicaTable sources_;
  std::unordered_map<std::uint32_t, std::unique_ptr<PeerSlot>> peers_;
  std::unordered_map<std::uint32_t, std::unique_ptr<InjectedSource>> injected_;
  std::unordered_map<std::uint32_t, std::unique_ptr<LinkedSink>> sinks_;
  std::thread thread_;
};

}  // namespace hg
