// Stand-ins for what is around a source and a replica.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "base/events.h"
#include "route/replica.h"
#include "route/sink.h"
#include "route/source.h"

namespace hg::test {

class EventList : public EventSink {
 public:
  void Post(Event event) override { events.push_back(std::move(event)); }
  void Log(LogLevel, std::string_view, std::string_view) override {}

  std::vector<Event> Of(EventType type) const {
    std::vector<Event> found;
    for (const Event& event : events)
      if (event.type == type) found.push_back(event);
    return found;
  }
  // Read and forget, as the application does.
  std::vector<Event> Take() {
    for (Event& event : events) {
      if (!event.cell) continue;
      event.cell->queued = false;
      event.a = event.cell->value;
    }
    return std::exchange(events, {});
  }

  std::vector<Event> events;
};

class SinkStub final : public Sink {
 public:
  void OnPackets(std::span<const PacketRef> burst) override {
    ++bursts;
    packets.insert(packets.end(), burst.begin(), burst.end());
  }
  void OnSourceClosed() override { ++closed; }
  std::uint64_t remb() const override { return bitrate; }
  bool MayResend() const override { return resends; }
  bool WaitsForKeyframe() const override { return waits; }

  std::vector<PacketRef> packets;
  int bursts = 0;
  int closed = 0;
  std::uint64_t bitrate = 0;
  bool resends = true;
  bool waits = false;
};

class UpstreamStub final : public Replica::Upstream {
 public:
  void WantKeyframe(const SourceInfo&) override { ++requests; }
  int requests = 0;
};

inline std::shared_ptr<Tuning> TunedTo(const Tuning::Values& values) {
  return std::make_shared<Tuning>(values);
}

inline SourceConfig VideoConfig() {
  SourceConfig config;
  config.id = 7;
  config.video = true;
  config.codec = "vp8";
  config.clock_rate = 90000;
  config.tuning = TunedTo({.max_nack_age = 1s, .no_media_time = 1s});
  return config;
}

inline SourceConfig AudioConfig() {
  SourceConfig config;
  config.id = 8;
  config.codec = "opus";
  config.clock_rate = 48000;
  config.tuning = TunedTo({.max_nack_age = 1s});
  return config;
}

}  // namespace hg::test
