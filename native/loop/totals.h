// What the peers and sources of one media thread counted, those that are gone
// included: sums that never fall, so that rates can be made of them. Taken
// together once a second; nothing is counted twice on the way of a packet.
#pragma once

#include <cstdint>

#include "peer/peer.h"
#include "route/source_feed.h"

namespace hg {

struct Totals {
  // Of peers.
  std::uint64_t bytes_sent = 0, bytes_received = 0;
  std::uint64_t retransmitted = 0, not_retransmitted = 0;
  std::uint64_t nacks_received = 0, keyframe_requests_received = 0;
  std::uint64_t send_dropped = 0, srtp_failures = 0, foreign_datagrams = 0,
                unexpected_datagrams = 0;
  // Of sources: what comes from peers and from UDP ports.
  std::uint64_t source_packets = 0, source_bytes = 0, source_lost = 0;
  std::uint64_t source_invalid = 0, source_dropped = 0, kernel_drops = 0;
  std::uint64_t nacks_sent = 0, keyframe_requests_sent = 0;

  void Add(const Peer& peer) {
    const PeerStats& stats = peer.stats();
    bytes_sent += stats.bytes_sent.value();
    bytes_received += stats.bytes_received.value();
    send_dropped += stats.send_dropped.value();
    srtp_failures += stats.srtp_failures.value();
    foreign_datagrams += stats.foreign_datagrams.value();
    unexpected_datagrams += stats.unexpected.value();
    const EgressTotals tracks = peer.egress_totals();
    retransmitted += tracks.retransmitted;
    not_retransmitted += tracks.not_retransmitted;
    nacks_received += tracks.nacks;
    keyframe_requests_received += tracks.keyframe_requests;
  }

  void Add(SourceFeed& feed) { Add(feed, 1); }
  void Subtract(SourceFeed& feed) { Add(feed, ~std::uint64_t{0}); }

 private:
  // Modulo 2^64, where -1 times is to subtract.
  void Add(SourceFeed& feed, std::uint64_t times) {
    const SourceStats& stats = feed.source().info().stats;
    source_packets += times * stats.packets.value();
    source_bytes += times * stats.bytes.value();
    source_lost += times * stats.lost.value();
    source_invalid += times * stats.invalid.value();
    source_dropped += times * stats.dropped.value();
    kernel_drops += times * feed.KernelDrops();
    nacks_sent += times * stats.nacks.value();
    keyframe_requests_sent += times * stats.keyframe_requests.value();
  }
};

}  // namespace hg
