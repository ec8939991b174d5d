// Two associations and the network between them, in virtual time: usrsctp reads
// gettimeofday(), and the test executable has its own.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sctp/association.h"
#include "support/lossy_link.h"

namespace hg::test {

// What gettimeofday() says.
void SetVirtualTime(Timestamp now);

class AssociationRig {
 public:
  using Key = Association::ChannelKey;

  // One of the two.
  class Side final : public Association::Observer {
   public:
    struct Message {
      Key key;
      bool text;
      std::vector<std::uint8_t> bytes;
    };

    Side(AssociationRig& rig, LossyLink& out) : rig_(rig), out_(out) {}

    Association& association() { return *association_; }
    bool has(Key key) const { return open.contains(key); }
    // The channel with that label.
    Key Labelled(const std::string& label) const {
      for (const auto& [key, config] : open)
        if (config.label == label) return key;
      return 0;
    }
    void Send(Key key, const std::string& text) {
      association_->Send(key, true, {text.begin(), text.end()});
    }

    std::map<Key, ChannelConfig> open;
    std::map<Key, std::uint16_t> streams;
    std::vector<Key> closed;
    std::vector<Message> messages;
    std::size_t taken = 0;  // bytes that left the queue
    bool ended = false;
    std::size_t largest_packet = 0;
    std::function<void(Bytes)> on_send;
    AssociationStats stats;

   private:
    friend class AssociationRig;
    void OnAssociationSend(Bytes packet) override {
      largest_packet = std::max(largest_packet, packet.size());
      if (on_send) on_send(packet);
      out_.Send(packet, rig_.now_);
    }
    void OnChannelOpen(Key key, std::uint16_t stream,
                       const ChannelConfig& config) override {
      open[key] = config;
      streams[key] = stream;
    }
    void OnChannelMessage(Key key, bool text, Bytes bytes) override {
      messages.push_back({key, text, {bytes.begin(), bytes.end()}});
    }
    void OnChannelSent(Key, std::size_t, std::size_t bytes) override {
      taken += bytes;
    }
    void OnChannelClosed(Key key) override {
      open.erase(key);
      closed.push_back(key);
    }
    void OnAssociationEnded() override { ended = true; }

    AssociationRig& rig_;
    LossyLink& out_;
    std::unique_ptr<Association> association_;
  };

  explicit AssociationRig(const LossyLinkConfig& link = {.delay = 5ms},
                          std::size_t max_packet = 1135)
      : stack_(now_), to_server_(link, 1), to_client_(link, 2) {
    Connect(client, true, max_packet);
    Connect(server, false, max_packet);
  }

  ~AssociationRig() {
    // Each says goodbye.
    client.on_send = nullptr;
    server.on_send = nullptr;
  }

  // Until `done`, and no longer than this of virtual time.
  bool Run(const std::function<bool()>& done, Duration patience = 60s) {
    const Timestamp end = now_ + patience;
    while (!done()) {
      if (now_ >= end) return false;
      Timestamp next = now_ + SctpStack::kTick;
      for (const LossyLink* link : {&to_server_, &to_client_}) {
        if (const auto due = link->NextDue()) next = std::min(next, *due);
      }
      now_ = std::max(now_, next);
      SetVirtualTime(now_);
      while (const auto packet = to_server_.Receive(now_))
        if (server.association_) server.association_->OnPacket(*packet);
      while (const auto packet = to_client_.Receive(now_))
        if (client.association_) client.association_->OnPacket(*packet);
      stack_.Advance(now_);
    }
    return true;
  }
  void RunFor(Duration time) {
    Run([] { return false; }, time);
  }
  // Opens one from the client and waits until both have it.
  Key OpenChannel(ChannelConfig config = {.label = "test"}) {
    const Key key = next_key_++;
    const std::string label = config.label;
    client.association().Open(key, std::move(config));
    Run([&] { return client.has(key) && server.Labelled(label) != 0; });
    return key;
  }
  void Disconnect(Side& side) { side.association_.reset(); }
  void SetLoss(double loss) {
    to_server_.SetConfig({.loss = loss, .delay = 5ms});
    to_client_.SetConfig({.loss = loss, .delay = 5ms});
  }

 private:
  void Connect(Side& side, bool is_client, std::size_t max_packet) {
    side.association_ = std::make_unique<Association>(
        stack_,
        Association::Config{.dtls_client = is_client, .max_packet = max_packet},
        side, side.stats);
  }

  Timestamp now_ = Timestamp{} + 1h;
  SctpStack stack_;
  LossyLink to_server_;
  LossyLink to_client_;
  Key next_key_ = 1;

 public:
  Side client{*this, to_server_};
  Side server{*this, to_client_};
};

}  // namespace hg::test
