// One SCTP association over DTLS (RFC 8261) and its data channels (RFC 8831).
// Both sides connect at once; a channel is a pair of streams that one side
// opens by DCEP and either side closes by resetting them (RFC 6525).
//
// Everything is bounded, whatever the peer does: messages that come, what is
// put together of them, the number of channels, and what waits to be sent.
// While `reading` is off nothing is taken from the peer: SCTP's window closes,
// and it has to wait.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/bytes.h"
#include "base/counter.h"
#include "sctp/dcep.h"
#include "sctp/stack.h"

struct sctp_stream_reset_event;
struct sctp_assoc_change;

namespace hg {

// What is announced as a=max-message-size (RFC 8841 s6): what browsers take.
inline constexpr std::size_t kMaxDataMessage = 262'144;

struct AssociationStats {
  Counter messages_received, bytes_received, messages_sent, bytes_sent;
  Counter oversize;    // messages larger than we said we take
  Counter unexpected;  // for no channel, of no kind we know, broken DCEP
  Counter send_failed;
};

class Association {
 public:
  // Names a channel, and is not used again when it is closed (a stream's id
  // is). Those of channels that the peer opens have the upper bit set.
  using ChannelKey = std::uint32_t;
  static constexpr ChannelKey kOpenedByPeer = 1U << 31;

  struct Config {
    bool dtls_client = false;
    std::uint16_t local_port = 5000;
    std::uint16_t remote_port = 5000;
    std::size_t max_packet = 1135;  // bytes, SCTP's header included
  };

  // Called from within every other method of the association; does not destroy
  // it from there.
  class Observer {
   public:
    virtual ~Observer() = default;
    virtual void OnAssociationSend(Bytes packet) = 0;
    // By the peer, or it has agreed to ours.
    virtual void OnChannelOpen(ChannelKey key, std::uint16_t stream,
                               const ChannelConfig& config) = 0;
    virtual void OnChannelMessage(ChannelKey key, bool text, Bytes message) = 0;
    // Messages have left our queue for SCTP's, or cannot be sent.
    virtual void OnChannelSent(ChannelKey key, std::size_t messages,
                               std::size_t bytes) = 0;
    // The last of a channel.
    virtual void OnChannelClosed(ChannelKey key) = 0;
    // No more of anything; channels that were there were told as closed.
    virtual void OnAssociationEnded() = 0;
  };

  Association(SctpStack& stack, const Config& config, Observer& observer,
              AssociationStats& stats);
  ~Association();  // aborts; the observer hears nothing but what leaves
  Association(const Association&) = delete;
  Association& operator=(const Association&) = delete;

  void OnPacket(Bytes packet);
  // `key`: without kOpenedByPeer, not used before.
  void Open(ChannelKey key, ChannelConfig config);
  // In order of calling, as soon as SCTP has room. For a channel that is open.
  void Send(ChannelKey key, bool text, std::vector<std::uint8_t> message);
  // After what is waiting was sent.
  void Close(ChannelKey key);
  // Takes effect in the stack's next Advance().
  void SetReading(bool reading);
  bool reading() const { return reading_; }

  bool ended() const { return ended_; }
  std::size_t channels() const { return by_key_.size(); }

 private:
  friend class SctpStack;

  // Of the 65,535 there could be; each costs both sides memory from the start.
  static constexpr std::uint16_t kStreams = 1024;
  // SCTP's own, each way. A message is handed over whole.
  static constexpr int kSendBuffer = 512 * 1024;
  static constexpr int kReceiveBuffer = 512 * 1024;
  // Pieces of messages that are not whole, of all streams: SCTP gives one
  // after the other, so more is a peer's trick.
  static constexpr std::size_t kMaxAssembly = 2 * kMaxDataMessage;
  // Answers to channels that the peer opens while it takes nothing.
  static constexpr std::size_t kMaxControl = 2048;

  enum class State : std::uint8_t { kOpening, kOpen, kClosing };

  struct Channel {
    ChannelKey key = 0;
    ChannelConfig config;
    std::optional<std::uint16_t> stream;  // once the association is up
    State state = State::kOpening;
    // It may be sent unordered only when the peer knows of it (RFC 8832 s6).
    bool acked = false;
    bool told = false;        // OnChannelClosed was called
    std::size_t waiting = 0;  // messages in our queue
    bool out_asked = false;
    bool out_reset = false;
    bool in_reset = false;
  };
  struct Waiting {
    ChannelKey key;
    std::uint16_t stream;
    Ppid ppid;
    bool counted;  // a message of the application, not ours
    std::vector<std::uint8_t> bytes;
  };
  enum class Sent : std::uint8_t { kYes, kLater };

  struct Assembly {
    std::vector<std::uint8_t> bytes;
    bool discard = false;  // the rest is not wanted
  };

  void OnReady();  // by the stack, after usrsctp said there is something
  void OnOutput(Bytes packet);

  void Connect();
  void SetUpSocket();
  void Work();
  void Output();
  void Read();
  void OnNotification(Bytes notification);
  void OnAssocChange(const sctp_assoc_change& change);
  void OnStreamReset(const sctp_stream_reset_event& event, std::size_t size);
  void OnData(std::uint16_t stream, bool unordered, std::uint32_t ppid,
              Bytes piece, bool last);
  void OnWhole(std::uint16_t stream, std::uint32_t ppid, Bytes message);
  void OnDcep(std::uint16_t stream, Bytes message);
  void OnOpenRequest(std::uint16_t stream, ChannelConfig config);
  void OnOversize(std::uint16_t stream);
  void Up();
  void AssignStream(Channel& channel);
  void Write();
  void WriteFrom(std::deque<Waiting>& queue);
  Sent SendOne(const Waiting& message);
  void BeginReset(Channel& channel);
  void RequestResets();
  void OnReset(std::uint16_t stream, bool incoming, bool outgoing);
  void TakeBack(Channel& channel);
  void FinishIfDone(Channel& channel);
  void Tell(Channel& channel);
  void Remove(Channel& channel);
  void CloseAll();
  void End();
  Channel* Find(ChannelKey key);
  Channel* FindStream(std::uint16_t stream);

  SctpStack& stack_;
  const Config config_;
  Observer& observer_;
  AssociationStats& stats_;
  void* address_ = nullptr;
  SctpSocket* socket_ = nullptr;
  bool up_ = false;
  bool ended_ = false;
  bool ready_ = false;
  bool reading_ = true;
  bool writing_ = false;
  ChannelKey next_key_ = kOpenedByPeer;
  std::uint16_t out_streams_ = 0;

  std::unordered_map<ChannelKey, std::unique_ptr<Channel>> by_key_;
  std::unordered_map<std::uint16_t, Channel*> by_stream_;
  // By stream and whether unordered.
  std::unordered_map<std::uint32_t, Assembly> assemblies_;
  std::size_t assembled_ = 0;
  std::vector<std::uint16_t> resets_;            // to be asked for
  std::unordered_set<std::uint16_t> resetting_;  // asked for
  std::deque<Waiting> control_;                  // before all messages
  std::deque<Waiting> queue_;
};

}  // namespace hg
