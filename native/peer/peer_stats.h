// What can be known about a peer. Written by its media thread, read by any.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/counter.h"

namespace hg {

struct EgressStats {
  Counter packets, bytes;
  Gauge bytes_last_second;
  Counter retransmitted;      // for NACKs, as RTX or plain
  Counter not_retransmitted;  // too old, unknown, too soon, over the share
  Counter nacks, plis, firs;
  // Of the newest report block (RFC 3550 s6.4.1).
  Gauge remote_lost, remote_fraction_lost, remote_jitter;
  Gauge round_trip_us;  // 0: unknown
};

// What the tracks of a peer counted, replaced ones included.
struct EgressTotals {
  std::uint64_t retransmitted = 0, not_retransmitted = 0, nacks = 0,
                keyframe_requests = 0;

  void Add(const EgressStats& stats) {
    retransmitted += stats.retransmitted.value();
    not_retransmitted += stats.not_retransmitted.value();
    nacks += stats.nacks.value();
    keyframe_requests += stats.plis.value() + stats.firs.value();
  }
};

// Texts that change rarely; swapped whole. The candidates of the selected pair,
// empty if there is none, and all that the other side has.
struct CandidateTexts {
  std::string local;
  std::string remote;
  std::vector<std::string> all_remote;
};

struct PeerStats {
  Gauge ice_state, dtls_state, dtls_retransmissions;
  Gauge srtp_profile;  // 0: none yet
  Counter packets_sent, bytes_sent, packets_received, bytes_received;
  Counter foreign_datagrams;  // from addresses that ICE has not validated
  Counter srtp_failures;
  Counter unexpected;    // RTP nobody asked for, cut or unknown datagrams
  Counter send_dropped;  // socket full, path refused, no room to queue
  Gauge remb;
  Counter transport_cc_reports, transport_cc_lost;
  Gauge round_trip_us;  // the shortest known; 0: none
  // When it happened first, of MonotonicNow(); 0: not yet.
  Gauge gathered_us, ice_connected_us, dtls_started_us, dtls_connected_us;
  std::atomic<std::shared_ptr<const CandidateTexts>> candidates;
};

}  // namespace hg
