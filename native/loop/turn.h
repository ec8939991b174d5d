// What the objects of one media thread share within a turn of its loop.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "base/events.h"
#include "base/pool.h"
#include "ice/gro_reader.h"
#include "loop/poller.h"
#include "loop/send_batch.h"
#include "loop/timer_queue.h"

namespace hg {

class PeerSlot;

struct Turn {
  explicit Turn(EventSink& sink) : events(sink), batch(sink) {}

  Timestamp now = MonotonicNow();
  EventSink& events;
  Poller poller;
  TimerQueue timers;
  SendBatch batch;
  PacketPool pool{PacketPool::Limits{}};

  // To be flushed at the end of the turn; each at most once.
  std::vector<PeerSlot*> dirty;
  // Waiting for an expensive step, in order of arrival.
  std::deque<PeerSlot*> handshakes;
  // Peers that are done, by id.
  std::vector<std::uint32_t> removed;
  // Handlers removed in this turn; events for them may still be on their way.
  std::vector<std::shared_ptr<void>> graveyard;

  std::array<std::uint8_t, DatagramBatch::kMaxDatagram> scratch;
  std::array<std::uint8_t, DatagramBatch::kMaxDatagram> incoming;
  GroReader reader;  // of peers' media sockets

  Counter packets_received;
};

}  // namespace hg
