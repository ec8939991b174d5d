// The viewers of a benchmark, in one process and thread: full ICE, DTLS, SRTP,
// NACK and receiver reports each. Told what to do by lines on stdin, answers
// with lines of JSON; ends with stdin.
//
//   load_client ADDRESS [--no-gro]
//
// Its sockets take a GSO message in one piece (UDP_GRO). Else the kernel would
// cut it up on the way to them, on the account of the server that sends:
// what a network card does for a server whose viewers are elsewhere.
//
//   add id=1 ssrc=5 pt=96 rtx-ssrc=6 rtx-pt=97 nack=1 ufrag=U pwd=P
//     fingerprint=sha-256,AA:… candidates=candidate:1 1 udp …|candidate:2 …
//                -> {"event":"local",…} to answer with, then "connected",
//                   "media" with the first packet, "closed" if it ends
//   remove ID    says goodbye
//   sink COUNT   binds sockets that take anything -> {"event":"sinks",…}
//   mark         an interval begins -> {"event":"marked"}
//   report       -> what came since, {"event":"report",…}
#include <linux/sock_diag.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "bench/client_io.h"
#include "bench/histogram.h"
#include "bench/payload.h"
#include "ice/gro_reader.h"
#include "support/media_client.h"

namespace hg::bench {
namespace {

// Sockets that take whatever comes: where the bare loop sends to.
class Sinks {
 public:
  // Their ports.
  std::vector<std::uint16_t> Open(const SocketAddress& address,
                                  std::size_t count, bool gro) {
    std::vector<std::uint16_t> ports;
    epoll_fd_ = epoll_create1(EPOLL_CLOEXEC);
    for (std::size_t i = 0; i < count; ++i) {
      const int fd = socket(address.storage.ss_family,
                            SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
      setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBuffer,
                 sizeof kReceiveBuffer);
      SetUdpGro(fd, gro);
      SocketAddress bound = address;
      if (bind(fd, address.get(), address.length) != 0 ||
          getsockname(fd, reinterpret_cast<sockaddr*>(&bound.storage),
                      &bound.length) != 0)
        return {};
      ports.push_back(
          ntohs(reinterpret_cast<const sockaddr_in&>(bound.storage).sin_port));
      epoll_event event{};
      event.events = EPOLLIN;
      event.data.fd = fd;
      epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event);
    }
    return ports;
  }

  int epoll_fd() const { return epoll_fd_; }
  std::uint64_t received() const { return received_; }

  void Drain() {
    std::array<epoll_event, 256> events;
    const int ready = epoll_wait(epoll_fd_, events.data(),
                                 static_cast<int>(events.size()), 0);
    for (int i = 0; i < ready; ++i) {
      const std::size_t got =
          reader_.Read(events[static_cast<std::size_t>(i)].data.fd);
      for (std::size_t j = 0; j < got; ++j) received_ += Datagrams(j);
    }
  }

 private:
  // How many the last read took in one message.
  std::size_t Datagrams(std::size_t i) {
    const std::size_t segment = reader_.SegmentSize(i);
    if (segment == 0) return 1;
    return (reader_.message(i).size() + segment - 1) / segment;
  }

  int epoll_fd_ = -1;
  std::uint64_t received_ = 0;
  GroReader reader_;
};

// One viewer and what it saw of the feeder's numbers, which no gateway
// rewrites.
struct Viewer {
  Viewer(const MediaClient::Options& options, MediaClient::Observer& observer)
      : client(options, observer) {}

  std::uint64_t missing() const {
    return seen == 0 ? 0 : newest - oldest + 1 - seen;
  }

  MediaClient client;
  Id id = 0;
  bool closed = false;
  bool heard = false;
  std::uint64_t oldest = 0;
  std::uint64_t newest = 0;
  std::uint64_t seen = 0;
};

// What is counted over all viewers.
struct Totals {
  std::uint64_t received = 0, missing = 0, lost = 0, duplicates = 0,
                recovered = 0, nacks = 0, wrong = 0, auth_failures = 0,
                foreign = 0, kernel_drops = 0, corrupt = 0, sunk = 0;
  double cpu_seconds = 0;
};

class LoadClient final : private MediaClient::Observer {
 public:
  LoadClient(const std::string& address, bool gro)
      : address_(address), gro_(gro), identity_(MediaClient::Identity::Make()) {
    loop_.AddFd(STDIN_FILENO, [this] {
      done_ =
          !commands_.Read([this](const std::string& line) { Execute(line); });
    });
    Mark();
  }

