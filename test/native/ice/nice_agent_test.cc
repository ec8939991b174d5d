#include "ice/nice_agent.h"

#include <dirent.h>
#include <doctest/doctest.h>
#include <malloc.h>

#include <algorithm>
#include <random>

#include "ice_end.h"
#include "raw_stun.h"

using namespace hg;
using namespace hg::test;

namespace {

constexpr Duration kSoon = 300ms;
// First bytes of RTP, so that the owner takes it.
const std::string kMediaText = "\x80 media";

bool Connected(const IceEnd& end) {
  return end.state() == IceState::kConnected;
}

struct Two {
  explicit Two(IceConfig config_a = IceEnd::Config(true),
               IceConfig config_b = IceEnd::Config(false))
      : a(std::move(config_a)), b(std::move(config_b)) {}

  void Gather() {
    REQUIRE(a.transport->Gather());
    REQUIRE(b.transport->Gather());
    REQUIRE(Run([this] { return a.gathered > 0 && b.gathered > 0; }));
  }
  void Exchange() {
    REQUIRE(a.transport->SetRemote(b.credentials()));
    REQUIRE(b.transport->SetRemote(a.credentials()));
    for (const auto& line : a.candidates) b.transport->AddRemoteCandidate(line);
    for (const auto& line : b.candidates) a.transport->AddRemoteCandidate(line);
    a.transport->SetRemoteGatheringDone();
    b.transport->SetRemoteGatheringDone();
  }
  void Connect() {
    Gather();
    Exchange();
    REQUIRE(Run([this] { return Connected(a) && Connected(b); }));
  }
  bool Run(const std::function<bool()>& done, Duration limit = 10s) {
    return Drive({&a, &b}, done, limit);
  }

  IceEnd a;
  IceEnd b;
};

// One of our ends, and a peer that is nothing but a socket.
struct OneAndRaw {
  explicit OneAndRaw(IceConfig config = IceEnd::Config(true))
      : end(std::move(config)) {
    REQUIRE(end.transport->Gather());
    REQUIRE(Drive({&end}, [this] { return end.gathered > 0; }));
    REQUIRE(end.transport->SetRemote(raw_credentials));
    address = AddressOf(end.candidates.at(0));
  }
  static SocketAddress AddressOf(const std::string& line) {
    const std::string ip = "127.0.0.1 ";
    const std::size_t at = line.find(ip) + ip.size();
    return *SocketAddress::Parse(
        "127.0.0.1", static_cast<std::uint16_t>(std::stoi(line.substr(at))));
  }
  Datagram Check(bool use_candidate = false) const {
    return MakeCheck({.local_ufrag = raw_credentials.ufrag,
                      .remote = end.credentials(),
                      .controlling = false,
                      .use_candidate = use_candidate});
  }
  // Drives for `limit`; every check that arrives is answered.
  bool Run(const std::function<bool()>& done, Duration limit = 5s,
           std::optional<Answer> answer = Answer{}) {
    return Drive(
        {&end},
        [&] {
          SocketAddress from;
          while (const auto datagram = raw.Receive(&from)) {
            if (IsRequest(*datagram)) {
              ++requests;
              last_request = *datagram;
              if (answer)
                raw.SendTo(from, AnswerTo(*datagram, raw_credentials.pwd, from,
                                          *answer));
            }
          }
          return done();
        },
        limit);
  }
  void Connect() {
    REQUIRE(end.transport->AddRemoteCandidate(raw.CandidateLine()));
    REQUIRE(Run([this] { return Connected(end); }));
  }

  const IceRemote raw_credentials{"peer", "passwordOfThePeer1234567"};
  IceEnd end;
  RawSocket raw;
  SocketAddress address;  // of `end`
  int requests = 0;
  Datagram last_request;
};

std::size_t OpenFds() {
  std::size_t count = 0;
  DIR* folder = opendir("/proc/self/fd");
  while (readdir(folder)) ++count;
  closedir(folder);
  return count;
}

std::size_t HeapInUse() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return 0;  // the sanitizer has an allocator of its own, and a leak check
#else
  return mallinfo2().uordblks;
#endif
}

