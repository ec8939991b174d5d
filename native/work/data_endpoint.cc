#include "work/data_endpoint.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/check.h"

namespace hg {

// ---- the application's thread -----------------------------------------------

DataChannel::DataChannel(std::shared_ptr<DataEndpoint> endpoint,
                         Association::ChannelKey key, ChannelConfig config)
    : endpoint_(std::move(endpoint)), key_(key), config_(std::move(config)) {}

bool DataChannel::Send(bool text, Bytes message) {
  if (!endpoint_->Reserve(*this, message.size())) return false;
  endpoint_->Post(
      [key = key_, text,
       bytes = std::vector<std::uint8_t>(message.begin(), message.end())](
          DataEndpoint& endpoint) mutable {
        endpoint.SendTask(key, text, std::move(bytes));
      });
  return true;
}

void DataChannel::Close() {
  endpoint_->Post([key = key_](DataEndpoint& endpoint) {
    if (endpoint.association_) endpoint.association_->Close(key);
  });
}

void DataChannel::Pipe(std::shared_ptr<DataChannel> target, bool may_drop) {
  endpoint_->Post([key = key_, target = std::move(target),
                   may_drop](DataEndpoint& endpoint) {
    const auto found = endpoint.channels_.find(key);
    if (found != endpoint.channels_.end())
      found->second.pipes.push_back({target, may_drop});
  });
}

void DataChannel::Unpipe() {
  endpoint_->Post([key = key_](DataEndpoint& endpoint) {
    const auto found = endpoint.channels_.find(key);
    if (found != endpoint.channels_.end()) found->second.pipes.clear();
  });
}

DataEndpoint::DataEndpoint(std::shared_ptr<SctpMailbox> mailbox,
                           std::uint32_t peer, const Limits& limits,
                           EventSink& events, SendPackets send)
    : mailbox_(std::move(mailbox)),
      peer_(peer),
      limits_(limits),
      events_(events),
      send_(std::move(send)) {}

DataEndpoint::~DataEndpoint() { HG_CHECK(association_ == nullptr); }

void DataEndpoint::Post(std::function<void(DataEndpoint&)> task) {
  mailbox_->Post(
      [self = shared_from_this(), task = std::move(task)](SctpThread& thread) {
        if (self->closed_) return;
        self->thread_ = &thread;
        task(*self);
      });
}

void DataEndpoint::SetRemotePort(std::uint16_t port) {
  Post([port](DataEndpoint& self) {
    self.remote_port_ = port;
    self.StartIfReady();
  });
}

std::shared_ptr<DataChannel> DataEndpoint::Open(ChannelConfig config) {
  auto channel = std::make_shared<DataChannel>(shared_from_this(), next_key_++,
                                               std::move(config));
  Post([channel](DataEndpoint& self) { self.OpenTask(channel); });
  return channel;
}

void DataEndpoint::SetPaused(bool paused) {
  Post([paused](DataEndpoint& self) {
    self.paused_ = paused;
    self.UpdateReading();
  });
}

void DataEndpoint::Close() {
  Post([](DataEndpoint& self) { self.End(); });
}

bool DataEndpoint::Reserve(DataChannel& channel, std::size_t size) {
  const std::size_t cost = size + kMessageCost;
  const std::size_t before = queued_.fetch_add(cost);
  if (before == 0 || before + cost <= limits_.queued) {
    channel.buffered_.fetch_add(size);
    return true;
  }
  queued_.fetch_sub(cost);
  stats_.refused.fetch_add(1, std::memory_order_relaxed);
  if (!channel.wants_low_.exchange(true)) {
    Post([key = channel.key_](DataEndpoint& self) { self.NoteLow(key); });
  }
  return false;
}

// Of an event that the application has read.
void DataEndpoint::ReturnCharge(std::size_t bytes) {
  const std::size_t before = unread_.fetch_sub(bytes);
  const std::size_t half = limits_.unread / 2;
  if (before > half && before - bytes <= half)
    Post([](DataEndpoint& self) { self.UpdateReading(); });
}

// ---- the media thread -------------------------------------------------------

class DataEndpoint::Port final : public DataPort {
 public:
  explicit Port(std::shared_ptr<DataEndpoint> endpoint)
      : endpoint_(std::move(endpoint)) {}
  ~Port() override { endpoint_->Close(); }

