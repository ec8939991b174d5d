// A whole engine with real sockets, a sender that feeds its source, and viewers
// that receive, over the loopback and, if wished, a bad network.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/events.h"
#include "loop/engine.h"
#include "native/loop/sockets.h"
#include "support/lossy_link.h"
#include "support/media_client.h"
#include "support/rtp_stream.h"

namespace hg::test {

// Sanitizers make everything slower; tests do less then.
#if defined(__SANITIZE_THREAD__)
inline constexpr int kSlow = 5;
#elif defined(__SANITIZE_ADDRESS__)
inline constexpr int kSlow = 2;
#else
inline constexpr int kSlow = 1;
#endif

// Nothing here waits that long unless something is broken.
inline constexpr Duration kPatience = 20s * kSlow;

// Of ICE, for tests that wait for its end.
inline constexpr IceTimes kQuickIce = {.consent_interval = 200ms,
                                       .consent_retry = 100ms,
                                       .consent_quiet = 600ms,
                                       .consent_lifetime = 2s};

class EventInbox final : public EventSink {
 public:
  void Post(Event event) override;
  void Log(LogLevel level, std::string_view where,
           std::string_view message) override;
  std::vector<Event> Take();
  std::vector<std::string> logs() const;

 private:
  mutable std::mutex mutex_;
  std::vector<Event> events_;
  std::vector<std::string> logs_;
};

// Sends one RTP stream to a source, and hears its RTCP.
class TestSender {
 public:
  struct Options {
    std::uint32_t ssrc = 0x5e4d0001;
    std::uint16_t first_seq = 65000;  // a wrap is near
    std::uint32_t clock_rate = 90000;
    std::uint64_t packets_per_frame = 1;
    std::uint64_t frames_per_keyframe = 50;
    std::size_t payload_size = 500;
    bool answers_requests = false;  // with a keyframe, within Keep()
  };
  TestSender(const Engine::SourceHandle& source, const Options& options);

  void Send(std::uint64_t count = 1);
  // Until it has sent what a sender of this pace would have since the start.
  void Keep(double packets_per_second);
  void SendReport();
  // As a sender that was started anew.
  void Restart(std::uint32_t ssrc, std::uint16_t first_seq);
  // PLIs that came by RTCP.
  int TakeKeyframeRequests();

  std::uint64_t sent() const { return next_id_; }

 private:
  const Engine::SourceHandle source_;
  Options options_;
  TestSocket rtp_;
  TestSocket rtcp_;
  std::uint16_t next_seq_;
  std::uint64_t next_id_ = 0;
  std::uint64_t since_restart_ = 0;
  std::uint32_t first_timestamp_ = 0xfffff000;
  std::optional<Timestamp> started_;
};

class EngineRig;

class Viewer final : private MediaClient::Observer {
 public:
  struct Options {
    bool rtx = true;
    bool nack = true;
    bool audio = false;
    // Through the rig's relay, if it has one.
    bool relayed = true;
    DtlsRole role = DtlsRole::kClient;  // the viewer's
    bool show_wrong_fingerprint = false;
    Duration nack_round_trip = 20ms;
    std::size_t tracks = 1;
    IceTimes ice_times;
  };
  Viewer(EngineRig& rig, const Options& options);
  ~Viewer() override;

  const Engine::PeerHandle& peer() const { return peer_; }
  MediaClient* client() { return client_.get(); }
  const MediaClient::Counters& counters() const { return client_->counters(); }
  const EgressStats& egress(std::size_t track = 0) const {
    return *egress_[track];
  }
  const LossyRelay::Path& path() const { return path_; }
  // As the engine was told of it.
  EgressTrackConfig DescribeTrack(std::size_t index) const;
  // The engine's port for this peer.
  std::uint16_t server_port() const { return server_port_; }

  bool connected() const { return connected_; }       // both sides
  bool closed() const { return close_reason_ >= 0; }  // the engine says so
  PeerCloseReason close_reason() const {
    return static_cast<PeerCloseReason>(close_reason_);
  }
  const std::string& close_detail() const { return close_detail_; }
  IceState ice_state() const { return ice_state_; }  // the engine's
  const std::string& client_closed() const { return client_closed_; }