std::vector<int> MediaFds(const IceEnd& end) {
  std::vector<int> fds;
  for (const IceFd& fd : end.transport->fds()) {
    if (fd.kind == FdKind::kMedia) fds.push_back(fd.fd);
  }
  return fds;
}

}  // namespace

TEST_CASE("two agents that trickle find each other and carry datagrams") {
  Two two;
  two.Gather();
  REQUIRE(two.a.candidates.size() == 1);
  CHECK(two.a.candidates[0].starts_with("candidate:"));
  CHECK(two.a.candidates[0].find(" 1 UDP ") != std::string::npos);
  CHECK(two.a.candidates[0].ends_with(" typ host"));
  CHECK(two.a.state() == IceState::kNew);

  two.Exchange();
  REQUIRE(two.Run([&] { return Connected(two.a) && Connected(two.b); }));

  CHECK(two.a.states.front() == IceState::kChecking);
  const auto& selected = two.a.transport->selected();
  CHECK(selected.local_candidate.find("127.0.0.1:") == 0);
  CHECK(selected.local_candidate.ends_with(" [host,udp]"));
  CHECK(selected.remote_candidate.ends_with(" [host,udp]"));
  CHECK(selected.remote == OneAndRaw::AddressOf(two.b.candidates[0]));
  REQUIRE(SendMedia(two.a, kMediaText));
  REQUIRE(two.Run([&] { return two.b.TookMedia(kMediaText); }));
  CHECK(two.b.media[0].validated);
  REQUIRE(SendMedia(two.b, kMediaText));
  REQUIRE(two.Run([&] { return two.a.TookMedia(kMediaText); }));
}

TEST_CASE("media of the selected pair has a socket of its own") {
  Two two;
  two.Gather();
  CHECK(MediaFds(two.a).empty());

  two.Exchange();
  REQUIRE(two.Run([&] { return Connected(two.a) && Connected(two.b); }));

  REQUIRE(MediaFds(two.a).size() == 1);
  CHECK(MediaFds(two.a)[0] != two.a.transport->selected().fd);
  for (const IceFd& fd : two.a.transport->fds())
    CHECK((fd.epoll_events & 1) == 1);  // EPOLLIN
}

TEST_CASE("candidates that come before the credentials are kept") {
  Two two;
  two.Gather();
  for (const auto& line : two.a.candidates)
    CHECK(two.b.transport->AddRemoteCandidate(line));
  for (const auto& line : two.b.candidates)
    CHECK(two.a.transport->AddRemoteCandidate(line));
  two.Run([] { return false; }, 50ms);
  REQUIRE(two.a.transport->SetRemote(two.b.credentials()));
  REQUIRE(two.b.transport->SetRemote(two.a.credentials()));

  CHECK(two.Run([&] { return Connected(two.a) && Connected(two.b); }));
}

TEST_CASE("credentials and candidates may come before gathering") {
  Two two;
  REQUIRE(two.b.transport->Gather());
  REQUIRE(two.Run([&] { return two.b.gathered > 0; }));
  REQUIRE(two.a.transport->SetRemote(two.b.credentials()));
  for (const auto& line : two.b.candidates)
    REQUIRE(two.a.transport->AddRemoteCandidate(line));
  REQUIRE(two.b.transport->SetRemote(two.a.credentials()));

  REQUIRE(two.a.transport->Gather());

  CHECK(two.Run([&] { return Connected(two.a) && Connected(two.b); }));
}

