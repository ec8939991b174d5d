// Which packets of a source one viewer was sent recently, under which of its
// own sequence numbers, so that its Generic NACKs (RFC 4585 s6.2.1) can be
// answered from the source's RetransmissionStore. Sans-IO: no socket, thread
// or clock here; the owner passes `now` in and sends what comes out.
//
// It also knows what was stamped on the packet, so that a plain resend (RTX not
// negotiated) is byte-identical. What it does not know are the timestamp offset
// and the HeaderRewrite: clear the map when one of them changes (a switch of
// source, a renegotiation).
//
// Invariant: slot i is empty or holds the packet with seq % slots == i among
// the last `slots` numbers. So neither a lap of the viewer's numbers nor one of
// the source's, however fast a peer makes them run, can bring a packet back
// under a number that was another's: under AES-GCM that would give the key
// away.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/clock.h"

namespace hg {

class SentMap {
 public:
  struct Limits {
    std::size_t packets;  // a power of two; 512 is 2 s of 2.5 Mbit/s video
    Duration max_age;     // at most kLongestAge
  };
  enum class Outcome : std::uint8_t { kFound, kUnknown, kExpired, kTooSoon };
  struct Answer {
    Outcome outcome;
    // Meaningful only if kFound:
    std::uint32_t source_seq;     // for RetransmissionStore::Find
    std::uint32_t abs_send_time;  // as first stamped, 24 bit
    std::uint16_t transport_seq;  // as first stamped
  };

  // What a slot of 12 bytes can hold.
  static constexpr Duration kLongestAge = 7s;

  explicit SentMap(const Limits& limits);

  // `source_seq`: the low 32 bits of the packet's extended_seq. Returns the
  // abs-send-time to stamp on this packet, which is that of `now`.
  std::uint32_t Remember(std::uint16_t seq, std::uint32_t source_seq,
                         Timestamp now, std::uint16_t transport_seq = 0);
  // A 16-bit number would lap: not packet.seq() but packet.info.seq32().
  std::uint32_t Remember(std::uint16_t seq,
                         std::same_as<std::uint16_t> auto source_seq,
                         Timestamp now,
                         std::uint16_t transport_seq = 0) = delete;
  // `min_interval`: between two resends of a packet; the round trip. Kept to
  // 0.13 ms.
  Answer Request(std::uint16_t seq, Timestamp now, Duration min_interval);
  void Clear();
  void SetMaxAge(Duration max_age);  // at most kLongestAge
  // Remember(seq) follows soon.
  void Prefetch(std::uint16_t seq) const {
    __builtin_prefetch(&slots_[seq & (slots_.size() - 1)]);
  }

 private:
  struct Slot {
    std::uint32_t sent_at = 0;  // SendTicks; the low 24 bits were stamped
    std::uint32_t source_seq = 0;
    std::uint16_t transport_seq = 0;
    std::uint16_t resent = kEmpty;  // 1 + ResendTicks after sent_at
  };
  static_assert(sizeof(Slot) == 12);
  static constexpr std::uint16_t kEmpty = 0xffff;
  static constexpr std::uint16_t kNeverResent = 0;

  Slot& SlotFor(std::uint16_t seq) { return slots_[seq & (slots_.size() - 1)]; }

  std::uint32_t max_age_ticks_ = 0;
  bool empty_ = true;
  std::uint16_t highest_ = 0;
  std::vector<Slot> slots_;
};

}  // namespace hg
