// SRTP and SRTCP (RFC 3711, RFC 7714) of one DTLS association, by libsrtp:
// bytes in, bytes out, in place. No clock, no socket.
// Invariant (AES-GCM): two different packets are never protected under one
// (SSRC, index); a resend must be byte-identical to the first sending. The
// caller holds that; ProtectRtp allows the repeat.
// Bound: libsrtp keeps a stream for every SSRC that passed authentication, so
// a peer that holds the keys could make it keep 2^32 of them. Only the first
// kMaxInboundSsrcs are let in.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "dtls/dtls_session.h"

namespace hg {

class SrtpSession {
 public:
  // Room that protection may add behind a packet, in bytes.
  static constexpr std::size_t kMaxOverhead = 148;
  // How far a packet may be behind the newest of its SSRC, in both directions.
  static constexpr unsigned kReplayWindow = 1024;
  // RTP and RTCP together. The largest publisher seen sends 3 layers of 20
  // videos, each with RTX.
  static constexpr std::size_t kMaxInboundSsrcs = 256;

  enum class Outcome : std::uint8_t {
    kOk,
    kReplayed,  // seen before, or too old to tell
    kAuthFailed,
    kTooManySsrcs,
    kError,  // too short, no RTP, or libsrtp's own failure
  };
  struct Unprotected {
    Outcome outcome;
    std::size_t size;  // of the plain packet; meaningful only if kOk
  };

  // Throws std::runtime_error when libsrtp refuses the keys.
  explicit SrtpSession(const SrtpKeys& keys);
  ~SrtpSession();
  SrtpSession(const SrtpSession&) = delete;
  SrtpSession& operator=(const SrtpSession&) = delete;

  // `buffer` holds a plain packet of `size` bytes and has at least
  // kMaxOverhead more. Returns the size of the protected packet.
  // Nothing if it is not RTP, or kReplayWindow or more behind its SSRC.
  std::optional<std::size_t> ProtectRtp(MutableBytes buffer, std::size_t size);
  std::optional<std::size_t> ProtectRtcp(MutableBytes buffer, std::size_t size);
  Unprotected UnprotectRtp(MutableBytes packet);
  Unprotected UnprotectRtcp(MutableBytes packet);

  SrtpProfile profile() const;

  // "libsrtp2 2.5.0": what srtp_get_version_string() says.
  // ProtectRtp() follows soon: what it needs, in two steps, since one thing
  // leads to the next.
  void Prefetch(unsigned step) const;

  static std::string LibraryVersion();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace hg
