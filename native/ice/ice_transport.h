// The interface of a peer's ICE transport (RFC 8445): one component, RTCP
// multiplexed (RFC 5761), everything bundled (RFC 9143). It lives on one media
// thread and is told when its sockets are readable; it never waits.
//
// The owner polls `fds()`. One of kind kMedia carries DTLS and media of the
// selected pair (MediaSocket), which the owner reads; of kOther it calls
// `Iterate()`.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"

namespace hg {

// A socket address, IPv4 or IPv6, comparable. An IPv4-mapped IPv6 address
// equals its IPv4 form.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;

  const sockaddr* get() const {
    return reinterpret_cast<const sockaddr*>(&storage);
  }
  // IPv6 or IPv4-mapped address, then the port: equal for equal addresses.
  using Key = std::array<std::uint8_t, 18>;
  Key key() const;
  friend bool operator==(const SocketAddress&, const SocketAddress&);
  // "192.0.2.1" or "2001:db8::1", no names; nullopt for anything else.
  static std::optional<SocketAddress> Parse(const std::string& address,
                                            std::uint16_t port);
  std::string ToString() const;  // "192.0.2.1:5004", "[2001:db8::1]:5004"
};

enum class IceState : std::uint8_t {
  kNew,
  kChecking,
  kConnected,     // a pair is selected; may still change
  kDisconnected,  // consent (RFC 7675) lost, or checks failed, after kConnected
  kFailed,        // not connected within IceTimes::patience; may still recover
};

enum class FdKind : std::uint8_t { kMedia, kOther };

struct IceFd {
  int fd;
  FdKind kind;
  std::uint32_t epoll_events;  // EPOLLIN and so on, as ICE wants them
  friend bool operator==(const IceFd&, const IceFd&) = default;
};

// When ICE gives up and how it watches a peer that it found. The defaults are
// for the network; tests shorten them.
struct IceTimes {
  // RFC 8863: no failure earlier than this after the remote credentials, for
  // candidates may still be trickled, or learnt from the peer's own checks.
  Duration patience = 39500ms;
  // RFC 7675 s5.1: between consent checks, made random by a fifth. A check
  // without answer is followed by the next after `consent_retry` (the RFC
  // says the same pace throughout, so that two lost packets would do to
  // interrupt media).
  Duration consent_interval = 5s;
  // The first: media waits for the round trip that it measures.
  Duration consent_first = 500ms;
  Duration consent_retry = 1s;
  // Without an answer for this long: kDisconnected, until the next answer.
  Duration consent_quiet = 10s;
  // RFC 7675 s5.1: consent is lost 30 s after the last answer. No more checks;
  // only Restart() helps.
  Duration consent_lifetime = 30s;
};

struct IceConfig {
  bool controlling = true;
  // Addresses to gather host candidates on, textual, no port. Never empty.
  std::vector<std::string> local_addresses;
  std::uint16_t port_min = 0;  // 0, 0: any port
  std::uint16_t port_max = 0;
  IceTimes times;
};

struct IceCounters {
  std::uint64_t remote_candidates_refused = 0;  // beyond the limit
  std::uint64_t flood_dropped = 0;  // datagrams, from a queue that overflowed
  std::uint64_t consent_checks_sent = 0;
  std::uint64_t consent_answers = 0;
};

struct IceRemote {
  std::string ufrag;
  std::string pwd;
};

class IceTransport {
 public:
  // More remote candidates than this are refused. A browser on a machine with
  // many interfaces sends some twenty.
  static constexpr std::size_t kMaxRemoteCandidates = 64;
  // Addresses learnt from the peer's checks. A peer that sends authenticated
  // checks from more is not behind a NAT but an attacker: ICE ends for good.
  static constexpr std::size_t kMaxPeerReflexive = 64;

  // Called from within Iterate() or any method that says so; never re-entered.
  // An observer does not destroy the transport, nor call Iterate().
  class Observer {
   public:
    virtual ~Observer() = default;
    // All local candidates are known: `a=` values without the "a=", such as
    // "candidate:1 1 udp 2015363327 192.0.2.7 49763 typ host".
    virtual void OnIceGathered(const std::vector<std::string>& candidates) = 0;
    virtual void OnIceGatheringFailed(const std::string& why) = 0;
    virtual void OnIceState(IceState state) = 0;
    // The set of fds, the selected pair or the remote candidates may have
    // changed: read fds(), selected() and so on again. Coalesced.
    virtual void OnIceChanged() = 0;
    // What ICE read itself and is not STUN: relayed, TCP, before a pair is
    // selected, or where there is no MediaSocket.
    virtual void OnIceDatagram(Bytes datagram) = 0;
  };

  virtual ~IceTransport() = default;

  // Gathering begins; OnIceGathered follows from a later Iterate().
  // Returns false (and calls OnIceGatheringFailed) when no socket can be had.
  virtual bool Gather() = 0;
  virtual const std::string& local_ufrag() const = 0;
  virtual const std::string& local_pwd() const = 0;

  virtual bool SetRemote(const IceRemote& remote) = 0;
  // A candidate line with or without "a=" in front. False if it cannot be used
  // (mDNS name, TCP, other component, garbage); it is then ignored.
  virtual bool AddRemoteCandidate(const std::string& line) = 0;
  virtual void SetRemoteGatheringDone() = 0;
  // New local credentials (RFC 8445 s9), from the return on; the candidates
  // stay and are reported again. SetRemote() must follow. Until a new pair is
  // selected the old one stays usable. The role stays, unless the peer insists.
  virtual void Restart() = 0;

  virtual std::span<const IceFd> fds() const = 0;
  // Dispatches whatever is due, without waiting. Call when an fd of kind kOther
  // is readable and when `NextTimeout` is reached.
  virtual void Iterate() = 0;
  // When Iterate() must be called at the latest; rounded up to whole
  // milliseconds so that the owner's timer does not spin.
  virtual std::optional<Timestamp> NextTimeout(Timestamp now) = 0;

  // True if `from` is an address that may send DTLS or media on `fd`: the
  // selected remote, or one of the remote candidates, signalled or
  // peer-reflexive (which only authenticated STUN creates). No allocation.
  virtual bool IsValidatedRemote(int fd, const SocketAddress& from) const = 0;

  // The selected pair for direct sending. fd is -1 when the pair cannot be
  // sent to directly (none selected, relayed, TCP): use Send() then.
  struct Selected {
    int fd = -1;
    SocketAddress remote;
    std::string local_candidate;  // textual "192.0.2.7:49763 [host,udp]"
    std::string remote_candidate;
  };
  virtual const Selected& selected() const = 0;
  // Of the selected pair, as of the last consent check; nullopt: not known yet.
  virtual std::optional<Duration> round_trip() const = 0;
  // Slow path: through ICE's own socket layer. False if it was not sent.
  virtual bool Send(Bytes datagram) = 0;

  // As OnIceGathered has them; with those learnt from checks ("prflx").
  virtual std::vector<std::string> remote_candidates() const = 0;
  virtual const IceCounters& counters() const = 0;
};

}  // namespace hg