TEST_CASE("one side that knows no candidate learns it from the checks") {
  Two two;
  two.Gather();
  REQUIRE(two.a.transport->SetRemote(two.b.credentials()));
  REQUIRE(two.b.transport->SetRemote(two.a.credentials()));
  for (const auto& line : two.a.candidates)
    REQUIRE(two.b.transport->AddRemoteCandidate(line));

  REQUIRE(two.Run([&] { return Connected(two.a) && Connected(two.b); }));

  CHECK(two.a.transport->selected().remote_candidate.ends_with("[prflx,udp]"));
  const auto remotes = two.a.transport->remote_candidates();
  REQUIRE(remotes.size() == 1);
  CHECK(remotes[0].find(" typ prflx") != std::string::npos);
  REQUIRE(SendMedia(two.b, kMediaText));
  REQUIRE(two.Run([&] { return two.a.TookMedia(kMediaText); }));
  CHECK(two.a.media[0].validated);
}

TEST_CASE("agents that both claim a role settle it") {
  for (const bool controlling : {true, false}) {
    CAPTURE(controlling);
    IceConfig config = IceEnd::Config(controlling);
    config.times.consent_interval = 50ms;
    Two two(config, config);
    two.Connect();

    // The one whose role was changed does not know; its consent checks show it.
    REQUIRE(two.Run([&] {
      return two.a.transport->counters().consent_answers > 3 &&
             two.b.transport->counters().consent_answers > 3;
    }));

    CHECK(Connected(two.a));
    CHECK(Connected(two.b));
  }
}

TEST_CASE("what ICE reads itself and is not STUN comes to the observer") {
  Two two;
  two.Connect();
  const std::string text = "\x50 is no media";

  REQUIRE(two.a.transport->Send(
      Bytes(reinterpret_cast<const std::uint8_t*>(text.data()), text.size())));

  CHECK(two.Run([&] { return !two.b.datagrams.empty(); }));
  CHECK(two.b.datagrams == std::vector<std::string>{text});
}

TEST_CASE("a stranger is not validated, and its datagrams go nowhere") {
  Two two;
  two.Connect();
  RawSocket stranger;
  const auto to = OneAndRaw::AddressOf(two.b.candidates[0]);
  const Datagram media{0x80, 1, 2, 3};

  CHECK(!two.b.transport->IsValidatedRemote(two.b.transport->selected().fd,
                                            stranger.address()));
  CHECK(two.b.transport->IsValidatedRemote(two.b.transport->selected().fd,
                                           two.b.transport->selected().remote));
  REQUIRE(stranger.SendTo(to, media));
  REQUIRE(two.Run([&] { return !two.b.media.empty(); }));
  CHECK(!two.b.media[0].validated);
  const std::string text = "\x50 is no media";
  REQUIRE(stranger.SendTo(to, Datagram{0x50, 1, 2, 3}));
  REQUIRE(stranger.SendTo(to, Datagram{}));
  REQUIRE(two.a.transport->Send(
      Bytes(reinterpret_cast<const std::uint8_t*>(text.data()), text.size())));
  REQUIRE(two.Run([&] { return !two.b.datagrams.empty(); }));
  CHECK(two.b.datagrams == std::vector<std::string>{text});
}

TEST_CASE("a check with a wrong password validates nobody") {
  OneAndRaw one;
  IceRemote wrong = one.end.credentials();
  wrong.pwd[0] = wrong.pwd[0] == 'a' ? 'b' : 'a';

  one.raw.SendTo(one.address,
                 MakeCheck({.local_ufrag = "peer", .remote = wrong}));
  one.Run([] { return false; }, 50ms);
  CHECK(!one.end.transport->IsValidatedRemote(0, one.raw.address()));

  one.raw.SendTo(one.address, one.Check());
  CHECK(one.Run([&] {
    return one.end.transport->IsValidatedRemote(0, one.raw.address());
  }));
}

