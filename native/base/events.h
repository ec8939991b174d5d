// What the media threads tell the application. Posting never waits and may
// come from any thread; the receiver reads events in batches.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"

namespace hg {

enum class EventType : std::uint8_t {
  kLog,
  kPeerGathered,
  kPeerIce,
  kPeerConnected,
  kPeerClosed,
  kPeerSlowLink,
  kPeerLayers,
  kSourceReceiving,
  kSourceOversize,
  kSourceTalking,
  kRecorderFull,
  kRecorderClosed,
  kCaptureFull,
  kCaptureClosed,
  kTapsReady,       // packets wait in taps
  kInjectorLow,     // a batch fits again
  kKeyframeWanted,  // of a source that the application feeds
  kChannelOpen,
  kChannelMessage,
  kChannelLow,
  kChannelClosed,
};

// The newest state of one object. However often it changes before it is read,
// it has at most one event in the queue, so the queue is bounded by the number
// of objects and not by what peers do.
struct StateCell {
  std::atomic<std::uint32_t> value{0};
  std::atomic<bool> queued{false};
};

struct Event {
  EventType type = EventType::kLog;
  std::uint32_t object = 0;  // id of a peer, source, recording or capture
  std::int64_t a = 0;        // meaning by type: state, reason, track, size
  std::int64_t b = 0;
  std::string text;                 // ufrag, detail, profile, where
  std::string more;                 // pwd, message
  std::vector<std::string> list;    // candidates
  std::shared_ptr<StateCell> cell;  // set: `a` is read from here at the end
  std::shared_ptr<void> attached;   // of kChannelOpen: the DataChannel
  // Ends with the event: whoever posted it knows then that it was read.
  std::shared_ptr<void> charge;
};

class EventSink : public LogSink {
 public:
  // True if the event can be dropped when the reader is far behind (a sample),
  // which logs and slow links are and transitions are not.
  virtual void Post(Event event) = 0;

  void PostState(EventType type, std::uint32_t object,
                 const std::shared_ptr<StateCell>& cell, std::uint32_t value) {
    cell->value.store(value, std::memory_order_release);
    if (cell->queued.exchange(true, std::memory_order_acq_rel)) return;
    Event event;
    event.type = type;
    event.object = object;
    event.cell = cell;
    Post(std::move(event));
  }
};

}  // namespace hg