  void Run() {
    while (!done_) {
      if (loop_.RunOnce(0s) == 0) std::this_thread::sleep_for(kLookEvery);
    }
    for (auto& [id, viewer] : viewers_) {
      viewer->client.Close();
      loop_.Remove(viewer->client);
    }
  }

 private:
  // ---- commands
  void Execute(const std::string& line) {
    const auto [verb, rest] = SplitVerb(line);
    if (verb == "add") {
      Add(Arguments(rest));
    } else if (verb == "remove") {
      Remove(std::stoul(rest));
    } else if (verb == "sink") {
      OpenSinks(std::stoul(rest));
    } else if (verb == "mark") {
      Mark();
      Json("marked").Print();
    } else if (verb == "report") {
      Report();
    } else {
      Json("error").Text("why", "unknown command: " + verb).Print();
    }
  }

  void Add(const Arguments& arguments) {
    auto options = ClientOptions(identity_, address_, gro_);
    options.tracks = {
        {.ssrc = static_cast<std::uint32_t>(arguments.Number("ssrc")),
         .payload_type = static_cast<std::uint8_t>(arguments.Number("pt")),
         .rtx_ssrc = static_cast<std::uint32_t>(arguments.Number("rtx-ssrc")),
         .rtx_payload_type =
             static_cast<std::uint8_t>(arguments.Number("rtx-pt")),
         .nack = arguments.Number("nack") != 0}};
    const Id id = arguments.Number("id");
    auto& viewer = viewers_[id];
    MediaClient::Observer& observer = *this;
    viewer = std::make_unique<Viewer>(options, observer);
    viewer->id = id;
    by_client_[&viewer->client] = viewer.get();
    const Timestamp now = MonotonicNow();
    if (!viewer->client.Start(now)) return;
    viewer->client.SetRemote(ReadRemote(arguments), now);
    loop_.Add(viewer->client);
  }

  void Remove(Id id) {
    const auto found = viewers_.find(id);
    if (found == viewers_.end()) return;
    MediaClient& client = found->second->client;
    client.Close();
    loop_.Remove(client);
    by_client_.erase(&client);
    last_client_ = nullptr;
    viewers_.erase(found);
  }

  void OpenSinks(std::size_t count) {
    const auto address = SocketAddress::Parse(address_, 0);
    const auto ports = address ? sinks_.Open(*address, count, gro_)
                               : std::vector<std::uint16_t>();
    if (!ports.empty())
      loop_.AddFd(sinks_.epoll_fd(), [this] { sinks_.Drain(); });
    Json("sinks").List("ports", ports).Print();
  }

  // ---- viewers
  void OnLocalReady(MediaClient& client,
                    const MediaClient::Local& local) override {
    Json("local")
        .Number("id", by_client_[&client]->id)
        .Text("ufrag", local.ufrag)
        .Text("pwd", local.pwd)
        .Text("fingerprint", local.fingerprint)
        .List("candidates", local.candidates)
        .Print();
  }

  void OnConnected(MediaClient& client, SrtpProfile profile) override {
    Json("connected")
        .Number("id", by_client_[&client]->id)
        .Text("profile", SrtpProfileName(profile))
        .Print();
  }

  void OnPacket(MediaClient& client,
                const MediaClient::Packet& packet) override {
    if (&client != last_client_) {
      last_client_ = &client;
      last_viewer_ = by_client_[&client];
    }
    Viewer& viewer = *last_viewer_;
    if (!viewer.heard) {
      viewer.heard = true;
      Json("media").Number("id", viewer.id).Print();
    }
    Stamp stamp;
    // Of a source that is not the feeder, all are.
    if (!ReadPayload(packet.rtp.payload, stamp)) {
      ++corrupt_;
      return;
    }
    if (viewer.seen++ == 0) viewer.oldest = viewer.newest = stamp.number;
    viewer.oldest = std::min(viewer.oldest, stamp.number);
    viewer.newest = std::max(viewer.newest, stamp.number);
    latency_.Add(packet.arrival - stamp.sent);
  }

  void OnClosed(MediaClient& client, std::string_view why) override {
    Viewer& viewer = *by_client_[&client];
    viewer.closed = true;
    Json("closed").Number("id", viewer.id).Text("why", why).Print();
  }