TEST_CASE("candidates that cannot be used are refused and do no harm") {
  OneAndRaw one;
  IceTransport& ice = *one.end.transport;

  CHECK(
      !ice.AddRemoteCandidate("candidate:1 1 udp 1 8c0b.local 5000 typ host"));
  CHECK(!ice.AddRemoteCandidate(
      "candidate:1 1 tcp 1 192.0.2.1 9 typ host tcptype active"));
  CHECK(!ice.AddRemoteCandidate("candidate:1 2 udp 1 192.0.2.1 5000 typ host"));
  CHECK(!ice.AddRemoteCandidate("garbage"));
  CHECK(!ice.AddRemoteCandidate(
      "candidate:1 1 udp 1 192.0.2.1 5000 typ host ufrag another"));
  CHECK(ice.remote_candidates().empty());
  CHECK(ice.AddRemoteCandidate(
      "a=candidate:1 1 udp 1 192.0.2.1 5000 typ host ufrag peer"));
  CHECK(ice.AddRemoteCandidate("candidate:1 1 udp 1 192.0.2.1 5000 typ host"));
  CHECK(ice.remote_candidates().size() == 1);
}

TEST_CASE("a peer cannot pile up candidates") {
  for (const bool early : {true, false}) {
    CAPTURE(early);
    IceEnd end(IceEnd::Config(true));
    REQUIRE(end.transport->Gather());
    const IceRemote remote{"peer", "passwordOfThePeer1234567"};
    if (!early) REQUIRE(end.transport->SetRemote(remote));

    int accepted = 0;
    for (int i = 1; i <= 1000; ++i)
      accepted += end.transport->AddRemoteCandidate(
          "candidate:1 1 udp 1000 192.0.2.1 " + std::to_string(i) +
          " typ host");
    if (early) REQUIRE(end.transport->SetRemote(remote));

    CHECK(accepted == IceTransport::kMaxRemoteCandidates);
    CHECK(end.transport->counters().remote_candidates_refused ==
          1000 - IceTransport::kMaxRemoteCandidates);
    CHECK(end.transport->remote_candidates().size() ==
          IceTransport::kMaxRemoteCandidates);
  }
}

TEST_CASE("credentials that RFC 8839 does not allow are refused") {
  OneAndRaw one;
  const std::string pwd = "passwordOfThePeer1234567";

  CHECK(!one.end.transport->SetRemote({"", pwd}));
  CHECK(!one.end.transport->SetRemote({"abc", pwd}));
  CHECK(!one.end.transport->SetRemote({"peer", "short"}));
  CHECK(!one.end.transport->SetRemote({"pe er", pwd}));
  CHECK(!one.end.transport->SetRemote({std::string(257, 'a'), pwd}));
  CHECK(!one.end.transport->SetRemote({"peer", std::string(257, 'a')}));
  CHECK(one.end.transport->SetRemote(
      {std::string(256, 'a'), std::string(256, 'b')}));
}

TEST_CASE("a restart gives new credentials and keeps the old pair meanwhile") {
  Two two;
  two.Connect();
  const IceRemote before_a = two.a.credentials();
  const auto fds = std::vector<IceFd>(two.a.transport->fds().begin(),
                                      two.a.transport->fds().end());
  const auto candidates = two.a.candidates;
  const auto old_remote = two.a.transport->selected().remote;

  two.a.transport->Restart();
  two.b.transport->Restart();
  CHECK(two.a.credentials().ufrag != before_a.ufrag);
  CHECK(two.a.credentials().pwd != before_a.pwd);
  REQUIRE(two.Run([&] { return two.a.gathered > 1 && two.b.gathered > 1; }));
  CHECK(two.a.candidates == candidates);
  CHECK(Connected(two.a));
  CHECK(two.a.transport->IsValidatedRemote(0, old_remote));
  REQUIRE(SendMedia(two.a, kMediaText));
  REQUIRE(two.Run([&] { return two.b.TookMedia(kMediaText); }));
  CHECK(two.b.media[0].validated);

  const int changes = two.a.changes;
  two.Exchange();
  REQUIRE(two.Run([&] { return two.a.changes > changes + 1; }));
  two.Run([] { return false; }, kSoon);

  CHECK(Connected(two.a));
  CHECK(Connected(two.b));
  CHECK(std::equal(fds.begin(), fds.end(), two.a.transport->fds().begin(),
                   two.a.transport->fds().end()));
  REQUIRE(SendMedia(two.b, kMediaText));
  CHECK(two.Run([&] { return two.a.TookMedia(kMediaText); }));
}

