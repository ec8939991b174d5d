// The data channels of one peer, between the three threads that have to do with
// them: the peer's media thread (packets), the application's (messages), and
// the SCTP thread, where the association lives. What is on its way between two
// of them is counted, and bounded:
//   packets either way     more are dropped, and SCTP sends them again
//   messages to the peer   Send() says no, until a kChannelLow event
//   messages from it       the association is not read until the application
//                          has caught up; then the peer has to wait
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/counter.h"
#include "base/events.h"
#include "sctp/association.h"
#include "sctp/data_port.h"
#include "work/sctp_thread.h"

namespace hg {

class DataEndpoint;

// SCTP packets on their way to the media thread; counted until their end.
struct DataBurst {
  explicit DataBurst(std::shared_ptr<std::atomic<std::size_t>> in_flight)
      : counted(std::move(in_flight)) {}
  ~DataBurst() { counted->fetch_sub(packets.size()); }
  DataBurst(const DataBurst&) = delete;
  DataBurst& operator=(const DataBurst&) = delete;

  std::vector<std::vector<std::uint8_t>> packets;
  const std::shared_ptr<std::atomic<std::size_t>> counted;
};

// One channel as the application has it.
class DataChannel {
 public:
  DataChannel(std::shared_ptr<DataEndpoint> endpoint,
              Association::ChannelKey key, ChannelConfig config);

  // Once open. False: not taken, for what waits already is too much;
  // a kChannelLow event says when to try again.
  bool Send(bool text, Bytes message);
  // After what was taken is sent; kChannelClosed follows.
  void Close();
  // From now on what comes here leaves by that one too, of whichever peer, and
  // does not go to the application. While the other has no room this peer has
  // to wait or, with `may_drop`, the message is dropped.
  void Pipe(std::shared_ptr<DataChannel> target, bool may_drop);
  // To the application again.
  void Unpipe();

  Association::ChannelKey key() const { return key_; }
  const ChannelConfig& config() const { return config_; }
  // What Send() took and SCTP has not, bytes.
  std::size_t buffered() const { return buffered_.load(); }
  const std::shared_ptr<DataEndpoint>& endpoint() const { return endpoint_; }

 private:
  friend class DataEndpoint;

  const std::shared_ptr<DataEndpoint> endpoint_;
  const Association::ChannelKey key_;
  const ChannelConfig config_;
  std::atomic<std::size_t> buffered_{0};
  std::atomic<bool> wants_low_{false};
};

class DataEndpoint final : public std::enable_shared_from_this<DataEndpoint>,
                           private Association::Observer,
                           private SctpThread::Resident {
 public:
  struct Limits {
    std::size_t queued = 1 << 20;  // bytes towards the peer
    std::size_t unread = 1 << 20;  // bytes towards the application
  };
  struct Stats : AssociationStats {
    // Found the way to the other thread full.
    std::atomic<std::uint64_t> packets_dropped{0};
    std::atomic<std::uint64_t> refused{0};  // Send() said no
    Counter pipe_dropped;
    Gauge channels;
  };
  // To the peer's media thread; any thread.
  using SendPackets = std::function<void(std::shared_ptr<DataBurst>)>;

  // `events` gets nothing any more once Close() has run on the SCTP thread.
  DataEndpoint(std::shared_ptr<SctpMailbox> mailbox, std::uint32_t peer,
               const Limits& limits, EventSink& events, SendPackets send);
  ~DataEndpoint() override;

  // Application.
  // The peer's SCTP port; without it nothing starts.
  void SetRemotePort(std::uint16_t port);
  std::shared_ptr<DataChannel> Open(ChannelConfig config);
  // While paused nothing is taken from the peer, on any of its channels: SCTP
  // has one window for all.
  void SetPaused(bool paused);
  void Close();
  const Stats& stats() const { return stats_; }

  // For the peer. It closes the endpoint at its end.
  std::shared_ptr<DataPort> MakePort();

 private:
  friend class DataChannel;
  class Port;

  // Either way; more than fits a window of SCTP's.
  static constexpr std::size_t kMaxPackets = 1024;
  // What a message costs besides its bytes.
  static constexpr std::size_t kMessageCost = 64;

  struct Pipe {
    std::shared_ptr<DataChannel> target;
    bool may_drop;
  };
  struct Message {
    bool text;
    std::vector<std::uint8_t> bytes;
  };
  struct Entry {
    std::shared_ptr<DataChannel> channel;
    std::vector<Pipe> pipes;
    // The application has not read yet that there is this channel: until it
    // had the chance to pipe it, messages wait here, and so does its end.
    bool introduced = true;
    bool ended = false;
    std::vector<Message> waiting;
  };
  class Charge;

  // Runs with this endpoint, which lives as long.
  void Post(std::function<void(DataEndpoint&)> task);
  bool Reserve(DataChannel& channel, std::size_t size);
  void ReturnCharge(std::size_t bytes);

  // All that follows: on the SCTP thread.
  void StartIfReady();
  void End();
  void OpenTask(std::shared_ptr<DataChannel> channel);
  void SendTask(Association::ChannelKey key, bool text,
                std::vector<std::uint8_t> message);
  // From another peer's channel. False: there is no room for more.
  bool Relay(Association::ChannelKey key, bool text, Bytes message,
             bool may_drop);
  void NoteLow(Association::ChannelKey key);
  void ReleaseIfLow();
  bool is_low() const { return queued_.load() <= limits_.queued / 4; }
  void UpdateReading();
  Event EventOf(EventType type, Association::ChannelKey key) const;
  // For an event; `then` runs once it was read.
  std::shared_ptr<void> ChargeFor(
      std::size_t bytes, std::function<void(DataEndpoint&)> then = nullptr);
  void Introduced(Association::ChannelKey key);

  // Association::Observer
  void OnAssociationSend(Bytes packet) override;
  void OnChannelOpen(Association::ChannelKey key, std::uint16_t stream,
                     const ChannelConfig& config) override;
  void OnChannelMessage(Association::ChannelKey key, bool text,
                        Bytes message) override;
  void OnChannelSent(Association::ChannelKey key, std::size_t messages,
                     std::size_t bytes) override;
  void OnChannelClosed(Association::ChannelKey key) override;
  void OnAssociationEnded() override;
  // SctpThread::Resident
  void FlushPackets() override;
  void EndWithThread() override { End(); }

  const std::shared_ptr<SctpMailbox> mailbox_;
  const std::uint32_t peer_;
  const Limits limits_;
  EventSink& events_;
  const SendPackets send_;
  Stats stats_;

  // Shared.
  std::atomic<std::size_t> packets_in_{0};
  const std::shared_ptr<std::atomic<std::size_t>> packets_out_ =
      std::make_shared<std::atomic<std::size_t>>(0);
  std::atomic<std::size_t> queued_{0};
  std::atomic<std::size_t> unread_{0};

  // The application's.
  Association::ChannelKey next_key_ = 1;

  // The SCTP thread's.
  SctpThread* thread_ = nullptr;
  bool closed_ = false;
  bool paused_ = false;
  std::optional<std::uint16_t> remote_port_;
  std::optional<Association::Config> connected_;
  std::unique_ptr<Association> association_;
  std::unordered_map<Association::ChannelKey, Entry> channels_;
  std::vector<std::shared_ptr<DataChannel>> wait_for_low_;
  // Other peers that wait until there is room here, and for how many this one
  // waits.
  std::vector<std::shared_ptr<DataEndpoint>> held_;
  std::size_t holds_ = 0;
  std::vector<std::vector<std::uint8_t>> outgoing_;
};

}  // namespace hg
