// Consent freshness (RFC 7675) of the selected pair: STUN checks that show that
// the peer still wants what we send. Sans-IO: the owner sends the checks, hands
// the answers in, and passes `now`.
//
// libnice 0.1.21 has this too, and it must stay off there. With it a peer can
// end our process: a 403 answer before a pair is selected is a null
// dereference, and a check that succeeds after consent was lost fails an
// assertion (both tried). It also gives up for good after two lost checks.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/clock.h"
#include "ice/ice_transport.h"

namespace hg {

class Consent {
 public:
  enum class Health : std::uint8_t {
    kGranted,
    kQuiet,  // no answer for a while; checks go on
    kLost,   // no answer for too long, or revoked; no more checks
  };

  explicit Consent(const IceTimes& times) : times_(times) {}

  // A pair was selected: that it could be is consent as of `now`.
  void Start(const std::string& local_ufrag, const IceRemote& remote,
             const SocketAddress& remote_address, bool controlling,
             Timestamp now);
  void Stop() { running_ = false; }

  // A check to send to the remote address, if one is due; else empty. Valid
  // until the next call.
  Bytes DueCheck(Timestamp now);
  // True if a datagram that begins so answers one of the checks. Others than
  // we may be interested in the rest: they are to be left alone.
  bool IsAnswer(Bytes head) const;
  // True if it was a valid answer.
  bool OnAnswer(Bytes datagram, const SocketAddress& from, Timestamp now);

  Health health(Timestamp now) const;
  // From the last check that was answered; nullopt: none yet.
  std::optional<Duration> round_trip() const { return round_trip_; }
  // When a check is due or the health may change.
  std::optional<Timestamp> NextTimeout(Timestamp now) const;

 private:
  // Cookie and transaction identifier (RFC 8489 s5).
  using TransactionId = std::array<std::uint8_t, 16>;

  struct Check {
    TransactionId id;
    Timestamp sent;
  };
  const Check* AnsweredBy(Bytes head) const;

  const IceTimes& times_;
  bool running_ = false;
  bool revoked_ = false;
  bool controlling_ = false;
  std::string username_;
  std::string password_;
  SocketAddress remote_address_;
  Timestamp last_answer_;
  Timestamp next_check_;
  std::optional<Duration> round_trip_;
  // An answer to one of the last eight is taken.
  std::array<Check, 8> sent_{};
  std::size_t sent_count_ = 0;
  std::array<std::uint8_t, 1280> buffer_;
};

}  // namespace hg
