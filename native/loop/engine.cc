#include "loop/engine.h"

#include <algorithm>
#include <future>
#include <utility>

namespace hg {

Engine::Engine(const EngineOptions& options, EventSink& events)
    : options_(options),
      events_(events),
      tuning_(std::make_shared<Tuning>(options.tuning)),
      dtls_(
          std::make_shared<DtlsContext>(options.certificate, options.dtls_mtu)),
      mesh_(options.media_threads),
      sinks_(loops_),
      recorders_(sinks_, events),
      captures_(loops_, events),
      taps_(sinks_, events),
      injectors_(loops_),
      load_(options.media_threads) {
  for (unsigned i = 0; i < options.media_threads; ++i)
    loops_.push_back(std::make_unique<MediaLoop>(i, mesh_, events_));
  for (const auto& loop : loops_) loop->Start();
}

Engine::~Engine() { Stop(); }

void Engine::Stop() {
  if (std::exchange(stopped_, true)) return;
  for (const auto& loop : loops_) loop->PostStop();
  for (const auto& loop : loops_) loop->Join();
  sinks_.Stop();
  recorders_.Stop();
  captures_.Stop();
  // The SCTP thread may have other users; it shall know nothing of us.
  for (const auto& [id, endpoint] : data_) endpoint->Close();
  data_.clear();
  if (sctp_) sctp_->Barrier();
  sctp_.reset();
}

unsigned Engine::LeastLoadedShard() const {
  return static_cast<unsigned>(std::ranges::min_element(load_) - load_.begin());
}

Engine::PeerHandle Engine::CreatePeer(bool controlling) {
  PeerHandle peer;
  peer.id = next_id_++;
  peer.shard = LeastLoadedShard();
  auto stats = std::make_shared<PeerStats>();
  peer.stats = stats;
  ++load_[peer.shard];
  peer_shards_.emplace(peer.id, peer.shard);

  PeerConfig config;
  config.id = peer.id;
  config.ice.controlling = controlling;
  config.ice.local_addresses = options_.local_addresses;
  config.ice.port_min = options_.port_min;
  config.ice.port_max = options_.port_max;
  config.ice.times = options_.ice_times;
  config.tuning = tuning_;
  config.silent_timeout = options_.silent_timeout;
  config.setup_timeout = options_.setup_timeout;
  loops_[peer.shard]->Post([config, dtls = dtls_, stats](MediaLoop& loop) {
    loop.AddPeer(config, dtls, stats);
  });
  return peer;
}

void Engine::OnPeer(const PeerHandle& peer, std::function<void(Peer&)> f) {
  if (stopped_) return;
  loops_[peer.shard]->Post([id = peer.id, f = std::move(f)](MediaLoop& loop) {
    if (Peer* found = loop.FindPeer(id)) f(*found);
  });
}

void Engine::SetRemote(const PeerHandle& peer, PeerRemote remote) {
  OnPeer(peer, [remote = std::move(remote)](Peer& p) { p.SetRemote(remote); });
}

void Engine::RestartIce(const PeerHandle& peer) {
  OnPeer(peer, [](Peer& p) { p.RestartIce(); });
}

void Engine::AddCandidate(const PeerHandle& peer, std::string candidate) {
  OnPeer(peer, [candidate = std::move(candidate)](Peer& p) {
    p.AddRemoteCandidate(candidate);
  });
}

void Engine::EndOfCandidates(const PeerHandle& peer) {
  OnPeer(peer, [](Peer& p) { p.SetRemoteGatheringDone(); });
}

std::shared_ptr<const EgressStats> Engine::AddTrack(const PeerHandle& peer,
                                                    EgressTrackConfig config) {
  auto stats = std::make_shared<EgressStats>();
  OnPeer(peer, [config = std::move(config), stats](Peer& p) {
    p.AddTrack(config, stats);
  });
  return stats;
}

std::shared_ptr<const EgressStats> Engine::SetTrack(const PeerHandle& peer,
                                                    std::size_t track,
                                                    EgressTrackConfig config) {
  auto stats = std::make_shared<EgressStats>();
  OnPeer(peer, [track, config = std::move(config), stats](Peer& p) {
    p.SetTrack(track, config, stats);
  });
  return stats;
}

void Engine::Link(const PeerHandle& peer, std::size_t track,
                  std::vector<std::shared_ptr<const SourceInfo>> encodings) {
  OnPeer(peer, [track, encodings = std::move(encodings)](Peer& p) {
    p.Link(track, encodings);
  });
}

void Engine::SetLayers(const PeerHandle& peer, std::size_t track,
                       const LayerTarget& target) {
  OnPeer(peer, [track, target](Peer& p) { p.SetLayers(track, target); });
}

void Engine::SetPaused(const PeerHandle& peer, std::size_t track, bool paused) {
  OnPeer(peer, [track, paused](Peer& p) { p.SetPaused(track, paused); });
}

std::shared_ptr<DataEndpoint> Engine::Data(const PeerHandle& peer) {
  const auto known = data_.find(peer.id);
  if (known != data_.end()) return known->second;
  if (!sctp_) sctp_ = std::make_unique<SctpThread::User>();
  auto endpoint = std::make_shared<DataEndpoint>(
      sctp_->mailbox(), peer.id, DataEndpoint::Limits{}, events_,
      [loop = loops_[peer.shard].get(),
       id = peer.id](std::shared_ptr<DataBurst> burst) {
        loop->Post([id, burst = std::move(burst)](MediaLoop& at) {
          if (Peer* found = at.FindPeer(id)) found->SendData(burst->packets);
        });
      });
  // One that is closing has no use for it.
  if (peer_shards_.contains(peer.id)) data_.emplace(peer.id, endpoint);
  OnPeer(peer, [port = endpoint->MakePort()](Peer& p) { p.SetData(port); });
  return endpoint;
}

void Engine::ClosePeer(const PeerHandle& peer) {
  OnPeer(peer, [](Peer& p) { p.Close(PeerCloseReason::kApi, ""); });
}

void Engine::ForgetPeer(std::uint32_t id) {
  const auto found = peer_shards_.find(id);
  if (found == peer_shards_.end()) return;
  --load_[found->second];
  peer_shards_.erase(found);
  data_.erase(id);
}

std::shared_ptr<SourceInfo> Engine::NewSource(SourceConfig config,
                                              unsigned shard) {
  config.id = next_id_++;
  config.tuning = tuning_;
  auto info = std::make_shared<SourceInfo>(std::move(config));
  info->home_shard = shard;
  info->stats.last_arrival_ns.Set(
      static_cast<std::uint64_t>(MonotonicNow().time_since_epoch().count()));
  ++source_count_;
  return info;
}

Engine::SourceHandle Engine::CreatePeerSource(const PeerHandle& peer,
                                              SourceConfig config) {
  SourceHandle handle;
  config.peer = peer.id;
  handle.info = NewSource(std::move(config), peer.shard);
  return handle;
}

void Engine::SetIngress(const PeerHandle& peer, IngressConfig config) {
  OnPeer(peer, [config = std::move(config)](Peer& p) { p.SetIngress(config); });
}

void Engine::SetMaxBitrate(const PeerHandle& peer, std::uint64_t bitrate_bps) {
  OnPeer(peer, [bitrate_bps](Peer& p) { p.SetMaxBitrate(bitrate_bps); });
}

Engine::SourceHandle Engine::CreateUdpSource(UdpSourceOptions options) {
  auto rtp = std::make_shared<UdpSocket>(options.rtp);
  auto rtcp =
      options.rtcp ? std::make_shared<UdpSocket>(*options.rtcp) : nullptr;
  auto info =
      NewSource(options.source, next_source_shard_++ % options_.media_threads);

  SourceHandle handle;
  handle.info = info;
  handle.port = rtp->port();
  handle.rtcp_port = rtcp ? rtcp->port() : std::uint16_t{0};
  // The command must be copyable; the sockets are moved out when it runs.
  loops_[info->home_shard]->Post([info, rtp, rtcp](MediaLoop& loop) {
    loop.sources().AddSource(
        info, std::move(*rtp),
        rtcp ? std::optional<UdpSocket>(std::move(*rtcp)) : std::nullopt);
  });
  return handle;
}

Injectors::Handle Engine::CreateInjector(SourceConfig config) {
  return injectors_.Create(NewSource(
      std::move(config), next_source_shard_++ % options_.media_threads));
}

bool Engine::Inject(const Injectors::Handle& injector,
                    std::span<const Bytes> packets) {
  return !stopped_ && injectors_.Write(injector, packets);
}

void Engine::RequestKeyframe(const SourceHandle& source) {
  if (stopped_) return;
  loops_[source.info->home_shard]->Post(
      [id = source.info->config.id](MediaLoop& loop) {
        if (SourceFeed* found = loop.sources().FindSource(id))
          found->RequestKeyframe(MonotonicNow());
      });
}

void Engine::SetEnabled(const SourceHandle& source, bool enabled) {
  if (stopped_) return;
  loops_[source.info->home_shard]->Post(
      [id = source.info->config.id, enabled](MediaLoop& loop) {
        if (SourceFeed* found = loop.sources().FindSource(id))
          found->source().SetEnabled(enabled);
      });
}

void Engine::DetectTalking(const SourceHandle& source,
                           const std::optional<TalkDetector::Limits>& limits) {
  if (stopped_) return;
  loops_[source.info->home_shard]->Post(
      [id = source.info->config.id, limits](MediaLoop& loop) {
        if (SourceFeed* found = loop.sources().FindSource(id))
          found->source().DetectTalking(limits);
      });
}

void Engine::CloseSource(const SourceHandle& source) {
  if (stopped_) return;
  --source_count_;
  // Waits (a turn, well below a millisecond) until the ports are free again:
  // whoever closes a source may open the next one on the same port at once.
  // The command holds the promise: it is still being touched when wait() ends.
  const auto removed = std::make_shared<std::promise<void>>();
  loops_[source.info->home_shard]->Post(
      [id = source.info->config.id, removed](MediaLoop& loop) {
        loop.RemoveSource(id);
        removed->set_value();
      });
  removed->get_future().wait();
}

}  // namespace hg