TEST_CASE("a candidate of the generation before a restart is not taken") {
  Two two;
  two.Connect();
  const std::string stale =
      two.b.candidates[0] + " ufrag " + two.b.credentials().ufrag;
  two.a.transport->Restart();
  two.b.transport->Restart();

  CHECK(two.a.transport->AddRemoteCandidate(stale));  // whose, is not known yet
  REQUIRE(two.a.transport->SetRemote(two.b.credentials()));
  CHECK(two.a.transport->remote_candidates().empty());
  CHECK(!two.a.transport->AddRemoteCandidate(stale));
  CHECK(two.a.transport->AddRemoteCandidate(two.b.candidates[0]));
}

// The one that waits for the network's own times: 10 s.
TEST_CASE("a peer that dies is reported as disconnected after ten seconds") {
  Two two;
  two.Connect();
  two.b.transport.reset();
  const Timestamp start = MonotonicNow();

  REQUIRE(
      two.Run([&] { return two.a.state() == IceState::kDisconnected; }, 15s));

  CHECK(MonotonicNow() - start > 4s);
  CHECK(MonotonicNow() - start < 11s);
}

TEST_CASE("a peer that was away for a while is taken back") {
  IceConfig config = IceEnd::Config(true);
  config.times.consent_interval = 50ms;
  config.times.consent_retry = 20ms;
  config.times.consent_quiet = 200ms;
  Two two(config);
  two.Connect();

  REQUIRE(Drive({&two.a},
                [&] { return two.a.state() == IceState::kDisconnected; }));
  CHECK(two.a.transport->selected().fd >= 0);
  REQUIRE(two.Run([&] { return Connected(two.a); }));

  REQUIRE(SendMedia(two.a, kMediaText));
  CHECK(two.Run([&] { return two.b.TookMedia(kMediaText); }));
}

TEST_CASE("consent that is lost for good comes back with a restart only") {
  IceConfig config = IceEnd::Config(true);
  config.times.consent_interval = 50ms;
  config.times.consent_retry = 20ms;
  config.times.consent_quiet = 100ms;
  config.times.consent_lifetime = 200ms;
  Two two(config);
  two.Connect();
  REQUIRE(Drive({&two.a},
                [&] { return two.a.state() == IceState::kDisconnected; }));
  Drive(
      {&two.a}, [] { return false; }, 250ms);

  two.Run([] { return false; }, 200ms);
  CHECK(two.a.state() == IceState::kDisconnected);
  two.a.transport->Restart();
  two.b.transport->Restart();
  two.Exchange();

  CHECK(two.Run([&] { return Connected(two.a) && Connected(two.b); }));
}

TEST_CASE("ICE that finds nobody fails after its patience, and may recover") {
  IceConfig config = IceEnd::Config(true);
  config.times.patience = 200ms;
  OneAndRaw one(config);
  RawSocket nobody;
  REQUIRE(one.end.transport->AddRemoteCandidate(nobody.CandidateLine()));
  const Timestamp start = MonotonicNow();

  REQUIRE(one.Run([&] { return one.end.state() == IceState::kFailed; }));

  CHECK(MonotonicNow() - start > 150ms);
  CHECK(one.end.states == std::vector{IceState::kChecking, IceState::kFailed});
  one.Connect();
}

// libnice calls it failed when all pairs have; a trickled one may still come.
TEST_CASE("a late candidate still connects") {
  OneAndRaw one;
  RawSocket nobody;
  REQUIRE(one.end.transport->AddRemoteCandidate(nobody.CandidateLine(100)));
  one.Run([] { return false; }, kSoon);
  CHECK(one.end.state() == IceState::kChecking);

  one.Connect();

  CHECK(one.end.transport->selected().remote == one.raw.address());
}

