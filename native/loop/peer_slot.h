// A peer's place in its media thread: its timer, its fds, and the way its
// datagrams take in: DTLS and media are read here, the rest is left for ICE.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "loop/replica_table.h"
#include "loop/turn.h"
#include "peer/peer.h"

namespace hg {

class PeerSlot final : public PeerHost, private Timer {
 public:
  PeerSlot(const PeerConfig& config, std::shared_ptr<const DtlsContext> dtls,
           std::shared_ptr<PeerStats> stats, ReplicaTable& sources, Turn& turn);
  ~PeerSlot() override;

  Peer& peer() { return peer_; }
  bool removed() const { return removed_; }
  void Flush();          // by the loop, for Turn::dirty
  void HandshakeStep();  // by the loop, for Turn::handshakes

  // PeerHost
  Timestamp now() const override { return turn_.now; }
  DatagramBatch& batch() override { return turn_.batch; }
  MutableBytes scratch() override { return turn_.scratch; }
  MutableBytes incoming() override { return turn_.incoming; }
  EventSink& events() override { return turn_.events; }
  PacketPool& pool() override { return turn_.pool; }
  Source::Host& sources() override { return sources_; }
  void AddSource(SourceFeed& feed) override { sources_.AddSource(feed); }
  void RemoveSource(std::uint32_t id) override { sources_.RemoveSource(id); }
  Replica& Obtain(const std::shared_ptr<const SourceInfo>& info) override {
    return sources_.Obtain(info);
  }
  void FlushAtEndOfTurn() override;
  void SetTimer(Timestamp due) override;
  void WatchFds(std::span<const IceFd> fds) override;
  void WantHandshakeStep() override;
  void Remove() override;

 private:
  class Watch;

  void OnTimer(Timestamp now) override;
  void OnReadable(const IceFd& fd);

  ReplicaTable& sources_;
  Turn& turn_;
  std::vector<std::shared_ptr<Watch>> watches_;
  bool dirty_ = false;
  bool wants_step_ = false;
  bool removed_ = false;
  Peer peer_;  // last: its constructor uses the rest
};

}  // namespace hg
