// A PacketSender with everything around it played by the test: ICE, the media
// thread, and the other side, which decrypts what it gets.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "native/peer/thread_stub.h"
#include "peer/demux.h"
#include "peer/packet_sender.h"

namespace hg::test {

inline SrtpKeys TestSrtpKeys(bool sender) {
  SrtpKeys keys{.profile = SrtpProfile::kAeadAes128Gcm};
  (sender ? keys.local : keys.remote).assign(28, 1);
  (sender ? keys.remote : keys.local).assign(28, 2);
  return keys;
}

// A pair, and nothing behind it.
class IceStub final : public IceTransport {
 public:
  IceStub() { pair.fd = 3; }

  bool Gather() override { return true; }
  const std::string& local_ufrag() const override { return none_; }
  const std::string& local_pwd() const override { return none_; }
  bool SetRemote(const IceRemote&) override { return true; }
  bool AddRemoteCandidate(const std::string&) override { return true; }
  void SetRemoteGatheringDone() override {}
  void Restart() override {}
  std::span<const IceFd> fds() const override { return {}; }
  void Iterate() override {}
  std::optional<Timestamp> NextTimeout(Timestamp) override { return {}; }
  bool IsValidatedRemote(int, const SocketAddress&) const override {
    return true;
  }
  const Selected& selected() const override { return pair; }
  std::optional<Duration> round_trip() const override { return {}; }
  bool Send(Bytes datagram) override {
    if (!can_send) return false;
    datagrams.emplace_back(datagram.begin(), datagram.end());
    return true;
  }
  std::vector<std::string> remote_candidates() const override { return {}; }
  const IceCounters& counters() const override { return counters_; }

  Selected pair;
  bool can_send = true;
  std::vector<std::vector<std::uint8_t>> datagrams;  // one by one

 private:
  const std::string none_;
  const IceCounters counters_;
};

struct SenderRig {
  // What left, decrypted.
  struct Left {
    std::vector<std::vector<std::uint8_t>> rtp, rtcp, other;
    std::vector<DatagramKind> kinds;  // of all, in their order
  };
  // Since the last call.
  Left Take() {
    Left left;
    auto datagrams = std::exchange(thread.wire.datagrams, {});
    for (auto& one : std::exchange(ice.datagrams, {}))
      datagrams.push_back(std::move(one));
    for (auto& datagram : datagrams) {
      const DatagramKind kind = Demux(datagram);
      left.kinds.push_back(kind);
      if (kind != DatagramKind::kRtp && kind != DatagramKind::kRtcp) {
        left.other.push_back(std::move(datagram));
        continue;
      }
      const bool rtp = kind == DatagramKind::kRtp;
      const auto plain =
          rtp ? remote.UnprotectRtp(datagram) : remote.UnprotectRtcp(datagram);
      HG_CHECK(plain.outcome == SrtpSession::Outcome::kOk);
      datagram.resize(plain.size);
      (rtp ? left.rtp : left.rtcp).push_back(std::move(datagram));
    }
    return left;
  }

  ThreadStub thread;
  IceStub ice;
  PeerStats stats;
  SrtpSession srtp{TestSrtpKeys(true)};
  SrtpSession remote{TestSrtpKeys(false)};
  PacketSender sender{thread, ice, stats};
};

}  // namespace hg::test
