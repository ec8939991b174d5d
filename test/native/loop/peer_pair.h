// Two peers of one engine that are connected with each other: what is sent to
// the one comes in at the other. Through the rig's relay, if it has one: media
// goes to its "client".
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "native/loop/engine_rig.h"

namespace hg::test {

class PeerPair {
 public:
  struct Options {
    bool audio = false;
    bool rtx = true;
  };
  // `from` is what the sending peer's track is linked to.
  PeerPair(EngineRig& rig, const Engine::SourceHandle& from,
           const Options& options);
  ~PeerPair();
  PeerPair(const PeerPair&) = delete;
  PeerPair& operator=(const PeerPair&) = delete;

  bool connected() const { return sender_.connected && receiver_.connected; }
  bool closed() const { return sender_.closed || receiver_.closed; }
  const Engine::PeerHandle& sender() const { return sender_.peer; }
  const Engine::PeerHandle& receiver() const { return receiver_.peer; }
  // What was told of lost packets.
  const std::vector<Event>& sender_slow_links() const {
    return sender_.slow_links;
  }
  const std::vector<Event>& receiver_slow_links() const {
    return receiver_.slow_links;
  }
  // What came in at the receiving peer.
  const Engine::SourceHandle& source() const { return source_; }
  const SourceStats& stats() const { return source_.info->stats; }
  const EgressStats& egress() const { return *egress_; }

 private:
  struct Side {
    Engine::PeerHandle peer;
    std::optional<Event> gathered;
    bool connected = false;
    bool closed = false;
    std::vector<Event> slow_links;
  };

  void Watch(Side& side);
  void Introduce();
  void Tell(const Side& side, const Side& of, DtlsRole role,
            const std::string& candidate);

  EngineRig& rig_;
  Side sender_;
  Side receiver_;
  Engine::SourceHandle source_;
  std::shared_ptr<const EgressStats> egress_;
};

}  // namespace hg::test
