// One DTLS 1.2 association (RFC 6347) over memory, with the use_srtp extension
// (RFC 5764). Sans-IO: datagrams in, datagrams out; OpenSSL keeps its own
// handshake timer, which the owner drives through NextTimeout/HandleTimeout.
// That timer reads the wall clock (OpenSSL offers no other): if the clock is
// set back in a handshake, a lost flight is resent that much later.
// Invariant: SRTP keys are handed out only after the peer's certificate matched
// one of the signalled fingerprints (RFC 8122).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "dtls/certificate.h"

namespace hg {

enum class DtlsRole : std::uint8_t { kClient, kServer };
enum class DtlsState : std::uint8_t {
  kNew,
  kConnecting,
  kConnected,
  kClosed,
  kFailed
};

// RFC 5764 s4.1.2 and RFC 7714 s14.2.
enum class SrtpProfile : std::uint16_t {
  kAes128CmSha1_80 = 0x0001,
  kAeadAes128Gcm = 0x0007,
  kAeadAes256Gcm = 0x0008,
};
std::string_view SrtpProfileName(SrtpProfile profile);  // "AEAD_AES_128_GCM"

// Key and salt of one direction, in the order libsrtp wants them: key ‖ salt.
// Both are empty if no profile was negotiated (see DtlsSession): only
// application data can flow then.
struct SrtpKeys {
  SrtpProfile profile;
  std::vector<std::uint8_t> local;   // protects what we send
  std::vector<std::uint8_t> remote;  // unprotects what we receive
};

struct Fingerprint {
  std::string algorithm;  // "sha-256", "sha-384", "sha-512", lower case
  std::vector<std::uint8_t> digest;
  // "AA:BB:…"; nullopt if the text is not hex pairs of the algorithm's length.
  static std::optional<Fingerprint> Parse(std::string_view algorithm,
                                          std::string_view hex_pairs);
};

// The SSL_CTX that all sessions of a gateway share.
class DtlsContext {
 public:
  // `mtu`: the largest datagram a handshake flight is cut into, in bytes.
  DtlsContext(std::shared_ptr<const Certificate> certificate, int mtu);
  ~DtlsContext();
  DtlsContext(const DtlsContext&) = delete;
  DtlsContext& operator=(const DtlsContext&) = delete;

  struct Impl;
  Impl& impl() const { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

class DtlsSession {
 public:
  // An observer does not destroy the session from within a call, and does not
  // call the session from within OnDtlsSend.
  class Observer {
   public:
    virtual ~Observer() = default;
    virtual void OnDtlsSend(Bytes datagram) = 0;  // to the peer, at most `mtu`
    virtual void OnDtlsConnected(const SrtpKeys& keys) = 0;
    virtual void OnDtlsApplicationData(Bytes data) = 0;  // SCTP (RFC 8261)
    // The peer's close_notify ("DTLS alert"), or an error: `why` is a text for
    // people. Called at most once; nothing follows.
    virtual void OnDtlsClosed(DtlsState state, std::string_view why) = 0;
  };

  // `context` must outlive the session. `needs_srtp` false: also a peer that
  // offers none of our SRTP profiles is connected with (one that has nothing
  // but data channels may leave the extension out).
  DtlsSession(const DtlsContext& context, DtlsRole role,
              std::vector<Fingerprint> remote_fingerprints, Observer& observer,
              bool needs_srtp = true);
  ~DtlsSession();
  DtlsSession(const DtlsSession&) = delete;
  DtlsSession& operator=(const DtlsSession&) = delete;

  // A client sends its ClientHello. A server need not be started.
  void Start();
  void OnDatagram(Bytes datagram);
  // False (dropped) unless connected, and for more than
  // max_application_data() bytes: what would not fit into one datagram.
  bool SendApplicationData(Bytes data);
  std::size_t max_application_data() const;
  void Close();  // sends close_notify; the observer is not called

  std::optional<Timestamp> NextTimeout(Timestamp now) const;
  void HandleTimeout();

  DtlsState state() const;
  std::uint32_t retransmissions() const;

  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace hg
