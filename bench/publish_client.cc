// The publishers of a benchmark, in one process and thread: full ICE, DTLS and
// SRTP or SCTP each, as the offering side of an echo test. Told what to do by
// lines on stdin, answers with lines of JSON; ends with stdin.
//
//   publish_client ADDRESS [--no-gro]
//
// Packets go out one by one, as a network brings them; what comes back is taken
// as by the load client (load_client.cc).
//
//   add id=1     -> {"event":"local",…} to make an offer of
//   connect id=1 role=client ssrc=5 pt=96 rtx-ssrc=6 rtx-pt=97 mid-ext=4
//     transport-cc-ext=3 echo-ssrc=7 echo-rtx-ssrc=8 nack=1 ufrag=U pwd=P
//     fingerprint=sha-256,AA:… candidates=candidate:1 1 udp …|candidate:2 …
//                or, for messages, sctp-port=5000 instead of ssrc and what
//                follows it -> "connected" (for messages with the channel),
//                "closed" if it ends
//   remove ID    says goodbye
//   video PACKETS_PER_SECOND BURST    of each publisher, of 1200 bytes and
//                what header extensions take
//   messages MESSAGES_PER_SECOND BYTES
//   quiet        nothing more is sent
//   mark         an interval begins -> {"event":"marked"}
//   report       -> what came since, {"event":"report",…}
#include <unistd.h>

#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>

#include "bench/client_io.h"
#include "bench/histogram.h"
#include "bench/message_sender.h"
#include "bench/payload.h"
#include "bench/video_sender.h"
#include "sctp/stack.h"
#include "support/media_client.h"

namespace hg::bench {
namespace {

// What the offer says.
constexpr char kMid = '0';

struct Publisher {
  Publisher(const MediaClient::Options& options,
            MediaClient::Observer& observer)
      : client(options, observer) {}

  MediaClient client;
  Id id = 0;
  std::optional<VideoSender> video;
  // Made when DTLS is done.
  std::optional<Association::Config> data;
  std::optional<MessageSender> messages;
  Timestamp due{};
};

// What each publisher does; nothing: `interval` is zero.
struct Task {
  Duration interval{0};
  std::size_t packets = 0;  // of video, at a time
  std::size_t bytes = 0;    // of a message
};

// What is counted over all publishers.
struct Totals {
  std::uint64_t sent = 0, resent = 0, received = 0, recovered = 0, nacks = 0,
                wrong = 0, foreign = 0, held_back = 0, kernel_drops = 0;
  double cpu_seconds = 0;
};

class PublishClient final : private MediaClient::Observer {
 public:
  PublishClient(const std::string& address, bool gro)
      : address_(address),
        gro_(gro),
        identity_(MediaClient::Identity::Make()),
        sctp_(MonotonicNow()) {
    loop_.AddFd(STDIN_FILENO, [this] {
      done_ =
          !commands_.Read([this](const std::string& line) { Execute(line); });
    });
    Mark();
  }
  ~PublishClient() override {
    while (!publishers_.empty()) Remove(publishers_.begin()->first);
  }

  void Run() {
    while (!done_) {
      const int ready = loop_.RunOnce(0s);
      SendWhatIsDue(MonotonicNow());
      sctp_.Advance(MonotonicNow());
      if (ready == 0) std::this_thread::sleep_for(kLookEvery);
    }
  }

 private:
  // ---- commands
  void Execute(const std::string& line) {
    const auto [verb, rest] = SplitVerb(line);
    if (verb == "add") {
      Add(Arguments(rest).Number("id"));
    } else if (verb == "connect") {
      Connect(Arguments(rest));
    } else if (verb == "remove") {
      Remove(std::stoul(rest));
    } else if (verb == "video") {
      const auto [rate, burst] = TwoNumbers(rest);
      Begin({.interval = Duration(1s) * burst / rate, .packets = burst});
    } else if (verb == "messages") {
      const auto [rate, bytes] = TwoNumbers(rest);
      Begin({.interval = Duration(1s) / rate,
             .bytes = std::max(bytes, MessageSender::kHeaderSize)});
    } else if (verb == "quiet") {
      Begin({});
    } else if (verb == "mark") {
      Mark();
      Json("marked").Print();
    } else if (verb == "report") {
      Report();
    } else {
      Json("error").Text("why", "unknown command: " + verb).Print();
    }
  }

