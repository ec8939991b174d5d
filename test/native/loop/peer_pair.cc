#include "native/loop/peer_pair.h"

#include <string>
#include <utility>

namespace hg::test {
namespace {

constexpr std::uint32_t kSsrc = 0x20000000;
constexpr std::uint32_t kRtxSsrc = 0x20000001;
constexpr std::uint8_t kPayloadType = 96;
constexpr std::uint8_t kRtxPayloadType = 97;
constexpr char kMid[] = "0";

}  // namespace

PeerPair::PeerPair(EngineRig& rig, const Engine::SourceHandle& from,
                   const Options& options)
    : rig_(rig) {
  Engine& engine = rig.engine();
  sender_.peer = engine.CreatePeer(true);
  receiver_.peer = engine.CreatePeer(false);

  EgressTrackConfig track;
  track.mid = kMid;
  track.video = !options.audio;
  track.ssrc = kSsrc;
  track.payload_type = kPayloadType;
  track.clock_rate = from.info->config.clock_rate;
  track.nack = true;
  if (options.rtx) {
    track.rtx_ssrc = kRtxSsrc;
    track.rtx_payload_type = kRtxPayloadType;
  }
  track.extensions = {.mid = 4, .abs_send_time = 2};
  egress_ = engine.AddTrack(sender_.peer, track);
  engine.Link(sender_.peer, 0, {from.info});

  SourceConfig config;
  config.video = track.video;
  config.codec = from.info->config.codec;
  config.clock_rate = from.info->config.clock_rate;
  source_ = engine.CreatePeerSource(receiver_.peer, config);
  IngressTrackConfig incoming;
  incoming.mid = kMid;
  incoming.payload_types = {kPayloadType};
  if (options.rtx) incoming.rtx_payload_type = kRtxPayloadType;
  incoming.nack = incoming.pli = true;
  incoming.encodings.push_back({{}, source_.info});
  engine.SetIngress(receiver_.peer, {.tracks = {std::move(incoming)},
                                     .extensions = {.mid = 4}});

  Watch(sender_);
  Watch(receiver_);
}

PeerPair::~PeerPair() {
  rig_.Watch(sender_.peer.id, [](const Event&) {});
  rig_.Watch(receiver_.peer.id, [](const Event&) {});
}

void PeerPair::Watch(Side& side) {
  rig_.Watch(side.peer.id, [this, &side](const Event& event) {
    if (event.type == EventType::kPeerConnected) side.connected = true;
    if (event.type == EventType::kPeerClosed) side.closed = true;
    if (event.type == EventType::kPeerSlowLink)
      side.slow_links.push_back(event);
    if (event.type != EventType::kPeerGathered) return;
    side.gathered = event;
    Introduce();
  });
}

// What signalling does.
void PeerPair::Introduce() {
  if (!sender_.gathered || !receiver_.gathered) return;
  std::string of_sender = sender_.gathered->list.at(0);
  std::string of_receiver = receiver_.gathered->list.at(0);
  if (LossyRelay* const relay = rig_.relay()) {
    const auto path =
        relay->AddPath(CandidatePort(of_receiver), CandidatePort(of_sender));
    of_sender = ThroughPort(of_sender, path.for_client);
    of_receiver = ThroughPort(of_receiver, path.for_server);
  }
  Tell(sender_, receiver_, DtlsRole::kServer, of_receiver);
  Tell(receiver_, sender_, DtlsRole::kClient, of_sender);
}

void PeerPair::Tell(const Side& side, const Side& of, DtlsRole role,
                    const std::string& candidate) {
  Engine& engine = rig_.engine();
  PeerRemote remote;
  remote.ice = {of.gathered->text, of.gathered->more};
  remote.dtls_role = role;
  remote.fingerprints.push_back(*Fingerprint::Parse(
      "sha-256", engine.certificate().FingerprintText("sha-256")));
  engine.SetRemote(side.peer, std::move(remote));
  engine.AddCandidate(side.peer, candidate);
  engine.EndOfCandidates(side.peer);
}

}  // namespace hg::test
