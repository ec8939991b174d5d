#include "ice/nice_agent.h"

#include <agent.h>
#include <linux/filter.h>
#include <linux/sock_diag.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <numeric>
#include <utility>

#include "base/check.h"
#include "ice/candidate.h"
#include "ice/consent.h"
#include "ice/media_socket.h"

namespace hg {
namespace {

constexpr guint kComponent = 1;
// Dispatches of one Iterate(). What is left over is due at once.
constexpr int kMaxRounds = 4;
// Closing takes two rounds as long as there is no relay to take leave of.
constexpr int kMaxClosingRounds = 16;
// Peer-reflexive addresses that an honest peer does not reach.
constexpr std::size_t kUnsuspicious = 8;
// Ports that are tried before a range counts as used up; 4 µs each.
constexpr int kMaxPortTries = 512;
// RFC 8839 s5.4.
constexpr std::size_t kMinUfrag = 4;
constexpr std::size_t kMinPwd = 22;
constexpr std::size_t kMaxCredential = 256;
constexpr std::size_t kStunHeader = 20;
// libnice wakes up every 20 ms for this long after its last check, in
// milliseconds: its default, for candidates that are still on their way; and
// once there is a pair.
constexpr guint kIdleTimeout = 5000;
constexpr guint kIdleTimeoutWithPair = 100;

// GLib's calls want the context owned by the calling thread. What libnice
// starts with a GTask completes on the thread's default context.
class OwnContext {
 public:
  explicit OwnContext(GMainContext* context) : context_(context) {
    g_main_context_push_thread_default(context_);
  }
  ~OwnContext() { g_main_context_pop_thread_default(context_); }
  OwnContext(const OwnContext&) = delete;
  OwnContext& operator=(const OwnContext&) = delete;

 private:
  GMainContext* context_;
};

struct CandidateListDeleter {
  void operator()(GSList* list) const {
    g_slist_free_full(list, [](gpointer candidate) {
      nice_candidate_free(static_cast<NiceCandidate*>(candidate));
    });
  }
};
using CandidateList = std::unique_ptr<GSList, CandidateListDeleter>;

template <typename F>
void ForEach(const CandidateList& list, F f) {
  for (const GSList* i = list.get(); i; i = i->next)
    f(static_cast<NiceCandidate*>(i->data));
}

SocketAddress ToSocketAddress(const NiceAddress& address) {
  SocketAddress result;
  nice_address_copy_to_sockaddr(&address,
                                reinterpret_cast<sockaddr*>(&result.storage));
  result.length = result.storage.ss_family == AF_INET6 ? sizeof(sockaddr_in6)
                                                       : sizeof(sockaddr_in);
  return result;
}

NiceAddress ToNiceAddress(const SocketAddress& address) {
  NiceAddress result;
  nice_address_init(&result);
  nice_address_set_from_sockaddr(&result, address.get());
  return result;
}

NiceCandidateType ToNiceType(CandidateType type) {
  switch (type) {
    case CandidateType::kHost:
      return NICE_CANDIDATE_TYPE_HOST;
    case CandidateType::kSrflx:
      return NICE_CANDIDATE_TYPE_SERVER_REFLEXIVE;
    case CandidateType::kPrflx:  // libnice refuses one that is signalled
      return NICE_CANDIDATE_TYPE_SERVER_REFLEXIVE;
    case CandidateType::kRelay:
      break;
  }
  return NICE_CANDIDATE_TYPE_RELAYED;
}

const char* TypeText(NiceCandidateType type) {
  switch (type) {
    case NICE_CANDIDATE_TYPE_HOST:
      return "host";
    case NICE_CANDIDATE_TYPE_SERVER_REFLEXIVE:
      return "srflx";
    case NICE_CANDIDATE_TYPE_PEER_REFLEXIVE:
      return "prflx";
    case NICE_CANDIDATE_TYPE_RELAYED:
      break;
  }
  return "relay";
}

std::string Describe(const NiceCandidate& candidate) {
  return ToSocketAddress(candidate.addr).ToString() + " [" +
         TypeText(candidate.type) +
         (candidate.transport == NICE_CANDIDATE_TRANSPORT_UDP ? ",udp]"
                                                              : ",tcp]");
}

std::string SdpLine(NiceAgent* agent, NiceCandidate* candidate) {
  gchar* text = nice_agent_generate_local_candidate_sdp(agent, candidate);
  std::string line = text;
  g_free(text);
  if (line.starts_with("a=")) line.erase(0, 2);
  return line;
}

bool IsIceCredential(const std::string& text, std::size_t least) {
  return text.size() >= least && text.size() <= kMaxCredential &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return c > ' ' && c <= '~'; });
}

