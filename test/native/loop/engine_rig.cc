#include "native/loop/engine_rig.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <thread>
#include <utility>

#include "rtp/rtcp/registry.h"
#include "rtp/rtcp/sdes.h"

#if defined(__SANITIZE_THREAD__)
// GLib and OpenSSL are not instrumented; their locks are unknown to it.
extern "C" const char* __tsan_default_options() {
  return "ignore_noninstrumented_modules=1";
}
#endif

namespace hg::test {
namespace {

constexpr std::uint32_t kFirstSsrc = 0x10000000;
constexpr std::uint8_t kPayloadType = 96;
constexpr std::uint8_t kRtxPayloadType = 97;

std::shared_ptr<const Certificate> SharedCertificate() {
  static const auto certificate = Certificate::Generate();
  return certificate;
}

std::shared_ptr<const MediaClient::Identity> SharedIdentity() {
  static const auto identity = MediaClient::Identity::Make();
  return identity;
}

std::uint32_t TrackSsrc(std::size_t track) {
  return kFirstSsrc + static_cast<std::uint32_t>(track) * 2;
}

std::size_t CountEntries(const char* folder) {
  return static_cast<std::size_t>(
      std::distance(std::filesystem::directory_iterator(folder),
                    std::filesystem::directory_iterator()));
}

}  // namespace

// ---- events
// ---------------------------------------------------------------------

void EventInbox::Post(Event event) {
  const std::lock_guard lock(mutex_);
  events_.push_back(std::move(event));
}

void EventInbox::Log(LogLevel, std::string_view where,
                     std::string_view message) {
  const std::lock_guard lock(mutex_);
  logs_.push_back(std::string(where) + ": " + std::string(message));
}

std::vector<Event> EventInbox::Take() {
  std::vector<Event> events;
  {
    const std::lock_guard lock(mutex_);
    events.swap(events_);
  }
  for (Event& event : events) {
    if (!event.cell) continue;
    event.cell->queued.exchange(false);
    event.a = event.cell->value;
  }
  return events;
}

std::vector<std::string> EventInbox::logs() const {
  const std::lock_guard lock(mutex_);
  return logs_;
}

// ---- the sender
// -----------------------------------------------------------------

TestSender::TestSender(const Engine::SourceHandle& source,
                       const Options& options)
    : source_(source), options_(options), next_seq_(options.first_seq) {
  SendReport();
}

void TestSender::Send(std::uint64_t count) {
  std::array<std::uint8_t, 2048> packet;
  for (; count > 0; --count, ++next_id_, ++since_restart_) {
    const std::uint64_t frame = since_restart_ / options_.packets_per_frame;
    const std::uint64_t in_frame = since_restart_ % options_.packets_per_frame;
    const auto elapsed = ToMicros(MonotonicNow().time_since_epoch());
    RtpFields fields;
    fields.ssrc = options_.ssrc;
    fields.seq = next_seq_++;
    fields.timestamp =
        first_timestamp_ +
        static_cast<std::uint32_t>(elapsed * options_.clock_rate / 1'000'000);
    fields.marker = in_frame + 1 == options_.packets_per_frame;
    fields.keyframe =
        in_frame == 0 && frame % options_.frames_per_keyframe == 0;
    fields.id = next_id_;
    fields.payload_size = options_.payload_size;
    const std::size_t size = WriteRtp(fields, packet);
    rtp_.SendTo(source_.port, Bytes(packet).first(size));
  }
}

void TestSender::Keep(double packets_per_second) {
  const Timestamp now = MonotonicNow();
  if (!started_) {
    started_ =
        now - Duration(static_cast<std::int64_t>(static_cast<double>(next_id_) /
                                                 packets_per_second * 1e9));
  }
  if (options_.answers_requests && TakeKeyframeRequests() > 0)
    since_restart_ = 0;
  const double seconds = std::chrono::duration<double>(now - *started_).count();
  const auto due = static_cast<std::uint64_t>(seconds * packets_per_second);
  // A machine that was held up does not make up for it at once.
  if (due > next_id_) Send(std::min<std::uint64_t>(due - next_id_, 64));
}

void TestSender::SendReport() {
  if (source_.rtcp_port == 0) return;
  std::array<std::uint8_t, 200> buffer;
  RtcpWriter writer(buffer);
  const auto elapsed = ToMicros(MonotonicNow().time_since_epoch());
  WriteSenderReport(
      writer, options_.ssrc,
      {.ntp = ToNtp(WallNow()),
       .rtp_timestamp =
           first_timestamp_ + static_cast<std::uint32_t>(
                                  elapsed * options_.clock_rate / 1'000'000)});
  WriteCname(writer, options_.ssrc, "sender");
  rtcp_.SendTo(source_.rtcp_port, writer.bytes());
}

void TestSender::Restart(std::uint32_t ssrc, std::uint16_t first_seq) {
  options_.ssrc = ssrc;
  next_seq_ = first_seq;
  since_restart_ = 0;
  first_timestamp_ += 0x40000000;
}

int TestSender::TakeKeyframeRequests() {
  struct Ear : FeedbackHandler {
    void OnPli(const Pli&) override { ++plis; }
    int plis = 0;
  } ear;
  while (const auto datagram = rtcp_.Receive()) DispatchRtcp(*datagram, ear);
  return ear.plis;
}

// ---- a viewer
// -------------------------------------------------------------------

Viewer::Viewer(EngineRig& rig, const Options& options)
    : rig_(rig), options_(options) {
  MediaClient::Options client;
  client.identity = SharedIdentity();
  client.ice_times = options.ice_times;
  client.dtls_role = options.role;
  client.nack_round_trip = options.nack_round_trip;
  for (std::size_t i = 0; i < options.tracks; ++i) {
    MediaClient::Track track;
    track.ssrc = TrackSsrc(i);
    track.payload_type = kPayloadType;
    track.clock_rate = options.audio ? 48000 : 90000;
    track.nack = options.nack;
    if (options.rtx) {
      track.rtx_ssrc = TrackSsrc(i) + 1;
      track.rtx_payload_type = kRtxPayloadType;
    }
    client.tracks.push_back(track);
  }
  MediaClient::Observer& observer = *this;
  client_ = std::make_unique<MediaClient>(std::move(client), observer);
}

Viewer::~Viewer() {
  if (client_) rig_.loop_.Remove(*client_);
}

void Viewer::OnEvent(const Event& event) {
  switch (event.type) {
    case EventType::kPeerGathered:
      gathered_ = event;
      return Introduce();
    case EventType::kPeerConnected:
      engine_connected_ = true;
      connected_ = client_connected_;
      return;
    case EventType::kPeerIce:
      ice_state_ = static_cast<IceState>(event.a);
      return;
    case EventType::kPeerClosed:
      close_reason_ = event.a;
      close_detail_ = event.text;
      return;
    default:
      return;
  }
}

void Viewer::OnLocalReady(MediaClient&, const MediaClient::Local& local) {
  local_ = local;
  Introduce();
}

// What signalling does: each side is told of the other.
void Viewer::Introduce() {
  if (!local_ || !gathered_ || server_port_ != 0 || !client_) return;
  server_port_ = CandidatePort(gathered_->list.at(0));
  std::string for_server = local_->candidates.at(0);
  std::string for_client = gathered_->list.at(0);
  if (rig_.relay_ && options_.relayed) {
    path_ = rig_.relay_->AddPath(CandidatePort(for_server), server_port_);
    for_server = ThroughPort(for_server, path_.for_server);
    for_client = ThroughPort(for_client, path_.for_client);
  }

  PeerRemote remote;
  remote.ice = {local_->ufrag, local_->pwd};
  remote.dtls_role = options_.role == DtlsRole::kClient ? DtlsRole::kServer
                                                        : DtlsRole::kClient;
  auto fingerprint = Fingerprint::Parse("sha-256", local_->fingerprint);
  if (options_.show_wrong_fingerprint) fingerprint->digest[0] ^= 1;
  remote.fingerprints.push_back(*fingerprint);
  rig_.engine().SetRemote(peer_, std::move(remote));
  rig_.engine().AddCandidate(peer_, for_server);
  rig_.engine().EndOfCandidates(peer_);

  client_->SetRemote(
      {.ice = {gathered_->text, gathered_->more},
       .fingerprints = {*Fingerprint::Parse(
           "sha-256", SharedCertificate()->FingerprintText("sha-256"))},
       .candidates = {for_client}},
      MonotonicNow());
}

void Viewer::OnConnected(MediaClient&, SrtpProfile) {
  client_connected_ = true;
  connected_ = engine_connected_;
}

void Viewer::OnPacket(MediaClient&, const MediaClient::Packet& packet) {
  if (packet.track != 0) return;
  const std::uint64_t id = IdOf(packet.rtp.payload);
  if (!received_.emplace(id, packet.extended_seq).second) ++breaks_;
  if (received_.size() == 1) first_id_ = id;
  // The source loses nothing: a step in ids is the same step in numbers.
  if (last_ext_ && packet.extended_seq - *last_ext_ != id - last_id_) ++breaks_;
  last_ext_ = packet.extended_seq;
  last_id_ = id;
  newest_id_ = std::max(newest_id_, id);
  last_timestamp_ = packet.rtp.timestamp;
}

void Viewer::OnClosed(MediaClient&, std::string_view why) {
  client_closed_ = why;
}

std::uint64_t Viewer::MissingUntil(std::uint64_t id) const {
  std::uint64_t missing = 0;
  for (std::uint64_t i = first_id_; i < id; ++i)
    missing += !received_.contains(i);
  return missing;
}

void Viewer::Leave() {
  client_->Close();
  Disappear();
}

void Viewer::Disappear() {
  rig_.loop_.Remove(*client_);
  client_.reset();
}

// ---- the rig
// --------------------------------------------------------------------

EngineRig::EngineRig(const Options& options) : options_(options) {
  if (options.to_server || options.to_client)
    relay_.emplace(options.to_server.value_or(LossyLinkConfig{}),
                   options.to_client.value_or(LossyLinkConfig{}), options.seed,
                   options.tap);
  EngineOptions engine;
  engine.media_threads = options.media_threads;
  engine.local_addresses = {"127.0.0.1"};
  engine.certificate = SharedCertificate();
  engine.ice_times = options.ice_times;
  engine.tuning = {.max_nack_age = options.max_nack_age,
                   .no_media_time = 1s,
                   .slow_link_threshold = options.slow_link_threshold};
  engine.silent_timeout = options.silent_timeout;
  engine.setup_timeout = options.setup_timeout;
  engine_ = std::make_unique<Engine>(engine, inbox_);
}

EngineRig::~EngineRig() {
  viewers_.clear();
  engine_.reset();
}

Engine::SourceHandle EngineRig::OpenSource(bool video,
                                           Duration keyframe_buffer) {
  UdpSourceOptions options;
  options.source.video = video;
  options.source.codec = video ? "vp8" : "opus";
  options.source.clock_rate = video ? 90000 : 48000;
  options.source.keyframe_buffer_span = keyframe_buffer;
  options.rtp.address = "127.0.0.1";
  options.rtcp = options.rtp;
  return engine_->CreateUdpSource(std::move(options));
}

EgressTrackConfig Viewer::DescribeTrack(std::size_t index) const {
  EgressTrackConfig track;
  track.mid = std::to_string(index);
  track.video = !options_.audio;
  track.ssrc = TrackSsrc(index);
  track.payload_type = kPayloadType;
  track.clock_rate = options_.audio ? 48000 : 90000;
  track.nack = options_.nack;
  if (options_.rtx) {
    track.rtx_ssrc = TrackSsrc(index) + 1;
    track.rtx_payload_type = kRtxPayloadType;
  }
  track.extensions = {.mid = 4, .abs_send_time = 2};
  return track;
}

Viewer& EngineRig::AddViewer(const Engine::SourceHandle& source,
                             const Viewer::Options& options) {
  Viewer& viewer =
      *viewers_.emplace_back(std::make_unique<Viewer>(*this, options));
  viewer.peer_ = engine_->CreatePeer(true);
  Watch(viewer.peer_.id,
        [&viewer](const Event& event) { viewer.OnEvent(event); });
  for (std::size_t i = 0; i < options.tracks; ++i) {
    viewer.egress_.push_back(
        engine_->AddTrack(viewer.peer_, viewer.DescribeTrack(i)));
    engine_->Link(viewer.peer_, i, {source.info});
  }
  if (viewer.client_->Start(MonotonicNow())) loop_.Add(*viewer.client_);
  return viewer;
}

void EngineRig::Remove(Viewer& viewer) {
  by_peer_.erase(viewer.peer_.id);
  std::erase_if(viewers_, [&](const auto& v) { return v.get() == &viewer; });
}

void EngineRig::Watch(std::uint32_t peer,
                      std::function<void(const Event&)> on_event) {
  by_peer_[peer] = std::move(on_event);
}

void EngineRig::TakeEvents() {
  for (const Event& event : inbox_.Take()) {
    if (event.type == EventType::kPeerClosed) engine_->ForgetPeer(event.object);
    const auto watcher = by_peer_.find(event.object);
    if (watcher != by_peer_.end()) watcher->second(event);
  }
}

bool EngineRig::RunUntil(const std::function<bool()>& done, Duration patience) {
  return loop_.RunUntil(
      [&] {
        TakeEvents();
        return done();
      },
      patience);
}

void EngineRig::RunFor(Duration duration) {
  RunUntil([] { return false; }, duration);
}

void EngineRig::Stream(TestSender& sender, double packets_per_second,
                       Duration duration) {
  const Timestamp end = MonotonicNow() + duration;
  Timestamp next_report = MonotonicNow();
  Timestamp last_turn = MonotonicNow();
  while (MonotonicNow() < end) {
    longest_pause_ =
        std::max<Duration>(longest_pause_, MonotonicNow() - last_turn);
    last_turn = MonotonicNow();
    sender.Keep(packets_per_second);
    if (MonotonicNow() >= next_report) {
      next_report += 1s;
      sender.SendReport();
    }
    TakeEvents();
    loop_.RunOnce(3ms);
  }
}

bool EngineRig::AllConnected() {
  return RunUntil([&] {
    return std::ranges::all_of(
        viewers_, [](const auto& viewer) { return viewer->connected(); });
  });
}

std::size_t CountFds() { return CountEntries("/proc/self/fd"); }
std::size_t CountThreads() { return CountEntries("/proc/self/task"); }

std::size_t ResidentBytes() {
  std::ifstream file("/proc/self/statm");
  std::size_t total = 0;
  std::size_t resident = 0;
  file >> total >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace hg::test
