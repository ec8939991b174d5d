// The data channel of a publisher: an SCTP association on its DTLS (RFC 8831)
// and one channel, by which numbered messages go out and are expected back as
// they were.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <functional>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "bench/payload.h"
#include "sctp/association.h"
#include "sctp/stack.h"
#include "support/media_client.h"

namespace hg::bench {

class MessageSender final : private Association::Observer {
 public:
  struct Counters {
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
    std::uint64_t wrong = 0;  // not what was sent, or out of order
    std::uint64_t held_back = 0;
  };
  struct Handler {
    std::function<void()> open;
    std::function<void(Duration latency)> message;
  };

  MessageSender(SctpStack& stack, const Association::Config& config,
                MediaClient& client, Handler handler)
      : client_(client),
        handler_(std::move(handler)),
        association_(stack, config, Self(), stats_) {
    association_.Open(kChannel, {.label = "JanusDataChannel"});
  }

  void OnPacket(Bytes packet) { association_.OnPacket(packet); }

  // One message of `size` bytes, at least kHeaderSize; unless too many are on
  // their way.
  void Send(std::size_t size, Timestamp now) {
    if (!open_) return;
    if (counters_.sent - counters_.received >= kMaxUnderWay) {
      ++counters_.held_back;
      return;
    }
    const std::uint64_t number = ++counters_.sent;
    std::vector<std::uint8_t> message(size);
    StoreU64(message.data(), number);
    StoreU64(message.data() + 8,
             static_cast<std::uint64_t>(now.time_since_epoch().count()));
    for (std::size_t at = kHeaderSize; at + 8 <= size; at += 8)
      StoreU64(&message[at], PatternWord(number, at));
    association_.Send(kChannel, false, std::move(message));
  }

  const Counters& counters() const { return counters_; }

  static constexpr std::size_t kHeaderSize = 16;

 private:
  static constexpr Association::ChannelKey kChannel = 1;
  static constexpr std::uint64_t kMaxUnderWay = 200;

  Association::Observer& Self() { return *this; }

  // Association::Observer
  void OnAssociationSend(Bytes packet) override { client_.SendData(packet); }
  void OnChannelOpen(Association::ChannelKey, std::uint16_t,
                     const ChannelConfig&) override {
    open_ = true;
    handler_.open();
  }
  void OnChannelMessage(Association::ChannelKey, bool text,
                        Bytes message) override {
    if (text || !IsNext(message)) {
      ++counters_.wrong;
      return;
    }
    ++counters_.received;
    const Timestamp sent(
        Duration(static_cast<std::int64_t>(LoadU64(message.data() + 8))));
    handler_.message(MonotonicNow() - sent);
  }
  void OnChannelSent(Association::ChannelKey, std::size_t,
                     std::size_t) override {}
  void OnChannelClosed(Association::ChannelKey) override { open_ = false; }
  void OnAssociationEnded() override { open_ = false; }

  bool IsNext(Bytes message) const {
    if (message.size() < kHeaderSize) return false;
    const std::uint64_t number = LoadU64(message.data());
    if (number != counters_.received + 1) return false;
    for (std::size_t at = kHeaderSize; at + 8 <= message.size(); at += 8) {
      if (LoadU64(&message[at]) != PatternWord(number, at)) return false;
    }
    return true;
  }

  MediaClient& client_;
  const Handler handler_;
  AssociationStats stats_;
  Counters counters_;
  bool open_ = false;
  Association association_;
};

}  // namespace hg::bench