  // Neither is zero.
  static std::pair<std::size_t, std::size_t> TwoNumbers(
      const std::string& text) {
    const auto [first, second] = SplitVerb(text);
    return {std::max(std::stoul(first), 1ul),
            std::max(std::stoul(second), 1ul)};
  }

  void Add(Id id) {
    auto options = ClientOptions(identity_, address_, gro_);
    options.controlling = true;
    auto& publisher = publishers_[id];
    MediaClient::Observer& observer = *this;
    publisher = std::make_unique<Publisher>(options, observer);
    publisher->id = id;
    by_client_[&publisher->client] = publisher.get();
    if (publisher->client.Start(MonotonicNow())) loop_.Add(publisher->client);
  }

  void Connect(const Arguments& arguments) {
    const auto found = publishers_.find(arguments.Number("id"));
    if (found == publishers_.end()) return;
    Publisher& publisher = *found->second;
    const auto ssrc = [&](const char* name) {
      return static_cast<std::uint32_t>(arguments.Number(name));
    };
    const auto small = [&](const char* name) {
      return static_cast<std::uint8_t>(arguments.Number(name));
    };
    const bool is_client = arguments.Text("role") == "client";
    auto remote = ReadRemote(arguments);
    remote.dtls_role = is_client ? DtlsRole::kClient : DtlsRole::kServer;
    if (const auto port = arguments.Number("sctp-port"); port != 0) {
      publisher.data = {.dtls_client = is_client,
                        .remote_port = static_cast<std::uint16_t>(port)};
    } else {
      publisher.video.emplace(
          VideoSender::Config{.ssrc = ssrc("ssrc"),
                              .payload_type = small("pt"),
                              .rtx_ssrc = ssrc("rtx-ssrc"),
                              .rtx_payload_type = small("rtx-pt"),
                              .mid_id = small("mid-ext"),
                              .transport_cc_id = small("transport-cc-ext"),
                              .mid = kMid},
          publisher.client);
      remote.tracks = {{.ssrc = ssrc("echo-ssrc"),
                        .payload_type = small("pt"),
                        .rtx_ssrc = ssrc("echo-rtx-ssrc"),
                        .rtx_payload_type = small("rtx-pt"),
                        .nack = arguments.Number("nack") != 0}};
    }
    publisher.client.SetRemote(remote, MonotonicNow());
  }

  void Remove(Id id) {
    const auto found = publishers_.find(id);
    if (found == publishers_.end()) return;
    Publisher& publisher = *found->second;
    publisher.messages.reset();
    publisher.client.Close();
    loop_.Remove(publisher.client);
    by_client_.erase(&publisher.client);
    publishers_.erase(found);
  }

  // ---- what is sent
  // Publishers take turns within an interval.
  void Begin(const Task& task) {
    task_ = task;
    Timestamp due = MonotonicNow();
    for (const auto& [id, publisher] : publishers_) {
      publisher->due = due;
      due += task.interval / static_cast<int>(publishers_.size());
    }
  }

  void SendWhatIsDue(Timestamp now) {
    for (const auto& [id, publisher] : publishers_) {
      if (publisher->video) publisher->video->ReportIfDue(now);
      if (task_.interval == Duration::zero() || now < publisher->due) continue;
      if (task_.packets != 0 && publisher->video)
        publisher->video->Send(task_.packets, now);
      if (task_.bytes != 0 && publisher->messages)
        publisher->messages->Send(task_.bytes, now);
      publisher->due += task_.interval;
      if (publisher->due >= now) continue;
      // What is late is sent late, never two at once.
      publisher->due = now + task_.interval;
      ++late_;
    }
  }

  // ---- publishers
  Publisher& Of(MediaClient& client) { return *by_client_[&client]; }

  void OnLocalReady(MediaClient& client,
                    const MediaClient::Local& local) override {
    Json("local")
        .Number("id", Of(client).id)
        .Text("ufrag", local.ufrag)
        .Text("pwd", local.pwd)
        .Text("fingerprint", local.fingerprint)
        .List("candidates", local.candidates)
        .Print();
  }

  void OnConnected(MediaClient& client, SrtpProfile profile) override {
    Publisher& publisher = Of(client);
    const auto tell = [id = publisher.id, profile] {
      Json("connected")
          .Number("id", id)
          .Text("profile", SrtpProfileName(profile))
          .Print();
    };
    if (!publisher.data) return tell();
    publisher.data->max_packet = client.max_data();
    publisher.messages.emplace(
        sctp_, *publisher.data, client,
        MessageSender::Handler{
            .open = tell,
            .message = [this](Duration latency) { latency_.Add(latency); }});
  }