TEST_CASE("ports are taken from the range, and its end is reported") {
  // Two ports that are free now, beside each other.
  std::vector<std::unique_ptr<IceEnd>> ends;
  std::uint16_t first = 0;
  for (int i = 0; i < 200 && first == 0; ++i) {
    IceConfig config = IceEnd::Config(true);
    config.port_min = static_cast<std::uint16_t>(20000 + 7 * i);
    config.port_max = static_cast<std::uint16_t>(config.port_min + 1);
    ends.clear();
    for (int k = 0; k < 2; ++k) {
      ends.push_back(std::make_unique<IceEnd>(config));
      if (!ends.back()->transport->Gather()) break;
      first = k == 1 ? config.port_min : first;
    }
  }
  REQUIRE(first != 0);

  IceConfig config = IceEnd::Config(true);
  config.port_min = first;
  config.port_max = static_cast<std::uint16_t>(first + 1);
  IceEnd third(config);
  const bool gathered = third.transport->Gather();

  CHECK(!gathered);
  CHECK(third.gathering_failure.find(std::to_string(first) + "-") !=
        std::string::npos);
  CHECK(third.gathering_failure.find("no port is free") != std::string::npos);
  for (const auto& end : ends) {
    REQUIRE(Drive({end.get()}, [&] { return end->gathered > 0; }));
    const auto port =
        LoadU16(OneAndRaw::AddressOf(end->candidates[0]).key().data() + 16);
    CHECK((port == first || port == first + 1));
  }
  ends.pop_back();
  CHECK(third.transport->Gather());
}

TEST_CASE("an address that cannot be gathered on is reported") {
  for (const std::string address : {"192.0.2.77", "localhost", ""}) {
    CAPTURE(address);
    IceConfig config = IceEnd::Config(true);
    config.local_addresses = {address};
    IceEnd end(config);

    CHECK(!end.transport->Gather());
    CHECK(end.gathering_failure.find(address) != std::string::npos);
    CHECK(end.transport->fds().size() <= 1);
  }
}

TEST_CASE("one address of two is enough") {
  IceConfig config = IceEnd::Config(true);
  config.local_addresses = {"192.0.2.77", "127.0.0.1"};
  config.port_min = 20000;
  config.port_max = 40000;
  IceEnd end(config);

  REQUIRE(end.transport->Gather());

  REQUIRE(Drive({&end}, [&] { return end.gathered > 0; }));
  CHECK(end.candidates.size() == 1);
}

TEST_CASE("two addresses give two candidates on the same port") {
  IceConfig config = IceEnd::Config(true);
  config.local_addresses = {"127.0.0.1", "127.0.0.2"};
  config.port_min = 20000;
  config.port_max = 40000;
  Two two(config);

  two.Connect();

  CHECK(two.a.candidates.size() == 2);
  CHECK(!MediaFds(two.a).empty());
}

TEST_CASE("IPv6 connects") {
  IceConfig config_a = IceEnd::Config(true);
  IceConfig config_b = IceEnd::Config(false);
  config_a.local_addresses = config_b.local_addresses = {"::1"};
  Two two(config_a, config_b);
  if (!two.a.transport->Gather()) {
    MESSAGE("this machine has no ::1");
    return;
  }

  two.Connect();

  CHECK(two.a.transport->selected().remote_candidate.starts_with("[::1]:"));
}

TEST_CASE("a connected transport sleeps most of the time") {
  Two two;
  two.Connect();
  two.Run([] { return false; }, 500ms);  // the last checks
  const int before = two.a.iterations;

  two.Run([] { return false; }, 1s);

  CHECK(two.a.iterations - before < 10);
}