// The next datagram, or as much of it as fits; `from` without length if there
// was none.
Bytes Receive(int fd, int flags, MutableBytes buffer, SocketAddress* from) {
  from->length = sizeof from->storage;
  const ssize_t size =
      recvfrom(fd, buffer.data(), buffer.size(), flags | MSG_DONTWAIT,
               reinterpret_cast<sockaddr*>(&from->storage), &from->length);
  if (size < 0) {
    from->length = 0;
    return {};
  }
  return Bytes(buffer.data(), static_cast<std::size_t>(size));
}

// While it lives, the socket takes no further datagram. (A filter that the
// owner of the socket attached would be gone afterwards.)
class ClosedForNew {
 public:
  explicit ClosedForNew(int fd) : fd_(fd) {
    sock_filter drop_all = {BPF_RET | BPF_K, 0, 0, 0};
    const sock_fprog program{1, &drop_all};
    setsockopt(fd_, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
  }
  ~ClosedForNew() {
    if (fd_ < 0) return;
    const int unused = 0;
    setsockopt(fd_, SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof unused);
  }
  ClosedForNew(ClosedForNew&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)) {}
  ClosedForNew& operator=(ClosedForNew&&) = delete;

 private:
  int fd_;
};

// True if more than half of the receive buffer is in use.
bool IsCrowded(int fd) {
  std::array<std::uint32_t, SK_MEMINFO_VARS> info{};
  socklen_t size = sizeof info;
  return getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info.data(), &size) == 0 &&
         info[SK_MEMINFO_RMEM_ALLOC] > info[SK_MEMINFO_RCVBUF] / 2;
}

