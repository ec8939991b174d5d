// An ICE transport with an owner as the media thread is one: it polls the fds,
// takes media off the sockets itself and leaves the rest to ICE.
#pragma once

#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "ice/ice_transport.h"

namespace hg::test {

class IceEnd final : public IceTransport::Observer {
 public:
  struct Received {
    int fd;
    SocketAddress from;
    std::vector<std::uint8_t> bytes;
    bool validated;
  };

  explicit IceEnd(IceConfig config);

  // For a peer on this machine; times short enough for a test.
  static IceConfig Config(bool controlling);

  void OnIceGathered(const std::vector<std::string>& candidates) override;
  void OnIceGatheringFailed(const std::string& why) override;
  void OnIceState(IceState state) override;
  void OnIceChanged() override;
  void OnIceDatagram(Bytes datagram) override;

  IceState state() const {
    return states.empty() ? IceState::kNew : states.back();
  }
  IceRemote credentials() const {
    return {transport->local_ufrag(), transport->local_pwd()};
  }
  bool TookMedia(const std::string& text) const;
  void TakeReadable(int fd);

  std::vector<std::string> candidates;
  int gathered = 0;
  std::string gathering_failure;
  std::vector<IceState> states;
  int changes = 0;
  int iterations = 0;
  std::vector<Received> media;         // taken directly
  std::vector<std::string> datagrams;  // that ICE read
  std::unique_ptr<IceTransport> transport;
};

// Drives the ends until `done`, or until `limit` of real time has passed.
bool Drive(std::initializer_list<IceEnd*> ends,
           const std::function<bool()>& done, Duration limit = 10s);

// Sends `text` as the media thread does, directly on the selected pair.
bool SendMedia(IceEnd& from, const std::string& text);

}  // namespace hg::test
