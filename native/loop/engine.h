// All media threads of one gateway, and the application's handles to what is
// on them. Used by one application thread; commands go down to the thread that
// owns the object, events come up through the EventSink.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "dtls/certificate.h"
#include "loop/captures.h"
#include "loop/injectors.h"
#include "loop/media_loop.h"
#include "loop/recorders.h"
#include "loop/taps.h"
#include "loop/udp_socket.h"
#include "work/data_endpoint.h"
#include "work/sctp_thread.h"

namespace hg {

struct EngineOptions {
  unsigned media_threads = 1;
  std::vector<std::string> local_addresses;
  std::uint16_t port_min = 0;
  std::uint16_t port_max = 0;
  std::shared_ptr<const Certificate> certificate;
  int dtls_mtu = 1200;
  IceTimes ice_times;
  Tuning::Values tuning;
  Duration silent_timeout{};
  Duration setup_timeout{};
};

struct UdpSourceOptions {
  SourceConfig source;
  UdpBindOptions rtp;
  std::optional<UdpBindOptions> rtcp;
};

class Engine {
 public:
  struct PeerHandle {
    std::uint32_t id = 0;
    unsigned shard = 0;
    std::shared_ptr<const PeerStats> stats;
  };
  struct SourceHandle {
    std::shared_ptr<const SourceInfo> info;
    std::uint16_t port = 0;
    std::uint16_t rtcp_port = 0;  // 0: none
  };

  // `events` must outlive the engine. Throws if threads cannot be made.
  Engine(const EngineOptions& options, EventSink& events);
  ~Engine();  // stops

  // Peers are told goodbye, threads are joined. Twice does nothing.
  void Stop();

  const Certificate& certificate() const { return *options_.certificate; }

  PeerHandle CreatePeer(bool controlling);
  void SetRemote(const PeerHandle& peer, PeerRemote remote);
  void RestartIce(const PeerHandle& peer);
  void AddCandidate(const PeerHandle& peer, std::string candidate);
  void EndOfCandidates(const PeerHandle& peer);
  std::shared_ptr<const EgressStats> AddTrack(const PeerHandle& peer,
                                              EgressTrackConfig config);
  // Puts another in its place and returns its statistics. With the same SSRC it
  // is the same track with other numbers, and its statistics go on.
  std::shared_ptr<const EgressStats> SetTrack(const PeerHandle& peer,
                                              std::size_t track,
                                              EgressTrackConfig config);
  void Link(const PeerHandle& peer, std::size_t track,
            std::vector<std::shared_ptr<const SourceInfo>> encodings);
  void SetLayers(const PeerHandle& peer, std::size_t track,
                 const LayerTarget& target);
  // A source that the peer will feed, once SetIngress() names it. It lives
  // until CloseSource(); when the peer is gone, nothing comes any more.
  SourceHandle CreatePeerSource(const PeerHandle& peer, SourceConfig config);
  void SetIngress(const PeerHandle& peer, IngressConfig config);
  void SetMaxBitrate(const PeerHandle& peer, std::uint64_t bitrate_bps);
  void SetPaused(const PeerHandle& peer, std::size_t track, bool paused);
  // The peer's data channels; makes them at first. Throws if the SCTP thread
  // cannot be made.
  std::shared_ptr<DataEndpoint> Data(const PeerHandle& peer);
  void ClosePeer(const PeerHandle& peer);
  // For all there are and come, within a second.
  void Tune(const Tuning::Values& values) { tuning_->Set(values); }
  // To be called on each kPeerClosed, so that load is known.
  void ForgetPeer(std::uint32_t id);

  // Binds here and now. Throws SocketError.
  SourceHandle CreateUdpSource(UdpSourceOptions options);
  // A source that the application feeds with Inject().
  Injectors::Handle CreateInjector(SourceConfig config);
  // See InjectionQueue::Push().
  bool Inject(const Injectors::Handle& injector,
              std::span<const Bytes> packets);
  void RequestKeyframe(const SourceHandle& source);
  void SetEnabled(const SourceHandle& source, bool enabled);
  void DetectTalking(const SourceHandle& source,
                     const std::optional<TalkDetector::Limits>& limits);
  void CloseSource(const SourceHandle& source);

  Recorders& recorders() { return recorders_; }
  Captures& captures() { return captures_; }
  Taps& taps() { return taps_; }

  const std::vector<std::unique_ptr<MediaLoop>>& loops() const {
    return loops_;
  }
  std::size_t peer_count() const { return peer_shards_.size(); }
  std::size_t source_count() const { return source_count_; }

 private:
  std::shared_ptr<SourceInfo> NewSource(SourceConfig config, unsigned shard);
  void OnPeer(const PeerHandle& peer, std::function<void(Peer&)> f);
  unsigned LeastLoadedShard() const;

  EngineOptions options_;
  EventSink& events_;
  const std::shared_ptr<Tuning> tuning_;
  std::shared_ptr<const DtlsContext> dtls_;
  ShardMesh mesh_;
  PlacedSinks sinks_;
  // Media threads push to their rings until they are joined.
  Recorders recorders_;
  Captures captures_;
  Taps taps_;
  Injectors injectors_;
  std::vector<std::unique_ptr<MediaLoop>> loops_;
  std::uint32_t next_id_ = 1;
  std::unordered_map<std::uint32_t, unsigned> peer_shards_;
  std::unique_ptr<SctpThread::User> sctp_;  // from the first of them on
  std::unordered_map<std::uint32_t, std::shared_ptr<DataEndpoint>> data_;
  std::vector<std::size_t> load_;
  unsigned next_source_shard_ = 0;
  std::size_t source_count_ = 0;
  bool stopped_ = false;
};

}  // namespace hg