// 0, or the errno of a UDP socket at `address`.
int TryBind(const SocketAddress& address) {
  const int fd =
      socket(address.storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  const int error = bind(fd, address.get(), address.length) < 0 ? errno : 0;
  close(fd);
  return error;
}

class NiceIceTransport final : public IceTransport {
 public:
  NiceIceTransport(IceConfig config, Observer& observer);
  ~NiceIceTransport() override;
  NiceIceTransport(const NiceIceTransport&) = delete;
  NiceIceTransport& operator=(const NiceIceTransport&) = delete;

  bool Gather() override;
  const std::string& local_ufrag() const override { return local_.ufrag; }
  const std::string& local_pwd() const override { return local_.pwd; }
  bool SetRemote(const IceRemote& remote) override;
  bool AddRemoteCandidate(const std::string& line) override;
  void SetRemoteGatheringDone() override;
  void Restart() override;
  std::span<const IceFd> fds() const override { return fds_; }
  void Iterate() override;
  std::optional<Timestamp> NextTimeout(Timestamp now) override;
  bool IsValidatedRemote(int fd, const SocketAddress& from) const override;
  const Selected& selected() const override { return selected_; }
  std::optional<Duration> round_trip() const override {
    return consent_.round_trip();
  }
  bool Send(Bytes datagram) override;
  std::vector<std::string> remote_candidates() const override;
  const IceCounters& counters() const override { return counters_; }

 private:
  static void OnGatheringDone(NiceAgent*, guint stream, gpointer self);
  static void OnComponentState(NiceAgent*, guint stream, guint component,
                               guint state, gpointer self);
  static void OnSelectedPair(NiceAgent*, guint stream, guint component,
                             NiceCandidate* local, NiceCandidate* remote,
                             gpointer self);
  static void OnRemoteCandidate(NiceAgent*, NiceCandidate*, gpointer self);
  static void OnReceived(NiceAgent*, guint stream, guint component, guint size,
                         gchar* bytes, gpointer self);

  bool OpenSockets(std::string* why);
  std::string WhyNoSocket(int error) const;
  int PickPort(int* error) const;
  void ReadLocalCredentials();
  bool HandOn(std::span<const RemoteCandidate> candidates);
  void Requery();
  void ReadFds();
  void ReadSelected(Timestamp now);
  void ReadRemotes();
  void RunConsent(Timestamp now);
  void TakeConsentAnswers();
  std::vector<ClosedForNew> HoldFloodBack();
  void OpenMediaSocket();
  bool IsUdp(int fd) const;
  bool HeadIsFromStranger(int fd) const;
  void Drain(int fd);
  void EndForGood();
  IceState ComputeState(Timestamp now) const;
  void Report(Timestamp now);

  const IceConfig config_;
  Observer& observer_;
  GMainContext* const context_;
  NiceAgent* agent_ = nullptr;
  guint stream_ = 0;
  std::vector<SocketAddress> local_addresses_;
  IceRemote local_;
  IceRemote remote_;
  IceCounters counters_;

  bool opened_ = false;      // sockets are bound
  bool has_remote_ = false;  // credentials of this generation
  bool has_pair_ = false;
  bool was_connected_ = false;
  bool restarting_ = false;  // and the old pair is still the selected one
  bool failed_in_libnice_ = false;
  bool ended_ = false;
  bool dispatching_ = false;
  std::optional<Timestamp> patience_ends_;
  IceState state_ = IceState::kNew;

  // What libnice signalled since the last Report().
  bool gathering_done_ = false;
  bool pair_selected_ = false;  // a check on it has just succeeded
  bool pair_changed_ = false;   // or it may be gone
  bool remotes_changed_ = false;
  bool changed_ = false;

  // Candidates that came before the credentials, or all of this generation.
  std::vector<RemoteCandidate> waiting_;
  std::vector<SocketAddress::Key> signalled_;
  std::vector<SocketAddress::Key> validated_;
  mutable std::size_t last_hit_ = 0;

  std::vector<GPollFD> poll_fds_;
  std::vector<GPollFD> known_poll_fds_;
  int poll_count_ = 0;
  gint priority_ = 0;
  std::optional<Timestamp> glib_due_;
  std::vector<int> udp_fds_;        // libnice's
  std::vector<MediaSocket> media_;  // beside those that were ever selected
  std::vector<IceFd> fds_;
  Selected selected_;
  Consent consent_;
};

NiceIceTransport::NiceIceTransport(IceConfig config, Observer& observer)
    : config_(std::move(config)),
      observer_(observer),
      context_(g_main_context_new()),
      consent_(config_.times) {
  const OwnContext own(context_);
  // Not NICE_AGENT_OPTION_CONSENT_FRESHNESS: see consent.h.
  agent_ = nice_agent_new_full(context_, NICE_COMPATIBILITY_RFC5245,
                               NICE_AGENT_OPTION_ICE_TRICKLE);
  g_object_set(agent_, "controlling-mode",
               static_cast<gboolean>(config_.controlling), "upnp", FALSE,
               "ice-udp", TRUE, "ice-tcp", FALSE, nullptr);
  stream_ = nice_agent_add_stream(agent_, 1);
  g_signal_connect(agent_, "candidate-gathering-done",
                   G_CALLBACK(OnGatheringDone), this);
  g_signal_connect(agent_, "component-state-changed",
                   G_CALLBACK(OnComponentState), this);
  g_signal_connect(agent_, "new-selected-pair-full", G_CALLBACK(OnSelectedPair),
                   this);
  g_signal_connect(agent_, "new-remote-candidate-full",
                   G_CALLBACK(OnRemoteCandidate), this);
  nice_agent_attach_recv(agent_, stream_, kComponent, context_, OnReceived,
                         this);
  ReadLocalCredentials();
  Requery();
}

NiceIceTransport::~NiceIceTransport() {
  {
    const OwnContext own(context_);
    g_signal_handlers_disconnect_by_data(agent_, this);
    if (!ended_)
      nice_agent_attach_recv(agent_, stream_, kComponent, context_, nullptr,
                             nullptr);
    bool closed = false;
    nice_agent_close_async(
        agent_,
        [](GObject*, GAsyncResult*, gpointer flag) {
          *static_cast<bool*>(flag) = true;
        },
        &closed);
    for (int i = 0; i < kMaxClosingRounds && !closed; ++i)
      g_main_context_iteration(context_, FALSE);
    g_object_unref(agent_);
  }
  g_main_context_unref(context_);
}

// libnice would try every port of the range on this thread, and reads the list
// of interfaces for each (60 µs). So a port is picked first.
bool NiceIceTransport::Gather() {
  HG_CHECK(!dispatching_);
  if (opened_ || ended_) return !ended_;
  const OwnContext own(context_);
  std::string why;
  opened_ = OpenSockets(&why);
  Requery();
  if (!opened_) observer_.OnIceGatheringFailed(why);
  return opened_;
}

bool NiceIceTransport::OpenSockets(std::string* why) {
  if (local_addresses_.empty()) {
    for (const std::string& text : config_.local_addresses) {
      const auto address = SocketAddress::Parse(text, 0);
      if (!address) {
        *why = "\"" + text + "\" is no IP address";
        local_addresses_.clear();
        return false;
      }
      local_addresses_.push_back(*address);
    }
    if (local_addresses_.empty()) {
      *why = "no local address to gather on";
      return false;
    }
    for (const SocketAddress& address : local_addresses_) {
      NiceAddress nice = ToNiceAddress(address);
      nice_agent_add_local_address(agent_, &nice);
    }
  }
  int error = 0;
  // Another process may take the port in between: once more, then.
  for (int i = 0; i < 3; ++i) {
    const int port = PickPort(&error);
    if (port < 0) break;
    nice_agent_set_port_range(agent_, stream_, kComponent,
                              static_cast<guint>(port),
                              static_cast<guint>(port));
    if (nice_agent_gather_candidates(agent_, stream_)) return true;
    error = EADDRINUSE;
  }
  *why = WhyNoSocket(error);
  return false;
}

std::string NiceIceTransport::WhyNoSocket(int error) const {
  std::string why = "no UDP socket could be opened on ";
  for (std::size_t i = 0; i < config_.local_addresses.size(); ++i)
    why += (i ? ", " : "") + config_.local_addresses[i];
  if (config_.port_min != 0)
    why += " in the port range " + std::to_string(config_.port_min) + "-" +
           std::to_string(config_.port_max);
  switch (error) {
    case EADDRINUSE:
      return why + ": no port is free";
    case EADDRNOTAVAIL:
      return why + ": this machine does not have the address";
    default:
      return why + ": " + g_strerror(error);
  }
}

// A port that is free on every local address that can be bound at all; 0 if
// the kernel may choose; -1 and the reason if there is none.
int NiceIceTransport::PickPort(int* error) const {
  std::vector<SocketAddress> usable;
  for (const SocketAddress& address : local_addresses_) {
    *error = TryBind(address);
    if (*error == 0) usable.push_back(address);
  }
  if (usable.empty()) return -1;
  if (config_.port_min == 0 && config_.port_max == 0) return 0;

  const int size = config_.port_max - config_.port_min + 1;
  if (size <= 0) {
    *error = EINVAL;
    return -1;
  }
  // A random walk that meets every port once, so that neither neighbours nor
  // gateways started together collide often.
  const int start = g_random_int_range(0, size);
  int stride = g_random_int_range(1, size + 1);
  while (std::gcd(stride, size) != 1) ++stride;
  *error = EADDRINUSE;
  for (int i = 0; i < std::min(size, kMaxPortTries); ++i) {
    const auto step = static_cast<std::int64_t>(i) * stride + start;
    const auto port =
        static_cast<std::uint16_t>(config_.port_min + step % size);
    const bool free = std::all_of(
        usable.begin(), usable.end(), [port](SocketAddress address) {
          // sin6_port lies where sin_port does
          reinterpret_cast<sockaddr_in*>(&address.storage)->sin_port =
              htons(port);
          return TryBind(address) == 0;
        });
    if (free) return port;
  }
  return -1;
}

void NiceIceTransport::ReadLocalCredentials() {
  gchar* ufrag = nullptr;
  gchar* pwd = nullptr;
  nice_agent_get_local_credentials(agent_, stream_, &ufrag, &pwd);
  local_ = {ufrag, pwd};
  g_free(ufrag);
  g_free(pwd);
}

bool NiceIceTransport::SetRemote(const IceRemote& remote) {
  HG_CHECK(!dispatching_);
  if (ended_ || !IsIceCredential(remote.ufrag, kMinUfrag) ||
      !IsIceCredential(remote.pwd, kMinPwd))
    return false;
  const OwnContext own(context_);
  if (!nice_agent_set_remote_credentials(agent_, stream_, remote.ufrag.c_str(),
                                         remote.pwd.c_str()))
    return false;
  remote_ = remote;
  if (!has_remote_) patience_ends_ = MonotonicNow() + config_.times.patience;
  has_remote_ = true;
  std::erase_if(waiting_, [&](const RemoteCandidate& candidate) {
    const bool stale =
        !candidate.ufrag.empty() && candidate.ufrag != remote.ufrag;
    if (stale) std::erase(signalled_, candidate.address.key());
    return stale;
  });
  HandOn(waiting_);
  waiting_ = {};
  Requery();
  return true;
}

bool NiceIceTransport::AddRemoteCandidate(const std::string& line) {
  HG_CHECK(!dispatching_);
  const auto candidate = ParseRemoteCandidate(line);
  if (!candidate || ended_) return false;
  // Of another generation (RFC 8838 s11): a straggler, or ahead of its
  // credentials; it would only be checked with the wrong ones.
  if (has_remote_ && !candidate->ufrag.empty() &&
      candidate->ufrag != remote_.ufrag)
    return false;
  const SocketAddress::Key key = candidate->address.key();
  if (std::find(signalled_.begin(), signalled_.end(), key) != signalled_.end())
    return true;  // in the description and trickled
  if (signalled_.size() == kMaxRemoteCandidates) {
    ++counters_.remote_candidates_refused;
    return false;
  }
  // Without credentials libnice would fail every pair at its first check.
  if (!has_remote_) {
    signalled_.push_back(key);
    waiting_.push_back(*candidate);
    return true;
  }
  const OwnContext own(context_);
  if (!HandOn(std::span(&*candidate, 1))) return false;
  signalled_.push_back(key);
  Requery();
  return true;
}

bool NiceIceTransport::HandOn(std::span<const RemoteCandidate> candidates) {
  CandidateList list;
  for (const RemoteCandidate& candidate : candidates) {
    NiceCandidate* nice = nice_candidate_new(ToNiceType(candidate.type));
    nice->transport = NICE_CANDIDATE_TRANSPORT_UDP;
    nice->stream_id = stream_;
    nice->component_id = kComponent;
    nice->priority = candidate.priority;
    nice->addr = ToNiceAddress(candidate.address);
    g_strlcpy(nice->foundation, candidate.foundation.c_str(),
              NICE_CANDIDATE_MAX_FOUNDATION);
    list.reset(g_slist_append(list.release(), nice));
  }
  if (!list || nice_agent_set_remote_candidates(agent_, stream_, kComponent,
                                                list.get()) <= 0)
    return false;
  ReadRemotes();
  return true;
}

void NiceIceTransport::SetRemoteGatheringDone() {
  if (!ended_) nice_agent_peer_candidate_gathering_done(agent_, stream_);
}

void NiceIceTransport::Restart() {
  HG_CHECK(!dispatching_);
  if (ended_) return;
  const OwnContext own(context_);
  g_object_set(agent_, "idle-timeout", kIdleTimeout, nullptr);
  nice_agent_restart_stream(agent_, stream_);
  ReadLocalCredentials();
  has_remote_ = false;
  restarting_ = has_pair_;
  patience_ends_.reset();
  waiting_.clear();
  signalled_.clear();
  gathering_done_ = opened_;
  pair_selected_ = false;
  ReadRemotes();
  Requery();
}

// Takes over what GLib wants next: fds, and when.
void NiceIceTransport::Requery() {
  g_main_context_prepare(context_, &priority_);
  gint timeout_ms = -1;
  for (;;) {
    const int room = static_cast<int>(poll_fds_.size());
    poll_count_ = g_main_context_query(context_, priority_, &timeout_ms,
                                       poll_fds_.data(), room);
    if (poll_count_ <= room) break;
    poll_fds_.resize(static_cast<std::size_t>(poll_count_));
  }
  glib_due_.reset();
  if (timeout_ms >= 0)
    glib_due_ = MonotonicNow() + std::chrono::milliseconds(timeout_ms);
  const auto current =
      std::span(poll_fds_).first(static_cast<std::size_t>(poll_count_));
  if (!std::equal(current.begin(), current.end(), known_poll_fds_.begin(),
                  known_poll_fds_.end(),
                  [](const GPollFD& a, const GPollFD& b) {
                    return a.fd == b.fd && a.events == b.events;
                  })) {
    known_poll_fds_.assign(current.begin(), current.end());
    ReadFds();
  }
}

void NiceIceTransport::ReadFds() {
  udp_fds_.clear();
  if (GPtrArray* sockets =
          ended_ ? nullptr
                 : nice_agent_get_sockets(agent_, stream_, kComponent)) {
    for (guint i = 0; i < sockets->len; ++i) {
      auto* socket = static_cast<GSocket*>(g_ptr_array_index(sockets, i));
      if (g_socket_get_socket_type(socket) == G_SOCKET_TYPE_DATAGRAM)
        udp_fds_.push_back(g_socket_get_fd(socket));
    }
    g_ptr_array_unref(sockets);
  }
  fds_.clear();
  // poll's bits and epoll's have the same values.
  for (const GPollFD& poll : known_poll_fds_)
    fds_.push_back({poll.fd, FdKind::kOther, poll.events});
  for (const MediaSocket& socket : media_)
    fds_.push_back({socket.fd(), FdKind::kMedia, G_IO_IN});
  changed_ = true;
}

void NiceIceTransport::Iterate() {
  HG_CHECK(!dispatching_);
  dispatching_ = true;
  TakeConsentAnswers();
  {
    const OwnContext own(context_);
    for (int round = 0; round < kMaxRounds; ++round) {
      g_poll(poll_fds_.data(), static_cast<guint>(poll_count_), 0);
      const auto held = HoldFloodBack();
      const bool ready = g_main_context_check(context_, priority_,
                                              poll_fds_.data(), poll_count_);
      if (ready) g_main_context_dispatch(context_);
      Requery();
      if (!glib_due_ || *glib_due_ > MonotonicNow()) break;
    }
    const Timestamp now = MonotonicNow();
    if (pair_selected_ || pair_changed_) ReadSelected(now);
    if (remotes_changed_) ReadRemotes();
    RunConsent(now);
  }
  dispatching_ = false;
  Report(MonotonicNow());
}

std::optional<Timestamp> NiceIceTransport::NextTimeout(Timestamp now) {
  if (changed_ || gathering_done_ || pair_selected_ || pair_changed_ ||
      remotes_changed_ || ComputeState(now) != state_)
    return now;
  std::optional<Timestamp> due = glib_due_;
  const auto add = [&due](std::optional<Timestamp> other) {
    if (other && (!due || *other < *due)) due = other;
  };
  add(consent_.NextTimeout(now));
  if (patience_ends_ && *patience_ends_ > now) add(patience_ends_);
  if (!due || *due <= now) return due;
  return now + std::chrono::ceil<std::chrono::milliseconds>(*due - now);
}

void NiceIceTransport::OnGatheringDone(NiceAgent*, guint, gpointer user) {
  static_cast<NiceIceTransport*>(user)->gathering_done_ = true;
}

void NiceIceTransport::OnComponentState(NiceAgent*, guint, guint, guint state,
                                        gpointer user) {
  auto* self = static_cast<NiceIceTransport*>(user);
  self->failed_in_libnice_ = state == NICE_COMPONENT_STATE_FAILED;
  self->pair_changed_ = true;
}

void NiceIceTransport::OnSelectedPair(NiceAgent*, guint, guint, NiceCandidate*,
                                      NiceCandidate*, gpointer user) {
  static_cast<NiceIceTransport*>(user)->pair_selected_ = true;
}

void NiceIceTransport::OnRemoteCandidate(NiceAgent*, NiceCandidate*,
                                         gpointer user) {
  static_cast<NiceIceTransport*>(user)->remotes_changed_ = true;
}

void NiceIceTransport::OnReceived(NiceAgent*, guint, guint, guint size,
                                  gchar* bytes, gpointer user) {
  static_cast<NiceIceTransport*>(user)->observer_.OnIceDatagram(
      Bytes(reinterpret_cast<const std::uint8_t*>(bytes), size));
}

void NiceIceTransport::ReadSelected(Timestamp now) {
  const bool fresh = std::exchange(pair_selected_, false);
  if (fresh)
    g_object_set(agent_, "idle-timeout", kIdleTimeoutWithPair, nullptr);
  pair_changed_ = false;
  NiceCandidate* local = nullptr;
  NiceCandidate* remote = nullptr;
  has_pair_ = !ended_ && nice_agent_get_selected_pair(
                             agent_, stream_, kComponent, &local, &remote);
  if (has_pair_ && !fresh) return;
  selected_ = {};
  changed_ = true;
  if (!has_pair_) return consent_.Stop();
  selected_.remote = ToSocketAddress(remote->addr);
  selected_.local_candidate = Describe(*local);
  selected_.remote_candidate = Describe(*remote);
  // NULL for a relay and for TCP.
  if (GSocket* socket =
          nice_agent_get_selected_socket(agent_, stream_, kComponent)) {
    if (g_socket_get_socket_type(socket) == G_SOCKET_TYPE_DATAGRAM)
      selected_.fd = g_socket_get_fd(socket);
    g_object_unref(socket);
  }
  was_connected_ = true;
  restarting_ = false;
  OpenMediaSocket();
  remotes_changed_ = true;  // begin with this one
  // Answers that come through a relay or TCP are read by libnice, which does
  // not show them: consent is then taken for granted.
  if (selected_.fd >= 0)
    consent_.Start(local_.ufrag, remote_, selected_.remote, config_.controlling,
                   now);
  else
    consent_.Stop();
}

// It stays when another pair is selected: what is on its way is not lost, and
// that pair may come back.
void NiceIceTransport::OpenMediaSocket() {
  if (selected_.fd < 0 ||
      std::ranges::find(media_, selected_.fd, &MediaSocket::beside) !=
          media_.end())
    return;
  auto socket = MediaSocket::Beside(selected_.fd);
  if (!socket) return;
  media_.push_back(std::move(*socket));
  ReadFds();
}

void NiceIceTransport::ReadRemotes() {
  remotes_changed_ = false;
  changed_ = true;
  validated_.clear();
  last_hit_ = 0;
  if (ended_) return;
  // First, and also when a restart has taken it off libnice's list.
  if (has_pair_) validated_.push_back(selected_.remote.key());
  const CandidateList list(
      nice_agent_get_remote_candidates(agent_, stream_, kComponent));
  ForEach(list, [this](const NiceCandidate* candidate) {
    if (candidate->transport == NICE_CANDIDATE_TRANSPORT_UDP)
      validated_.push_back(ToSocketAddress(candidate->addr).key());
  });
  if (validated_.size() > 1 + kMaxRemoteCandidates + kMaxPeerReflexive)
    EndForGood();
}

void NiceIceTransport::EndForGood() {
  ended_ = true;
  nice_agent_remove_stream(agent_, stream_);
  validated_.clear();
  media_.clear();
  waiting_ = {};
  selected_ = {};
  has_pair_ = false;
  consent_.Stop();
  Requery();
  ReadFds();
}

bool NiceIceTransport::IsValidatedRemote(int, const SocketAddress& from) const {
  const SocketAddress::Key key = from.key();
  if (last_hit_ < validated_.size() && validated_[last_hit_] == key)
    return true;
  for (std::size_t i = 0; i < validated_.size(); ++i) {
    if (validated_[i] != key) continue;
    last_hit_ = i;
    return true;
  }
  return false;
}

void NiceIceTransport::RunConsent(Timestamp now) {
  const Bytes check = consent_.DueCheck(now);
  if (check.empty()) return;
  ++counters_.consent_checks_sent;
  // If it cannot be sent it counts as lost.
  (void)sendto(selected_.fd, check.data(), check.size(),
               MSG_DONTWAIT | MSG_NOSIGNAL, selected_.remote.get(),
               selected_.remote.length);
}

// Answers to our consent checks must be taken before libnice reads them and,
// not knowing the transaction, drops them. One behind another STUN message
// is missed that way; the next check follows soon.
void NiceIceTransport::TakeConsentAnswers() {
  if (selected_.fd < 0) return;
  std::array<std::uint8_t, 1500> datagram;
  for (int i = 0; i < 4; ++i) {
    SocketAddress from;
    const auto head = Receive(selected_.fd, MSG_PEEK,
                              std::span(datagram).first(kStunHeader), &from);
    if (!consent_.IsAnswer(head)) return;
    if (consent_.OnAnswer(Receive(selected_.fd, 0, datagram, &from), from,
                          MonotonicNow()))
      ++counters_.consent_answers;
  }
}

// libnice reads a socket until it is empty, and its work for a check from a new
// address grows with the square of their number. So a peer that knows our
// password and has many addresses (any IPv6 host) could hold the thread for
// seconds: 250 checks at once and 1000 a second did. Therefore a socket with a
// check from a new address takes nothing further while libnice has it, and one
// that is crowded is emptied by ourselves. (Not every time: it costs 20 µs, and
// what arrives meanwhile is lost.)
std::vector<ClosedForNew> NiceIceTransport::HoldFloodBack() {
  std::vector<ClosedForNew> held;
  const bool suspicious =
      validated_.size() > signalled_.size() + 1 + kUnsuspicious;
  for (int i = 0; i < poll_count_; ++i) {
    GPollFD& poll = poll_fds_[static_cast<std::size_t>(i)];
    if (!(poll.revents & G_IO_IN) || !IsUdp(poll.fd)) continue;
    const bool crowded = IsCrowded(poll.fd);
    if (!crowded && !suspicious && !HeadIsFromStranger(poll.fd)) continue;
    held.emplace_back(poll.fd);
    if (crowded) Drain(poll.fd);
  }
  return held;
}

bool NiceIceTransport::IsUdp(int fd) const {
  return std::ranges::find(udp_fds_, fd) != udp_fds_.end();
}

bool NiceIceTransport::HeadIsFromStranger(int fd) const {
  std::array<std::uint8_t, 1> first;
  SocketAddress from;
  Receive(fd, MSG_PEEK, first, &from);
  return from.length > 0 && !IsValidatedRemote(fd, from);
}

// An honest peer repeats its checks.
void NiceIceTransport::Drain(int fd) {
  constexpr int kMost = 4096;
  std::array<std::uint8_t, 1> first;
  for (int i = 0; i < kMost; ++i) {
    SocketAddress from;
    Receive(fd, 0, first, &from);
    if (from.length == 0) return;
    ++counters_.flood_dropped;
  }
}

IceState NiceIceTransport::ComputeState(Timestamp now) const {
  if (has_pair_ && !failed_in_libnice_ &&
      consent_.health(now) == Consent::Health::kGranted)
    return IceState::kConnected;
  const bool patient =
      has_remote_ && !ended_ && patience_ends_ && now < *patience_ends_;
  if (was_connected_)
    return restarting_ && patient ? IceState::kChecking
                                  : IceState::kDisconnected;
  if (ended_) return IceState::kFailed;
  if (!has_remote_) return IceState::kNew;
  return patient ? IceState::kChecking : IceState::kFailed;
}

void NiceIceTransport::Report(Timestamp now) {
  if (std::exchange(changed_, false)) observer_.OnIceChanged();
  if (std::exchange(gathering_done_, false) && !ended_) {
    std::vector<std::string> lines;
    const CandidateList list(
        nice_agent_get_local_candidates(agent_, stream_, kComponent));
    ForEach(list, [&](NiceCandidate* candidate) {
      // Those that checks revealed are the peer's to find.
      if (candidate->type != NICE_CANDIDATE_TYPE_PEER_REFLEXIVE)
        lines.push_back(SdpLine(agent_, candidate));
    });
    observer_.OnIceGathered(lines);
  }
  const IceState state = ComputeState(now);
  if (state != std::exchange(state_, state)) observer_.OnIceState(state);
}

bool NiceIceTransport::Send(Bytes datagram) {
  if (ended_ || datagram.empty()) return false;
  const int size = static_cast<int>(datagram.size());
  return nice_agent_send(agent_, stream_, kComponent, static_cast<guint>(size),
                         reinterpret_cast<const gchar*>(datagram.data())) ==
         size;
}

std::vector<std::string> NiceIceTransport::remote_candidates() const {
  std::vector<std::string> lines;
  if (ended_) return lines;
  const CandidateList list(
      nice_agent_get_remote_candidates(agent_, stream_, kComponent));
  ForEach(list, [&](NiceCandidate* candidate) {
    lines.push_back(SdpLine(agent_, candidate));
  });
  return lines;
}

}  // namespace

std::unique_ptr<IceTransport> MakeNiceIceTransport(
    IceConfig config, IceTransport::Observer& observer) {
  return std::make_unique<NiceIceTransport>(std::move(config), observer);
}

}  // namespace hg