  // ---- counting
  Totals Count() const {
    Totals totals;
    for (const auto& [id, viewer] : viewers_) {
      const MediaClient::Counters& counters = viewer->client.counters();
      totals.received += counters.received;
      totals.missing += viewer->missing();
      totals.lost += viewer->client.lost();
      totals.duplicates += counters.duplicates;
      totals.recovered += counters.recovered;
      totals.nacks += counters.nacks_sent;
      totals.wrong += counters.wrong_ssrc + counters.wrong_payload_type +
                      counters.malformed + counters.jumps;
      totals.auth_failures += counters.auth_failures;
      totals.foreign += counters.foreign;
      totals.kernel_drops += viewer->client.KernelDrops();
    }
    totals.corrupt = corrupt_;
    totals.sunk = sinks_.received();
    totals.cpu_seconds = OwnCpuSeconds();
    return totals;
  }

  void Mark() {
    marked_at_ = MonotonicNow();
    at_mark_ = Count();
    seen_at_mark_.clear();
    for (const auto& [id, viewer] : viewers_) seen_at_mark_[id] = viewer->seen;
    latency_.Clear();
  }

  void Report() {
    const Totals now = Count();
    const Totals& then = at_mark_;
    std::uint64_t fewest = 0;
    std::uint64_t most = 0;
    bool first = true;
    std::size_t connected = 0;
    for (const auto& [id, viewer] : viewers_) {
      const auto before = seen_at_mark_.find(id);
      const std::uint64_t seen =
          viewer->seen - (before == seen_at_mark_.end() ? 0 : before->second);
      fewest = first ? seen : std::min(fewest, seen);
      most = std::max(most, seen);
      first = false;
      if (viewer->client.state() == MediaClient::State::kConnected) ++connected;
    }
    const auto difference = [](std::uint64_t a, std::uint64_t b) {
      return static_cast<std::int64_t>(a - b);
    };
    const auto micros = [](Duration duration) {
      return static_cast<double>(duration.count()) / 1000;
    };
    Json("report")
        .Number("seconds", Seconds(MonotonicNow() - marked_at_))
        .Number("viewers", viewers_.size())
        .Number("connected", connected)
        .Number("received", difference(now.received, then.received))
        .Number("fewest", fewest)
        .Number("most", most)
        .Number("missing", difference(now.missing, then.missing))
        .Number("lost", difference(now.lost, then.lost))
        .Number("duplicates", difference(now.duplicates, then.duplicates))
        .Number("recovered", difference(now.recovered, then.recovered))
        .Number("nacks", difference(now.nacks, then.nacks))
        .Number("wrong", difference(now.wrong, then.wrong))
        .Number("corrupt", difference(now.corrupt, then.corrupt))
        .Number("authFailures",
                difference(now.auth_failures, then.auth_failures))
        .Number("foreign", difference(now.foreign, then.foreign))
        .Number("clientDrops", difference(now.kernel_drops, then.kernel_drops))
        .Number("sunk", difference(now.sunk, then.sunk))
        .Number("clientCpu", now.cpu_seconds - then.cpu_seconds)
        .Number("latencyP50", micros(latency_.Quantile(0.5)))
        .Number("latencyP99", micros(latency_.Quantile(0.99)))
        .Number("latencyMax", micros(latency_.max()))
        .Print();
  }

  const std::string address_;
  const bool gro_;
  const std::shared_ptr<const MediaClient::Identity> identity_;
  std::map<Id, std::unique_ptr<Viewer>> viewers_;
  std::unordered_map<const MediaClient*, Viewer*> by_client_;
  const MediaClient* last_client_ = nullptr;
  Viewer* last_viewer_ = nullptr;
  Sinks sinks_;
  MediaClientLoop loop_;
  CommandReader commands_;
  bool done_ = false;
  Histogram latency_;
  std::uint64_t corrupt_ = 0;
  Timestamp marked_at_{};
  Totals at_mark_;
  std::map<Id, std::uint64_t> seen_at_mark_;
};

}  // namespace
}  // namespace hg::bench

int main(int argc, char** argv) {
  const bool gro = argc != 3;
  if (argc < 2 || argc > 3 ||
      (!gro && argv[2] != std::string_view("--no-gro"))) {
    std::fputs("load_client ADDRESS [--no-gro]\n", stderr);
    return 2;
  }
  // Too large for the stack.
  const auto client = std::make_unique<hg::bench::LoadClient>(argv[1], gro);
  client->Run();
  return 0;
}