  // Of track 0, by what packets they were made for.
  bool Has(std::uint64_t id) const { return received_.contains(id); }
  std::uint64_t first_id() const { return first_id_; }
  std::uint64_t newest_id() const { return newest_id_; }
  std::uint64_t received() const { return received_.size(); }
  std::uint64_t MissingUntil(std::uint64_t id) const;
  // A number that does not fit to what went before, though the source lost
  // nothing; a packet that came twice.
  std::uint64_t breaks() const { return breaks_; }
  std::uint32_t last_timestamp() const { return last_timestamp_; }

  void Leave();      // says goodbye
  void Disappear();  // its sockets are gone, no goodbye
  // A restart of the source or a new link: numbers go on, ids anew.
  void ExpectJump() { last_ext_.reset(); }

 private:
  friend class EngineRig;
  void OnEvent(const Event& event);
  void Introduce();
  void OnLocalReady(MediaClient&, const MediaClient::Local& local) override;
  void OnConnected(MediaClient&, SrtpProfile) override;
  void OnPacket(MediaClient&, const MediaClient::Packet& packet) override;
  void OnClosed(MediaClient&, std::string_view why) override;

  EngineRig& rig_;
  const Options options_;
  Engine::PeerHandle peer_;
  std::vector<std::shared_ptr<const EgressStats>> egress_;
  std::unique_ptr<MediaClient> client_;
  std::optional<MediaClient::Local> local_;
  std::optional<Event> gathered_;
  LossyRelay::Path path_;
  std::uint16_t server_port_ = 0;
  bool engine_connected_ = false;
  bool client_connected_ = false;
  bool connected_ = false;
  std::int64_t close_reason_ = -1;
  std::string close_detail_;
  std::string client_closed_;
  IceState ice_state_ = IceState::kNew;

  std::unordered_map<std::uint64_t, std::uint64_t> received_;  // id: number
  std::optional<std::uint64_t> last_ext_;  // and the id it was of
  std::uint64_t last_id_ = 0;
  std::uint64_t first_id_ = 0;
  std::uint64_t newest_id_ = 0;
  std::uint64_t breaks_ = 0;
  std::uint32_t last_timestamp_ = 0;
};

class EngineRig {
 public:
  struct Options {
    unsigned media_threads = 1;
    Duration max_nack_age = 1s;
    Duration silent_timeout = 1s;
    Duration setup_timeout = 20s;
    std::uint32_t slow_link_threshold = 0;
    IceTimes ice_times;
    // Set: viewers are behind a relay with these links.
    std::optional<LossyLinkConfig> to_server;
    std::optional<LossyLinkConfig> to_client;
    std::uint64_t seed = 1;
    LossyRelay::Tap tap;
  };
  explicit EngineRig(const Options& options);
  ~EngineRig();

  Engine::SourceHandle OpenSource(bool video = true,
                                  Duration keyframe_buffer = 0s);
  // Linked to `source` from the start.
  Viewer& AddViewer(const Engine::SourceHandle& source,
                    const Viewer::Options& options = {});
  void Remove(Viewer& viewer);
  std::vector<std::unique_ptr<Viewer>>& viewers() { return viewers_; }

  // Serves viewers and events meanwhile.
  bool RunUntil(const std::function<bool()>& done,
                Duration patience = kPatience);
  void RunFor(Duration duration);
  // Runs while a sender keeps its pace.
  void Stream(TestSender& sender, double packets_per_second, Duration duration);
  // Between two turns of Stream(): how long this machine once stood still.
  Duration longest_pause() const { return longest_pause_; }
  bool AllConnected();

  // What is said of a peer that is not a Viewer's goes here.
  void Watch(std::uint32_t peer, std::function<void(const Event&)> on_event);

  Engine& engine() { return *engine_; }
  EventInbox& inbox() { return inbox_; }
  LossyRelay* relay() { return relay_ ? &*relay_ : nullptr; }
  MediaClientLoop& loop() { return loop_; }
  const Options& options() const { return options_; }
  void TakeEvents();

 private:
  friend class Viewer;

  const Options options_;
  EventInbox inbox_;
  std::optional<LossyRelay> relay_;
  std::shared_ptr<const MediaClient::Identity> identity_;
  MediaClientLoop loop_;
  std::unique_ptr<Engine> engine_;
  std::vector<std::unique_ptr<Viewer>> viewers_;
  std::unordered_map<std::uint32_t, std::function<void(const Event&)>> by_peer_;
  Duration longest_pause_{0};
};

// Open file descriptors and threads of this process.
std::size_t CountFds();
std::size_t CountThreads();
std::size_t ResidentBytes();

}  // namespace hg::test
