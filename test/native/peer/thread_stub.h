// The media thread of a peer, played by the test: in virtual time, with a wire
// that keeps what is sent.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/check.h"
#include "native/route/fakes.h"
#include "peer/packet_io.h"

namespace hg::test {

class BatchStub final : public DatagramBatch {
 public:
  void Begin(int fd, const SocketAddress&) override {
    HG_CHECK(!open_ && fd >= 0);
    open_ = true;
    in_batch_ = 0;
  }
  MutableBytes Reserve() override {
    HG_CHECK(open_);
    return buffer_;
  }
  void Commit(std::size_t size) override {
    HG_CHECK(open_ && size > 0 && size <= buffer_.size());
    datagrams.emplace_back(buffer_.begin(), buffer_.begin() + size);
    ++in_batch_;
  }
  Result End() override {
    HG_CHECK(open_);
    open_ = false;
    if (in_batch_ > 0) ++batches;
    return {.sent = in_batch_, .dropped = 0};
  }

  std::vector<std::vector<std::uint8_t>> datagrams;
  int batches = 0;  // that something left in

 private:
  bool open_ = false;
  std::uint32_t in_batch_ = 0;
  std::array<std::uint8_t, kMaxDatagram> buffer_;
};

// Sources of incoming tracks deliver here, too.
class ThreadStub final : public PeerHost, private Source::Host {
 public:
  struct Delivered {
    std::uint32_t source;
    PacketRef packet;
  };

  // PeerHost
  Timestamp now() const override { return time; }
  DatagramBatch& batch() override { return wire; }
  MutableBytes scratch() override { return scratch_; }
  MutableBytes incoming() override { return incoming_; }
  EventSink& events() override { return event_list; }
  PacketPool& pool() override { return packet_pool; }
  Source::Host& sources() override { return *this; }
  void AddSource(SourceFeed& feed) override { feeds.push_back(&feed); }
  void RemoveSource(std::uint32_t id) override {
    HG_CHECK(std::erase_if(feeds, [&](SourceFeed* feed) {
               return feed->source().info().config.id == id;
             }) == 1);
  }
  Replica& Obtain(const std::shared_ptr<const SourceInfo>& info) override {
    return *replicas.at(info->config.id);
  }
  void FlushAtEndOfTurn() override { flush_wanted = true; }
  void SetTimer(Timestamp) override {}
  void WatchFds(std::span<const IceFd>) override {}
  void WantHandshakeStep() override {}
  void Remove() override {}

  SourceFeed* FindSource(std::uint32_t id) {
    for (SourceFeed* feed : feeds)
      if (feed->source().info().config.id == id) return feed;
    return nullptr;
  }

  Timestamp time{1000s};
  PacketPool packet_pool{{.slab_packets = 64, .max_packets = 1024}};
  EventList event_list;
  BatchStub wire;
  bool flush_wanted = false;
  std::unordered_map<std::uint32_t, Replica*> replicas;  // by source
  std::vector<SourceFeed*> feeds;
  std::vector<Delivered> delivered;
  std::vector<SenderClock> clocks;
  bool keep = true;  // what is delivered

 private:
  void DeliverBurst(Source& source, std::span<const PacketRef> burst) override {
    if (!keep) return;
    for (const PacketRef& packet : burst)
      delivered.push_back({source.info().config.id, packet});
  }
  void DeliverSenderClock(Source&, const SenderClock& clock) override {
    clocks.push_back(clock);
  }
  void SendKeyframeRequest(Source& source) override {
    if (SourceFeed* feed = FindSource(source.info().config.id))
      feed->SendKeyframeRequest();
  }

  std::array<std::uint8_t, DatagramBatch::kMaxDatagram> scratch_;
  std::array<std::uint8_t, DatagramBatch::kMaxDatagram> incoming_;
};

}  // namespace hg::test
