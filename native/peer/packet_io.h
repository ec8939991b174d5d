// How a peer sends and what it needs of the media thread that owns it.
// Implemented in loop/.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/events.h"
#include "base/pool.h"
#include "ice/ice_transport.h"
#include "route/replica.h"
#include "route/source_feed.h"

namespace hg {

// Datagrams of one turn to one destination. They are written one behind the
// other into a buffer that all peers of the thread share, so that a run of
// equal sizes leaves as one GSO message (UDP_SEGMENT).
class DatagramBatch {
 public:
  struct Result {
    std::uint32_t sent = 0;
    std::uint32_t dropped = 0;  // socket full, path refused
  };

  virtual ~DatagramBatch() = default;
  virtual void Begin(int fd, const SocketAddress& remote) = 0;
  // Room for one datagram of up to kMaxDatagram bytes; sends what is there
  // first if there is no room left.
  virtual MutableBytes Reserve() = 0;
  virtual void Commit(std::size_t size) = 0;
  virtual Result End() = 0;

  static constexpr std::size_t kMaxDatagram = 2304;
};

// One per peer.
class PeerHost {
 public:
  virtual ~PeerHost() = default;

  virtual Timestamp now() const = 0;  // of this turn
  virtual DatagramBatch& batch() = 0;
  // A buffer of at least DatagramBatch::kMaxDatagram bytes for RTCP and other
  // single datagrams; contents last until the next call.
  virtual MutableBytes scratch() = 0;
  // As large, and not the same: for a datagram that is being taken in.
  virtual MutableBytes incoming() = 0;
  virtual EventSink& events() = 0;
  virtual PacketPool& pool() = 0;

  // Where the sources of its incoming tracks go: from AddSource() to
  // RemoveSource() the thread's other peers, and other threads, can link them.
  virtual Source::Host& sources() = 0;
  virtual void AddSource(SourceFeed& feed) = 0;
  virtual void RemoveSource(std::uint32_t id) = 0;
  // This thread's replica of a source, wherever it lives.
  virtual Replica& Obtain(const std::shared_ptr<const SourceInfo>& info) = 0;

  // Peer::Flush() is called once at the end of this turn.
  virtual void FlushAtEndOfTurn() = 0;
  // Peer::OnTimer() is called at `due`; replaces the earlier time.
  virtual void SetTimer(Timestamp due) = 0;
  // The peer's ICE fds are these from now on.
  virtual void WatchFds(std::span<const IceFd> fds) = 0;
  // Peer::HandshakeStep() is called when the thread has time for an expensive
  // step, in this turn or a later one.
  virtual void WantHandshakeStep() = 0;
  // The peer is done: destroyed at the end of this turn.
  virtual void Remove() = 0;
};

}  // namespace hg
