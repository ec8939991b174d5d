#include "loop/media_loop.h"

#include <pthread.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

namespace hg {
namespace {

// GLib ends the process if there is none left for the context of a new peer.
// The other threads of the process take some meanwhile.
constexpr std::size_t kSpareFds = 16;

bool HasSpareFds(std::size_t count) {
  std::vector<int> fds;
  while (fds.size() < count) {
    const int fd = eventfd(0, EFD_CLOEXEC);
    if (fd < 0) break;
    fds.push_back(fd);
  }
  for (const int fd : fds) close(fd);
  return fds.size() == count;
}

std::uint64_t ThreadCpuMicros() {
  timespec used{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return static_cast<std::uint64_t>(used.tv_sec) * 1'000'000 +
         static_cast<std::uint64_t>(used.tv_nsec) / 1000;
}

}  // namespace

MediaLoop::MediaLoop(unsigned shard, ShardMesh& mesh, EventSink& events)
    : shard_(shard), mesh_(mesh), turn_(events), sources_(shard, mesh, turn_) {
  mesh_.SetPoller(shard, turn_.poller);
}

MediaLoop::~MediaLoop() {
  // Not told to stop if the engine could not be made whole.
  if (thread_.joinable()) PostStop();
  Join();
  for (auto chain = commands_.TakeAll(); CommandNode* node = chain.Next();)
    delete node;
}

void MediaLoop::Start() {
  thread_ = std::thread([this] { Run(); });
  pthread_setname_np(thread_.native_handle(),
                     ("hg-media-" + std::to_string(shard_)).c_str());
}

void MediaLoop::Post(Command command) {
  auto* node = new CommandNode;
  node->command = std::move(command);
  if (commands_.Push(node)) turn_.poller.Wake();
}

void MediaLoop::PostStop() {
  Post([](MediaLoop& loop) { loop.stopping_ = true; });
}

void MediaLoop::Join() {
  if (thread_.joinable()) thread_.join();
}

void MediaLoop::AddPeer(const PeerConfig& config,
                        std::shared_ptr<const DtlsContext> dtls,
                        std::shared_ptr<PeerStats> stats) {
  if (!HasSpareFds(kSpareFds + config.ice.local_addresses.size())) {
    Event event;
    event.type = EventType::kPeerClosed;
    event.object = config.id;
    event.a = static_cast<std::int64_t>(PeerCloseReason::kGatheringError);
    event.text = "too many open files: raise the limit (ulimit -n)";
    return turn_.events.Post(std::move(event));
  }
  auto slot = std::make_unique<PeerSlot>(config, std::move(dtls),
                                         std::move(stats), sources_, turn_);
  PeerSlot& added = *slot;
  peers_.emplace(config.id, std::move(slot));
  added.peer().Start();
}

Peer* MediaLoop::FindPeer(std::uint32_t id) {
  const auto found = peers_.find(id);
  if (found == peers_.end() || found->second->removed()) return nullptr;
  return &found->second->peer();
}

void MediaLoop::AddInjected(const std::shared_ptr<const SourceInfo>& info,
                            std::shared_ptr<InjectionQueue> queue) {
  auto added =
      std::make_unique<InjectedSource>(info, std::move(queue), sources_, turn_);
  sources_.AddSource(*added);
  injected_.emplace(info->config.id, std::move(added));
}

bool MediaLoop::ServeInjected(std::uint32_t id) {
  const auto found = injected_.find(id);
  return found != injected_.end() && found->second->Serve();
}

void MediaLoop::RemoveSource(std::uint32_t id) {
  // What was written before the end still goes out.
  while (ServeInjected(id)) {
  }
  sources_.RemoveSource(id);
  injected_.erase(id);
}

void MediaLoop::Run() {
  turn_.now = MonotonicNow();
  turn_.timers.Set(*this, turn_.now + 1s);
  while (!stopping_) TakeTurn();
  // Close says goodbye to each peer by DTLS; then everything goes, here, on
  // the thread that owns it.
  for (const auto& [id, slot] : peers_)
    slot->peer().Close(PeerCloseReason::kApi, "the gateway closed");
  peers_.clear();
  sinks_.clear();
  sources_.Clear();
  injected_.clear();
  turn_.graveyard.clear();
}

void MediaLoop::TakeTurn() {
  ++turns_;
  auto until = turn_.timers.NextDue();
  // Work that is waiting: only look what else has arrived.
  if (!turn_.handshakes.empty() || !turn_.dirty.empty() || mesh_waits_ ||
      !commands_.empty() || sources_.waits())
    until = turn_.now;
  turn_.poller.Poll(until, turn_.now);
  RunCommands();
  sources_.ReadMesh();
  turn_.timers.RunDue(turn_.now);
  RunHandshakeSteps();
  FlushPeers();
  DestroyRemovedPeers();
  mesh_waits_ = mesh_.Flush(shard_);
  turn_.graveyard.clear();
}

void MediaLoop::RunCommands() {
  for (auto chain = commands_.TakeAll(); CommandNode* node = chain.Next();) {
    const std::unique_ptr<CommandNode> guard(node);
    node->command(*this);
  }
}

void MediaLoop::RunHandshakeSteps() {
  for (int i = 0; i < kHandshakeStepsPerTurn && !turn_.handshakes.empty();
       ++i) {
    PeerSlot* slot = turn_.handshakes.front();
    turn_.handshakes.pop_front();
    slot->HandshakeStep();
  }
}

void MediaLoop::FlushPeers() {
  // Each step of a viewer's memory is asked for while another one is served.
  for (std::size_t i = 0; i < turn_.dirty.size(); ++i) {
    for (unsigned step = 0; step < Peer::kPrefetchSteps; ++step) {
      const std::size_t next = i + Peer::kPrefetchSteps - step;
      if (next < turn_.dirty.size())
        turn_.dirty[next]->peer().PrefetchFlush(step);
    }
    turn_.dirty[i]->Flush();
  }
  turn_.dirty.clear();
}

void MediaLoop::DestroyRemovedPeers() {
  if (turn_.removed.empty()) return;
  for (const std::uint32_t id : std::exchange(turn_.removed, {})) {
    const auto found = peers_.find(id);
    if (found == peers_.end()) continue;
    gone_.Add(found->second->peer());
    peers_.erase(found);
  }
  stats_.peers.Set(peers_.size());
}

void MediaLoop::OnTimer(Timestamp now) {
  turn_.timers.Set(*this, now + 1s);
  sources_.OnSecond(now);
  ReportStats();
}

void MediaLoop::ReportStats() {
  stats_.peers.Set(peers_.size());
  stats_.packets_sent.Set(turn_.batch.packets_sent());
  stats_.packets_received.Set(turn_.packets_received.value());
  stats_.gso.Set(turn_.batch.gso() ? 1 : 0);
  stats_.cpu_us.Set(ThreadCpuMicros());
  stats_.turns.Set(turns_);
  stats_.pool_blocks.Set(turn_.pool.blocks());
  stats_.pool_exhausted.Set(turn_.pool.exhausted());

  Totals of_peers = gone_;
  for (const auto& [id, slot] : peers_) of_peers.Add(slot->peer());
  stats_.bytes_sent.Set(of_peers.bytes_sent);
  stats_.bytes_received.Set(of_peers.bytes_received);
  stats_.retransmitted.Set(of_peers.retransmitted);
  stats_.not_retransmitted.Set(of_peers.not_retransmitted);
  stats_.nacks_received.Set(of_peers.nacks_received);
  stats_.keyframe_requests_received.Set(of_peers.keyframe_requests_received);
  stats_.send_dropped.Set(of_peers.send_dropped);
  stats_.srtp_failures.Set(of_peers.srtp_failures);
  stats_.foreign_datagrams.Set(of_peers.foreign_datagrams);
  stats_.unexpected_datagrams.Set(of_peers.unexpected_datagrams);

  const Totals of_sources = sources_.totals();
  stats_.source_packets.Set(of_sources.source_packets);
  stats_.source_bytes.Set(of_sources.source_bytes);
  stats_.source_lost.Set(of_sources.source_lost);
  stats_.source_invalid.Set(of_sources.source_invalid);
  stats_.source_dropped.Set(of_sources.source_dropped);
  stats_.kernel_drops.Set(of_sources.kernel_drops);
  stats_.nacks_sent.Set(of_sources.nacks_sent);
  stats_.keyframe_requests_sent.Set(of_sources.keyframe_requests_sent);
}

}  // namespace hg
