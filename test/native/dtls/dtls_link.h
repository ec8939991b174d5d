// Two DTLS ends and a link between them in virtual time. OpenSSL's handshake
// timer reads gettimeofday(); the test executable has its own.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "dtls/dtls_session.h"

namespace hg::test {

Timestamp VirtualNow();
void Advance(Duration duration);  // what gettimeofday() says, too

using Datagram = std::vector<std::uint8_t>;
using Datagrams = std::vector<Datagram>;

// Something that talks DTLS: one of our sessions, or OpenSSL by hand.
class End {
 public:
  virtual ~End() = default;
  virtual void Start() = 0;
  virtual void Take(Bytes datagram) = 0;
  virtual std::optional<Duration> TimeLeft() { return std::nullopt; }
  virtual void OnTime() {}
  virtual bool done() const = 0;  // connected, closed or failed

  std::deque<Datagram> sent;
};

class OurEnd final : public End, public DtlsSession::Observer {
 public:
  OurEnd(const DtlsContext& context, DtlsRole role,
         std::vector<Fingerprint> remote_fingerprints, bool needs_srtp = true)
      : session(context, role, std::move(remote_fingerprints), *this,
                needs_srtp) {}

  void Start() override { session.Start(); }
  void Take(Bytes datagram) override { session.OnDatagram(datagram); }
  std::optional<Duration> TimeLeft() override;
  void OnTime() override { session.HandleTimeout(); }
  bool done() const override { return keys || closed; }

  void OnDtlsSend(Bytes datagram) override;
  void OnDtlsConnected(const SrtpKeys& srtp_keys) override;
  void OnDtlsApplicationData(Bytes data) override;
  void OnDtlsClosed(DtlsState state, std::string_view why) override;

  std::optional<SrtpKeys> keys;
  Datagrams data;
  std::optional<DtlsState> closed;
  std::string why;
  int calls_after_close = 0;
  DtlsSession session;
};

// What happens to the n-th datagram of a run (both ways counted together):
// returns what arrives instead of it.
using Mangle = std::function<Datagrams(std::size_t n, const Datagram&)>;

// Carries datagrams until both ends are done and nothing is on its way, or
// nothing can happen any more. Returns how many there were.
std::size_t Run(End& a, End& b, const Mangle& mangle = nullptr);

}  // namespace hg::test