TEST_CASE("agents come and go without leaving fds or memory behind") {
  const auto cycle = [] {
    Two two;
    two.Gather();
    two.Exchange();
    two.Run([] { return false; }, 1ms);
  };
  for (int i = 0; i < 20; ++i) cycle();
  const std::size_t fds = OpenFds();
  const std::size_t heap = HeapInUse();

  for (int i = 0; i < 100; ++i) cycle();

  CHECK(OpenFds() == fds);
  CHECK(HeapInUse() < heap + 20'000);
}

TEST_CASE("an agent that never gathered or was only asked leaves nothing") {
  const auto cycle = [] {
    IceEnd end(IceEnd::Config(true));
    end.transport->Iterate();
    end.transport->Restart();
    CHECK(!end.transport->Send(Datagram{1, 2, 3}));
    CHECK(!end.transport->IsValidatedRemote(0, {}));
    CHECK(end.transport->selected().fd == -1);
  };
  cycle();
  const std::size_t fds = OpenFds();

  for (int i = 0; i < 10; ++i) cycle();

  CHECK(OpenFds() == fds);
}

// ---- peers that mean harm ---------------------------------------------------

// With libnice's own consent checks this ends the process.
TEST_CASE("403 to the first check is survived") {
  OneAndRaw one;
  REQUIRE(one.end.transport->AddRemoteCandidate(one.raw.CandidateLine()));

  one.Run([&] { return one.requests > 1; }, 200ms, Answer{.error = 403});

  CHECK(one.requests > 0);
  CHECK(!Connected(one.end));
}

// With libnice's own consent checks this ends the process.
TEST_CASE("a check that succeeds after consent was lost is survived") {
  IceConfig config = IceEnd::Config(true);
  config.times.consent_interval = 50ms;
  config.times.consent_retry = 20ms;
  config.times.consent_quiet = 100ms;
  config.times.consent_lifetime = 200ms;
  OneAndRaw one(config);
  REQUIRE(one.end.transport->AddRemoteCandidate(one.raw.CandidateLine(1000)));
  REQUIRE(one.Run([&] { return Connected(one.end); }));
  RawSocket second;
  REQUIRE(one.end.transport->AddRemoteCandidate(second.CandidateLine()));
  std::optional<Datagram> held;
  SocketAddress from;

  REQUIRE(one.Run(
      [&] {
        if (!held) held = second.Receive(&from);
        return one.end.state() == IceState::kDisconnected;
      },
      5s, std::nullopt));
  one.Run([] { return false; }, 200ms, std::nullopt);
  REQUIRE(held);
  second.SendTo(from, AnswerTo(*held, one.raw_credentials.pwd, from));

  CHECK(one.Run([&] { return Connected(one.end); }, 5s, std::nullopt));
  CHECK(one.end.transport->selected().remote == second.address());
}

TEST_CASE("a peer that takes consent back is disconnected at once") {
  IceConfig config = IceEnd::Config(true);
  config.times.consent_interval = 50ms;
  OneAndRaw one(config);
  one.Connect();

  CHECK(one.Run([&] { return one.end.state() == IceState::kDisconnected; }, 5s,
                Answer{.error = 403}));
}

TEST_CASE("checks from ever new addresses end ICE, not the machine") {
  OneAndRaw one;
  one.Connect();
  std::vector<RawSocket> sockets(300);

  std::size_t next = 0;
  REQUIRE(one.Run([&] {
    for (int i = 0; i < 20 && next < sockets.size(); ++i)
      sockets[next++].SendTo(one.address, one.Check());
    return one.end.state() == IceState::kDisconnected;
  }));
  CHECK(next < sockets.size());
  one.Run([] { return false; }, 50ms);

  CHECK(one.end.transport->fds().size() <= 1);
  CHECK(one.end.transport->remote_candidates().empty());
  CHECK(one.end.transport->selected().fd == -1);
  CHECK(!one.end.transport->IsValidatedRemote(0, one.raw.address()));
  CHECK(!one.end.transport->SetRemote(one.raw_credentials));
  CHECK(!one.end.transport->AddRemoteCandidate(one.raw.CandidateLine()));
  CHECK(!one.end.transport->Gather());
  CHECK(!one.end.transport->Send(Datagram{1}));
  one.end.transport->Restart();
  one.end.transport->Iterate();
}

TEST_CASE("an overflowing socket is emptied, and media is not lost") {
  OneAndRaw one;
  one.Connect();
  RawSocket stranger;
  const Datagram media{0x80, 1, 2, 3};
  one.raw.SendTo(one.address, media);
  for (int i = 0; i < 1000; ++i) stranger.SendTo(one.address, one.Check());

  REQUIRE(one.Run(
      [&] { return one.end.transport->counters().flood_dropped > 50; }));

  REQUIRE(one.Run([&] { return !one.end.media.empty(); }));
  CHECK(one.end.transport->remote_candidates().size() < 3);
  CHECK(Connected(one.end));
  one.raw.SendTo(one.address, Datagram{0x50});  // the socket is open again
  CHECK(one.Run([&] { return !one.end.datagrams.empty(); }));
}

TEST_CASE("a peer that answers at random does not end the process") {
  std::mt19937 random(3);
  const auto chance = [&random](unsigned of) { return random() % of == 0; };
  for (int round = 0; round < 12; ++round) {
    CAPTURE(round);
    IceConfig config = IceEnd::Config(chance(2));
    config.times.consent_interval = 20ms;
    config.times.consent_retry = 10ms;
    config.times.consent_quiet = 40ms;
    config.times.consent_lifetime = 80ms;
    config.times.patience = 60ms;
    OneAndRaw one(config);
    std::vector<RawSocket> sockets(4);
    std::vector<std::pair<std::size_t, Datagram>> held;
    one.end.transport->AddRemoteCandidate(sockets[0].CandidateLine(1000));
    Timestamp next = MonotonicNow();

    Drive(
        {&one.end},
        [&] {
          for (std::size_t i = 0; i < sockets.size(); ++i) {
            SocketAddress from;
            while (const auto datagram = sockets[i].Receive(&from)) {
              if (!IsRequest(*datagram) || chance(3)) continue;
              Answer answer;
              constexpr int kErrors[] = {0, 0, 0, 0, 400, 401, 403, 487, 500};
              answer.error = kErrors[random() % std::size(kErrors)];
              if (chance(4)) answer.mapped = sockets[random() % 4].address();
              if (chance(10))
                answer.mapped = SocketAddress::Parse("2001:db8::1", 7);
              Datagram bytes =
                  AnswerTo(*datagram, one.raw_credentials.pwd, from, answer);
              if (chance(8)) bytes[random() % bytes.size()] ^= 1;
              if (chance(8)) bytes.resize(random() % bytes.size());
              if (chance(3))
                held.emplace_back(random() % 4, bytes);
              else
                sockets[i].SendTo(from, bytes);
            }
          }
          if (MonotonicNow() < next) return false;
          next = MonotonicNow() + 3ms;
          const RawSocket& socket = sockets[random() % 4];
          switch (random() % 5) {
            case 0:
              one.end.transport->AddRemoteCandidate(socket.CandidateLine(
                  static_cast<std::uint32_t>(random() % 0x7fffffff)));
              break;
            case 1:
              socket.SendTo(one.address,
                            MakeCheck({.local_ufrag = "peer",
                                       .remote = one.end.credentials(),
                                       .controlling = chance(2),
                                       .use_candidate = chance(2)}));
              break;
            case 2:
              if (!held.empty()) {
                sockets[held.back().first].SendTo(one.address,
                                                  held.back().second);
                held.pop_back();
              }
              break;
            case 3:
              if (chance(15)) {
                one.end.transport->Restart();
                if (chance(2))
                  one.end.transport->SetRemote(one.raw_credentials);
              } else if (chance(15)) {
                one.end.transport->SetRemote(one.raw_credentials);
              }
              break;
            default: {
              Datagram noise(random() % 200);
              for (auto& byte : noise)
                byte = static_cast<std::uint8_t>(random());
              if (!noise.empty() && chance(2)) noise[0] = 0;
              socket.SendTo(one.address, noise);
            }
          }
          return false;
        },
        200ms);
  }
}