  void OnPacket(MediaClient&, const MediaClient::Packet& packet) override {
    Stamp stamp;
    if (ReadPayload(packet.rtp.payload, stamp)) {
      latency_.Add(packet.arrival - stamp.sent);
    } else {
      ++corrupt_;
    }
  }

  void OnRtcp(MediaClient& client, Bytes compound) override {
    if (auto& video = Of(client).video) video->OnRtcp(compound);
  }

  void OnData(MediaClient& client, Bytes packet) override {
    if (auto& messages = Of(client).messages) messages->OnPacket(packet);
  }

  void OnClosed(MediaClient& client, std::string_view why) override {
    Json("closed").Number("id", Of(client).id).Text("why", why).Print();
  }

  // ---- counting
  Totals Count() const {
    Totals totals;
    for (const auto& [id, publisher] : publishers_) {
      const auto& media = publisher->client.counters();
      totals.received += media.received;
      totals.recovered += media.recovered;
      totals.nacks += media.nacks_sent;
      totals.wrong += media.wrong_ssrc + media.wrong_payload_type +
                      media.malformed + media.jumps + media.auth_failures;
      totals.foreign += media.foreign;
      totals.kernel_drops += publisher->client.KernelDrops();
      if (publisher->video) {
        totals.sent += publisher->video->counters().sent;
        totals.resent += publisher->video->counters().resent;
      }
      if (publisher->messages) {
        totals.sent += publisher->messages->counters().sent;
        totals.received += publisher->messages->counters().received;
        totals.wrong += publisher->messages->counters().wrong;
        totals.held_back += publisher->messages->counters().held_back;
      }
    }
    totals.wrong += corrupt_;
    totals.cpu_seconds = OwnCpuSeconds();
    return totals;
  }

  void Mark() {
    marked_at_ = MonotonicNow();
    at_mark_ = Count();
    latency_.Clear();
    late_ = 0;
  }

  void Report() {
    const Totals now = Count();
    const Totals& then = at_mark_;
    std::size_t connected = 0;
    std::uint64_t lost = 0;
    for (const auto& [id, publisher] : publishers_) {
      if (publisher->client.state() == MediaClient::State::kConnected)
        ++connected;
      if (publisher->video) lost += publisher->video->lost();
    }
    const auto micros = [](Duration duration) {
      return static_cast<double>(duration.count()) / 1000;
    };
    Json("report")
        .Number("seconds", Seconds(MonotonicNow() - marked_at_))
        .Number("publishers", publishers_.size())
        .Number("connected", connected)
        .Number("sent", now.sent - then.sent)
        .Number("sentInAll", now.sent)
        // Of these, by the other side's reports.
        .Number("lostInAll", lost)
        .Number("resent", now.resent - then.resent)
        .Number("received", now.received - then.received)
        .Number("recovered", now.recovered - then.recovered)
        .Number("nacks", now.nacks - then.nacks)
        .Number("wrong", now.wrong - then.wrong)
        .Number("foreign", now.foreign - then.foreign)
        .Number("late", late_)
        .Number("heldBack", now.held_back - then.held_back)
        .Number("clientDrops", now.kernel_drops - then.kernel_drops)
        .Number("clientCpu", now.cpu_seconds - then.cpu_seconds)
        .Number("latencyP50", micros(latency_.Quantile(0.5)))
        .Number("latencyP99", micros(latency_.Quantile(0.99)))
        .Print();
  }

  const std::string address_;
  const bool gro_;
  const std::shared_ptr<const MediaClient::Identity> identity_;
  SctpStack sctp_;
  std::map<Id, std::unique_ptr<Publisher>> publishers_;
  std::unordered_map<const MediaClient*, Publisher*> by_client_;
  MediaClientLoop loop_;
  CommandReader commands_;
  bool done_ = false;
  Task task_;
  Histogram latency_;
  std::uint64_t corrupt_ = 0;
  std::uint64_t late_ = 0;
  Timestamp marked_at_{};
  Totals at_mark_;
};

}  // namespace
}  // namespace hg::bench

int main(int argc, char** argv) {
  const bool gro = argc != 3;
  if (argc < 2 || argc > 3 ||
      (!gro && argv[2] != std::string_view("--no-gro"))) {
    std::fputs("publish_client ADDRESS [--no-gro]\n", stderr);
    return 2;
  }
  // Too large for the stack.
  const auto client = std::make_unique<hg::bench::PublishClient>(argv[1], gro);
  client->Run();
  return 0;
}