  void OnConnected(bool dtls_client, std::size_t max_packet) override {
    endpoint_->Post([dtls_client, max_packet](DataEndpoint& self) {
      if (self.connected_) return;
      self.connected_ = {.dtls_client = dtls_client, .max_packet = max_packet};
      self.StartIfReady();
    });
  }

  void OnPacket(Bytes packet) override {
    if (endpoint_->packets_in_.fetch_add(1) >= kMaxPackets) {
      endpoint_->packets_in_.fetch_sub(1);
      endpoint_->stats_.packets_dropped.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    endpoint_->Post([bytes = std::vector<std::uint8_t>(
                         packet.begin(), packet.end())](DataEndpoint& self) {
      self.packets_in_.fetch_sub(1);
      if (self.association_) self.association_->OnPacket(bytes);
    });
  }

 private:
  const std::shared_ptr<DataEndpoint> endpoint_;
};

std::shared_ptr<DataPort> DataEndpoint::MakePort() {
  return std::make_shared<Port>(shared_from_this());
}

// ---- the SCTP thread --------------------------------------------------------

void DataEndpoint::StartIfReady() {
  if (association_ || !connected_ || !remote_port_) return;
  Association::Config config = *connected_;
  config.remote_port = *remote_port_;
  const auto self = shared_from_this();
  thread_->Add(std::shared_ptr<SctpThread::Resident>(self, this));
  Association::Observer& observer = *this;
  association_ =
      std::make_unique<Association>(thread_->stack(), config, observer, stats_);
  std::vector<Association::ChannelKey> early;
  for (const auto& [key, entry] : channels_) early.push_back(key);
  std::ranges::sort(early);
  for (const auto key : early) {
    const auto channel = channels_.at(key).channel;
    association_->Open(key, channel->config());
  }
  UpdateReading();
}

void DataEndpoint::End() {
  const auto self = shared_from_this();
  closed_ = true;
  association_.reset();
  FlushPackets();
  if (thread_ != nullptr) thread_->Remove(*this);
  channels_.clear();
  wait_for_low_.clear();
  for (const auto& other : std::exchange(held_, {})) {
    --other->holds_;
    other->UpdateReading();
  }
}

void DataEndpoint::OpenTask(std::shared_ptr<DataChannel> channel) {
  const auto key = channel->key();
  const ChannelConfig& config = channel->config();
  channels_[key] = {std::move(channel), {}};
  if (association_) association_->Open(key, config);
}

void DataEndpoint::SendTask(Association::ChannelKey key, bool text,
                            std::vector<std::uint8_t> message) {
  if (association_) return association_->Send(key, text, std::move(message));
  OnChannelSent(key, 1, message.size());
}

bool DataEndpoint::Relay(Association::ChannelKey key, bool text, Bytes message,
                         bool may_drop) {
  const auto found = channels_.find(key);
  if (closed_ || !association_ || found == channels_.end()) return true;
  const std::size_t cost = message.size() + kMessageCost;
  if (may_drop && queued_.load() + cost > limits_.queued) {
    stats_.pipe_dropped.Add();
    return true;
  }
  queued_.fetch_add(cost);
  found->second.channel->buffered_.fetch_add(message.size());
  association_->Send(key, text, {message.begin(), message.end()});
  return may_drop || queued_.load() <= limits_.queued;
}

void DataEndpoint::NoteLow(Association::ChannelKey key) {
  const auto found = channels_.find(key);
  if (found == channels_.end()) return;
  wait_for_low_.push_back(found->second.channel);
  ReleaseIfLow();
}

void DataEndpoint::ReleaseIfLow() {
  if (!is_low()) return;
  for (const auto& channel : std::exchange(wait_for_low_, {})) {
    channel->wants_low_.store(false);
    events_.Post(EventOf(EventType::kChannelLow, channel->key()));
  }
  for (const auto& other : std::exchange(held_, {})) {
    --other->holds_;
    other->UpdateReading();
  }
}

void DataEndpoint::UpdateReading() {
  if (!association_) return;
  const std::size_t unread = unread_.load();
  const bool caught_up = association_->reading() ? unread < limits_.unread
                                                 : unread <= limits_.unread / 2;
  association_->SetReading(!paused_ && holds_ == 0 && caught_up);
}

Event DataEndpoint::EventOf(EventType type, Association::ChannelKey key) const {
  Event event;
  event.type = type;
  event.object = peer_;
  event.a = key;
  return event;
}

std::shared_ptr<void> DataEndpoint::ChargeFor(
    std::size_t bytes, std::function<void(DataEndpoint&)> then) {
  const std::size_t cost = bytes + kMessageCost;
  unread_.fetch_add(cost);
  // The pointer says who, the deleter how much.
  return std::shared_ptr<void>(
      this, [self = shared_from_this(), cost, then = std::move(then)](void*) {
        self->ReturnCharge(cost);
        if (then) self->Post(then);
      });
}

void DataEndpoint::OnAssociationSend(Bytes packet) {
  if (outgoing_.empty() && !closed_) thread_->FlushAtEndOfTurn(*this);
  outgoing_.emplace_back(packet.begin(), packet.end());
}

void DataEndpoint::FlushPackets() {
  if (outgoing_.empty()) return;
  auto burst = std::make_shared<DataBurst>(packets_out_);
  burst->packets = std::exchange(outgoing_, {});
  const std::size_t in_flight = packets_out_->fetch_add(burst->packets.size());
  const std::size_t room = kMaxPackets - std::min(kMaxPackets, in_flight);
  if (burst->packets.size() > room) {
    const std::size_t dropped = burst->packets.size() - room;
    burst->packets.resize(room);
    packets_out_->fetch_sub(dropped);
    stats_.packets_dropped.fetch_add(dropped, std::memory_order_relaxed);
  }
  if (room > 0) send_(std::move(burst));
}

void DataEndpoint::OnChannelOpen(Association::ChannelKey key,
                                 std::uint16_t stream,
                                 const ChannelConfig& config) {
  Entry& entry = channels_[key];
  std::function<void(DataEndpoint&)> then;
  if (!entry.channel) {
    entry.channel =
        std::make_shared<DataChannel>(shared_from_this(), key, config);
    entry.introduced = false;
    then = [key](DataEndpoint& self) { self.Introduced(key); };
  }
  stats_.channels.Set(channels_.size());
  Event event = EventOf(EventType::kChannelOpen, key);
  event.b = stream;
  event.attached = entry.channel;
  event.charge =
      ChargeFor(config.label.size() + config.protocol.size(), std::move(then));
  events_.Post(std::move(event));
  UpdateReading();
}

void DataEndpoint::Introduced(Association::ChannelKey key) {
  const auto found = channels_.find(key);
  if (found == channels_.end()) return;
  found->second.introduced = true;
  const bool ended = found->second.ended;
  for (const Message& message : std::exchange(found->second.waiting, {})) {
    unread_.fetch_sub(message.bytes.size() + kMessageCost);
    OnChannelMessage(key, message.text, message.bytes);
  }
  if (ended) OnChannelClosed(key);
  UpdateReading();
}

void DataEndpoint::OnChannelMessage(Association::ChannelKey key, bool text,
                                    Bytes message) {
  const auto found = channels_.find(key);
  if (found == channels_.end()) return;
  if (!found->second.introduced) {
    unread_.fetch_add(message.size() + kMessageCost);
    found->second.waiting.push_back({text, {message.begin(), message.end()}});
    return UpdateReading();
  }
  auto& pipes = found->second.pipes;
  if (pipes.empty()) {
    Event event = EventOf(EventType::kChannelMessage, key);
    event.b = text ? 1 : 0;
    event.text.assign(message.begin(), message.end());
    event.charge = ChargeFor(message.size());
    events_.Post(std::move(event));
    return UpdateReading();
  }
  for (const auto& [target, may_drop] : pipes) {
    DataEndpoint& other = *target->endpoint();
    if (other.Relay(target->key(), text, message, may_drop)) continue;
    ++holds_;
    other.held_.push_back(shared_from_this());
  }
  UpdateReading();
}

void DataEndpoint::OnChannelSent(Association::ChannelKey key,
                                 std::size_t messages, std::size_t bytes) {
  queued_.fetch_sub(bytes + messages * kMessageCost);
  const auto found = channels_.find(key);
  if (found != channels_.end())
    found->second.channel->buffered_.fetch_sub(bytes);
  ReleaseIfLow();
}

void DataEndpoint::OnChannelClosed(Association::ChannelKey key) {
  const auto found = channels_.find(key);
  if (found != channels_.end() && !found->second.introduced) {
    found->second.ended = true;
    return;
  }
  channels_.erase(key);
  stats_.channels.Set(channels_.size());
  Event event = EventOf(EventType::kChannelClosed, key);
  event.charge = ChargeFor(0);
  events_.Post(std::move(event));
  UpdateReading();
}

void DataEndpoint::OnAssociationEnded() {}

}  // namespace hg
