#include "sctp/association.h"

#include <usrsctp.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/check.h"

namespace hg {
namespace {

constexpr std::size_t kCommonHeader = sizeof(sctp_common_header);
// usrsctp takes no smaller one.
constexpr std::size_t kMinPathMtu = 512;
// A peer that is away is ICE's to notice, which gives it up or comes back.
constexpr std::uint16_t kNeverGiveUp = 0xffff;
// Larger messages come in pieces of about this.
constexpr std::uint32_t kPartialDelivery = 65'536;

template <typename T>
void Set(SctpSocket* socket, int level, int name, const T& value) {
  usrsctp_setsockopt(socket, level, name, &value, sizeof value);
}

template <typename T>
void SetSctp(SctpSocket* socket, int name, const T& value) {
  Set(socket, IPPROTO_SCTP, name, value);
}

sockaddr_conn Address(void* address, std::uint16_t port) {
  sockaddr_conn result{};
  result.sconn_family = AF_CONN;
  result.sconn_port =
      static_cast<std::uint16_t>((port >> 8) | ((port & 0xff) << 8));
  result.sconn_addr = address;
  return result;
}

// usrsctp speaks PPIDs as they are on the wire.
std::uint32_t SwapPpid(std::uint32_t ppid) { return __builtin_bswap32(ppid); }

bool IsLater(int error) {
  return error == EWOULDBLOCK || error == EAGAIN || error == EINPROGRESS ||
         error == EALREADY || error == EBUSY || error == ENOBUFS;
}

}  // namespace

Association::Association(SctpStack& stack, const Config& config,
                         Observer& observer, AssociationStats& stats)
    : stack_(stack), config_(config), observer_(observer), stats_(stats) {
  address_ = stack_.Register(*this);
  Connect();
}

Association::~Association() {
  if (socket_ != nullptr) {
    usrsctp_set_upcall(socket_, nullptr, nullptr);
    usrsctp_close(socket_);  // it lingers for no time: this is an ABORT
  }
  stack_.Unregister(address_);
}

void Association::Connect() {
  socket_ = usrsctp_socket(AF_CONN, SOCK_STREAM, IPPROTO_SCTP, nullptr, nullptr,
                           0, nullptr);
  if (socket_ == nullptr) return End();
  SetUpSocket();
  auto local = Address(address_, config_.local_port);
  auto remote = Address(address_, config_.remote_port);
  if (usrsctp_bind(socket_, reinterpret_cast<sockaddr*>(&local),
                   sizeof local) != 0)
    return End();
  // RFC 8841 s9.3: both sides may, so nobody has to wait for the other.
  if (usrsctp_connect(socket_, reinterpret_cast<sockaddr*>(&remote),
                      sizeof remote) != 0 &&
      errno != EINPROGRESS)
    return End();
}

void Association::SetUpSocket() {
  usrsctp_set_non_blocking(socket_, 1);
  usrsctp_set_upcall(socket_, SctpStack::OnUpcall, address_);
  Set(socket_, SOL_SOCKET, SO_LINGER, linger{.l_onoff = 1, .l_linger = 0});
  Set(socket_, SOL_SOCKET, SO_SNDBUF, kSendBuffer);
  Set(socket_, SOL_SOCKET, SO_RCVBUF, kReceiveBuffer);
  SetSctp(socket_, SCTP_NODELAY, 1);
  SetSctp(socket_, SCTP_RECVRCVINFO, 1);
  SetSctp(socket_, SCTP_PARTIAL_DELIVERY_POINT, kPartialDelivery);
  SetSctp(socket_, SCTP_INITMSG,
          sctp_initmsg{.sinit_num_ostreams = kStreams,
                       .sinit_max_instreams = kStreams,
                       .sinit_max_attempts = kNeverGiveUp});
  SetSctp(socket_, SCTP_ASSOCINFO,
          sctp_assocparams{.sasoc_asocmaxrxt = kNeverGiveUp});
  SetSctp(socket_, SCTP_ENABLE_STREAM_RESET,
          sctp_assoc_value{SCTP_ALL_ASSOC, SCTP_ENABLE_RESET_STREAM_REQ});
  sctp_paddrparams path{};
  // No probing: DTLS packets have one size. No heartbeats: ICE has its own.
  path.spp_flags = SPP_PMTUD_DISABLE | SPP_HB_DISABLE;
  path.spp_pathmaxrxt = kNeverGiveUp;
  path.spp_pathmtu = static_cast<std::uint32_t>(
      std::max(kMinPathMtu, config_.max_packet - kCommonHeader));
  SetSctp(socket_, SCTP_PEER_ADDR_PARAMS, path);
  for (const int type : {SCTP_ASSOC_CHANGE, SCTP_STREAM_RESET_EVENT}) {
    SetSctp(socket_, SCTP_EVENT,
            sctp_event{.se_assoc_id = SCTP_ALL_ASSOC,
                       .se_type = static_cast<std::uint16_t>(type),
                       .se_on = 1});
  }
}

void Association::OnPacket(Bytes packet) {
  if (ended_ || packet.size() < kCommonHeader) return;
  usrsctp_conninput(address_, packet.data(), packet.size(), 0);
  Work();
}

void Association::OnReady() {
  ready_ = false;
  Work();
}

void Association::OnOutput(Bytes packet) {
  observer_.OnAssociationSend(packet);
}

void Association::SetReading(bool reading) {
  if (std::exchange(reading_, reading) != reading && reading)
    stack_.MarkReady(*this);
}

void Association::Work() {
  bool held_up;
  do {
    Read();
    held_up = control_.size() >= kMaxControl;
    Output();
  } while (held_up && control_.size() < kMaxControl && !ended_);
}

// Also for what a callback of the observer asks for: it reads nothing, so what
// the callback was given stays what it is.
void Association::Output() {
  if (ended_ || std::exchange(writing_, true)) return;
  Write();
  RequestResets();
  writing_ = false;
}

// ---- what comes -------------------------------------------------------------

void Association::Read() {
  const MutableBytes buffer = stack_.read_buffer();
  while (reading_ && !ended_ && control_.size() < kMaxControl) {
    sockaddr_conn from{};
    socklen_t from_size = sizeof from;
    sctp_rcvinfo info{};
    socklen_t info_size = sizeof info;
    unsigned int info_type = SCTP_RECVV_NOINFO;
    int flags = 0;
    const auto size =
        usrsctp_recvv(socket_, buffer.data(), buffer.size(),
                      reinterpret_cast<sockaddr*>(&from), &from_size, &info,
                      &info_size, &info_type, &flags);
    if (size < 0) {
      if (!IsLater(errno)) End();
      return;
    }
    if (size == 0) return End();
    const Bytes piece(buffer.data(), static_cast<std::size_t>(size));
    if ((flags & MSG_NOTIFICATION) != 0) {
      OnNotification(piece);
    } else if (info_type == SCTP_RECVV_RCVINFO) {
      OnData(info.rcv_sid, (info.rcv_flags & SCTP_UNORDERED) != 0,
             SwapPpid(info.rcv_ppid), piece, (flags & MSG_EOR) != 0);
    }
  }
}

void Association::OnNotification(Bytes bytes) {
  // From usrsctp itself, in its own format.
  const auto* notification =
      reinterpret_cast<const sctp_notification*>(bytes.data());
  if (bytes.size() < sizeof notification->sn_header) return;
  switch (notification->sn_header.sn_type) {
    case SCTP_ASSOC_CHANGE:
      if (bytes.size() >= sizeof notification->sn_assoc_change)
        OnAssocChange(notification->sn_assoc_change);
      return;
    case SCTP_STREAM_RESET_EVENT:
      if (bytes.size() >= sizeof notification->sn_strreset_event)
        OnStreamReset(notification->sn_strreset_event, bytes.size());
      return;
    default:
      return;
  }
}

void Association::OnAssocChange(const sctp_assoc_change& change) {
  switch (change.sac_state) {
    case SCTP_COMM_UP:
      out_streams_ = change.sac_outbound_streams;
      return Up();
    case SCTP_RESTART:
      // The peer began anew, and knows of no channel.
      CloseAll();
      out_streams_ = change.sac_outbound_streams;
      return Up();
    case SCTP_COMM_LOST:
    case SCTP_SHUTDOWN_COMP:
    case SCTP_CANT_STR_ASSOC:
      return End();
    default:
      return;
  }
}

void Association::OnData(std::uint16_t stream, bool unordered,
                         std::uint32_t ppid, Bytes piece, bool last) {
  const std::uint32_t key = (std::uint32_t{stream} << 1) | (unordered ? 1 : 0);
  const auto found = assemblies_.find(key);
  if (found == assemblies_.end() && last && piece.size() <= kMaxDataMessage)
    return OnWhole(stream, ppid, piece);

  Assembly& assembly =
      found == assemblies_.end() ? assemblies_[key] : found->second;
  if (!assembly.discard) {
    if (assembly.bytes.size() + piece.size() > kMaxDataMessage) {
      assembled_ -= assembly.bytes.size();
      assembly = {.bytes = {}, .discard = true};
      OnOversize(stream);
    } else {
      assembly.bytes.insert(assembly.bytes.end(), piece.begin(), piece.end());
      assembled_ += piece.size();
    }
  }
  if (assembled_ > kMaxAssembly) {
    stats_.oversize.Add();
    return End();
  }
  if (!last) return;
  const Assembly whole = std::move(assembly);
  assembled_ -= whole.bytes.size();
  assemblies_.erase(key);
  if (!whole.discard) OnWhole(stream, ppid, whole.bytes);
}

void Association::OnOversize(std::uint16_t stream) {
  stats_.oversize.Add();
  if (Channel* channel = FindStream(stream)) Close(channel->key);
}

void Association::OnWhole(std::uint16_t stream, std::uint32_t ppid,
                          Bytes message) {
  if (ppid == static_cast<std::uint32_t>(Ppid::kDcep))
    return OnDcep(stream, message);
  Channel* channel = FindStream(stream);
  if (channel == nullptr) return stats_.unexpected.Add();
  if (channel->state == State::kClosing) return;
  bool text = false;
  switch (static_cast<Ppid>(ppid)) {
    case Ppid::kText:
      text = true;
      break;
    case Ppid::kBinary:
      break;
    case Ppid::kEmptyText:
      text = true;
      message = {};
      break;
    case Ppid::kEmptyBinary:
      message = {};
      break;
    default:
      return stats_.unexpected.Add();
  }
  stats_.messages_received.Add();
  stats_.bytes_received.Add(message.size());
  observer_.OnChannelMessage(channel->key, text, message);
}

// ---- channels ---------------------------------------------------------------

void Association::OnDcep(std::uint16_t stream, Bytes message) {
  DcepMessage dcep = ParseDcep(message);
  Channel* channel = FindStream(stream);
  switch (dcep.kind) {
    case DcepKind::kOpen:
      // The peer has all it waited for and uses the stream again; the answer
      // to our reset is still on its way.
      if (channel != nullptr && channel->in_reset &&
          resetting_.contains(stream)) {
        Remove(*channel);
        channel = nullptr;
      }
      // RFC 8832 s6: a stream that is in use cannot be opened again.
      if (channel != nullptr) {
        stats_.unexpected.Add();
        return Close(channel->key);
      }
      return OnOpenRequest(stream, std::move(dcep.config));
    case DcepKind::kAck:
      if (channel == nullptr || channel->acked) return stats_.unexpected.Add();
      channel->acked = true;
      if (channel->state != State::kOpening) return;
      channel->state = State::kOpen;
      return observer_.OnChannelOpen(channel->key, stream, channel->config);
    case DcepKind::kUnusable:
      stats_.unexpected.Add();
      if (channel != nullptr) return Close(channel->key);
      // Nobody has heard of it on our side.
      resets_.push_back(stream);
      return;
  }
}

void Association::OnOpenRequest(std::uint16_t stream, ChannelConfig config) {
  if (stream >= out_streams_) return stats_.unexpected.Add();
  auto channel = std::make_unique<Channel>();
  channel->key = next_key_++;
  // After two billion channels the peer may open no more.
  if (next_key_ < kOpenedByPeer) return End();
  channel->config = std::move(config);
  channel->stream = stream;
  channel->state = State::kOpen;
  channel->acked = true;
  Channel& added = *channel;
  by_stream_[stream] = &added;
  by_key_[added.key] = std::move(channel);
  control_.push_back({added.key, stream, Ppid::kDcep, false, WriteDcepAck()});
  observer_.OnChannelOpen(added.key, stream, added.config);
}

void Association::Open(ChannelKey key, ChannelConfig config) {
  if (ended_) return observer_.OnChannelClosed(key);
  auto channel = std::make_unique<Channel>();
  channel->key = key;
  channel->config = std::move(config);
  Channel& added = *channel;
  by_key_[key] = std::move(channel);
  if (up_) AssignStream(added);
  Output();
}

void Association::Up() {
  up_ = true;
  std::vector<ChannelKey> keys;
  for (const auto& [key, channel] : by_key_) keys.push_back(key);
  std::ranges::sort(keys);  // in the order they were asked for
  for (const ChannelKey key : keys) {
    if (Channel* channel = Find(key)) AssignStream(*channel);
  }
}

// RFC 8832 s6: the DTLS client has the even ones.
void Association::AssignStream(Channel& channel) {
  const unsigned limit = std::min<unsigned>(out_streams_, kStreams);
  for (unsigned id = config_.dtls_client ? 0 : 1; id < limit; id += 2) {
    const auto stream = static_cast<std::uint16_t>(id);
    if (by_stream_.contains(stream) || resetting_.contains(stream)) continue;
    channel.stream = stream;
    by_stream_[stream] = &channel;
    control_.push_back({channel.key, stream, Ppid::kDcep, false,
                        WriteDcepOpen(channel.config)});
    if (channel.state == State::kClosing) BeginReset(channel);
    return;
  }
  Remove(channel);
}

void Association::Close(ChannelKey key) {
  Channel* channel = Find(key);
  if (channel == nullptr || channel->state == State::kClosing) return;
  channel->state = State::kClosing;
  if (!channel->stream) return Remove(*channel);
  if (channel->waiting == 0) BeginReset(*channel);
  Output();
}

void Association::BeginReset(Channel& channel) {
  resets_.push_back(*channel.stream);
}

// One request can be under way at a time; the rest waits for its answer.
void Association::RequestResets() {
  if (resets_.empty() || !up_ || ended_) return;
  std::vector<std::uint16_t> streams;
  for (const std::uint16_t stream : resets_) {
    // What says that it is there goes before what says that it is gone.
    const bool waits =
        resetting_.contains(stream) ||
        std::ranges::find(control_, stream, &Waiting::stream) != control_.end();
    if (!waits) streams.push_back(stream);
  }
  if (streams.empty()) return;
  std::ranges::sort(streams);
  streams.erase(std::unique(streams.begin(), streams.end()), streams.end());
  const std::size_t size =
      sizeof(sctp_reset_streams) + streams.size() * sizeof(std::uint16_t);
  std::vector<std::uint8_t> memory(size);
  sctp_reset_streams header{};
  header.srs_flags = SCTP_STREAM_RESET_OUTGOING;
  header.srs_number_streams = static_cast<std::uint16_t>(streams.size());
  std::memcpy(memory.data(), &header, sizeof header);
  std::memcpy(memory.data() + sizeof header, streams.data(),
              streams.size() * sizeof(std::uint16_t));
  const int result =
      usrsctp_setsockopt(socket_, IPPROTO_SCTP, SCTP_RESET_STREAMS,
                         memory.data(), static_cast<socklen_t>(size));
  if (result != 0 && IsLater(errno)) return;
  for (const std::uint16_t stream : streams) {
    std::erase(resets_, stream);
    Channel* channel = FindStream(stream);
    if (result != 0 || channel == nullptr) continue;
    channel->out_asked = true;
    resetting_.insert(stream);
  }
}

void Association::OnStreamReset(const sctp_stream_reset_event& event,
                                std::size_t size) {
  const auto flags = event.strreset_flags;
  if ((flags & (SCTP_STREAM_RESET_DENIED | SCTP_STREAM_RESET_FAILED)) != 0)
    return;
  const bool incoming = (flags & SCTP_STREAM_RESET_INCOMING_SSN) != 0;
  const bool outgoing = (flags & SCTP_STREAM_RESET_OUTGOING_SSN) != 0;
  std::vector<std::uint16_t> streams(
      (std::min<std::size_t>(size, event.strreset_length) -
       std::min<std::size_t>(event.strreset_length, sizeof event)) /
      sizeof(std::uint16_t));
  if (streams.empty()) {  // all of them
    for (const auto& [stream, channel] : by_stream_) streams.push_back(stream);
  } else {
    std::memcpy(streams.data(), event.strreset_stream_list,
                streams.size() * sizeof(std::uint16_t));
  }
  for (const std::uint16_t stream : streams)
    OnReset(stream, incoming, outgoing);
}

void Association::OnReset(std::uint16_t stream, bool incoming, bool outgoing) {
  if (incoming) {
    for (const std::uint32_t unordered : {0U, 1U}) {
      const auto found =
          assemblies_.find((std::uint32_t{stream} << 1) | unordered);
      if (found == assemblies_.end()) continue;
      assembled_ -= found->second.bytes.size();
      assemblies_.erase(found);
    }
  }
  if (outgoing) resetting_.erase(stream);
  Channel* channel = FindStream(stream);
  if (channel == nullptr) return;
  channel->in_reset |= incoming;
  channel->out_reset |= outgoing && channel->out_asked;
  if (incoming && channel->state != State::kClosing) {
    // RFC 8831 s6.7: the other direction goes as well. What waits has nobody
    // to hear it.
    channel->state = State::kClosing;
    TakeBack(*channel);
    BeginReset(*channel);
  }
  if (incoming) Tell(*channel);
  FinishIfDone(*channel);
}

// What waits for a channel is dropped.
void Association::TakeBack(Channel& channel) {
  const std::size_t messages = std::exchange(channel.waiting, 0);
  if (messages == 0) return;
  std::size_t bytes = 0;
  std::erase_if(queue_, [&](const Waiting& message) {
    if (message.key != channel.key) return false;
    bytes += message.bytes.size();
    return true;
  });
  observer_.OnChannelSent(channel.key, messages, bytes);
}

void Association::FinishIfDone(Channel& channel) {
  if (channel.in_reset && channel.out_reset) Remove(channel);
}

void Association::Tell(Channel& channel) {
  if (!std::exchange(channel.told, true))
    observer_.OnChannelClosed(channel.key);
}

void Association::Remove(Channel& channel) {
  TakeBack(channel);
  std::erase_if(control_, [&](const Waiting& message) {
    return message.key == channel.key;
  });
  Tell(channel);
  if (channel.stream) by_stream_.erase(*channel.stream);
  by_key_.erase(channel.key);
}

void Association::CloseAll() {
  control_.clear();
  resets_.clear();
  resetting_.clear();
  assemblies_.clear();
  assembled_ = 0;
  while (!by_key_.empty()) Remove(*by_key_.begin()->second);
}

void Association::End() {
  if (std::exchange(ended_, true)) return;
  up_ = false;
  CloseAll();
  observer_.OnAssociationEnded();
}

Association::Channel* Association::Find(ChannelKey key) {
  const auto found = by_key_.find(key);
  return found == by_key_.end() ? nullptr : found->second.get();
}

Association::Channel* Association::FindStream(std::uint16_t stream) {
  const auto found = by_stream_.find(stream);
  return found == by_stream_.end() ? nullptr : found->second;
}

// ---- what leaves ------------------------------------------------------------

void Association::Send(ChannelKey key, bool text,
                       std::vector<std::uint8_t> message) {
  const std::size_t size = message.size();
  Channel* channel = Find(key);
  if (channel == nullptr || channel->state != State::kOpen) {
    observer_.OnChannelSent(key, 1, size);
    return;
  }
  Ppid ppid = text ? Ppid::kText : Ppid::kBinary;
  if (message.empty()) ppid = text ? Ppid::kEmptyText : Ppid::kEmptyBinary;
  ++channel->waiting;
  queue_.push_back({key, *channel->stream, ppid, true, std::move(message)});
  Output();
}

void Association::Write() {
  WriteFrom(control_);
  if (control_.empty() || !resetting_.empty()) WriteFrom(queue_);
}

// Stops where SCTP has no room. A stream that is being reset can carry nothing
// until that is done: what is for it stays.
void Association::WriteFrom(std::deque<Waiting>& queue) {
  for (std::size_t next = 0; up_ && next < queue.size();) {
    if (resetting_.contains(queue[next].stream)) {
      ++next;
      continue;
    }
    if (SendOne(queue[next]) == Sent::kLater) return;
    const Waiting sent = std::move(queue[next]);
    queue.erase(queue.begin() + static_cast<std::ptrdiff_t>(next));
    if (!sent.counted) continue;
    if (Channel* channel = Find(sent.key)) {
      --channel->waiting;
      if (channel->waiting == 0 && channel->state == State::kClosing)
        BeginReset(*channel);
    }
    observer_.OnChannelSent(sent.key, 1, sent.bytes.size());
  }
}

Association::Sent Association::SendOne(const Waiting& message) {
  sctp_sendv_spa spa{};
  spa.sendv_flags = SCTP_SEND_SNDINFO_VALID;
  spa.sendv_sndinfo.snd_sid = message.stream;
  spa.sendv_sndinfo.snd_ppid =
      SwapPpid(static_cast<std::uint32_t>(message.ppid));
  spa.sendv_sndinfo.snd_flags = SCTP_EOR;
  const Channel* channel = Find(message.key);
  // DCEP itself is reliable and in order (RFC 8832 s6).
  if (channel != nullptr && message.ppid != Ppid::kDcep) {
    const ChannelConfig& config = channel->config;
    if (!config.ordered) spa.sendv_sndinfo.snd_flags |= SCTP_UNORDERED;
    if (!config.reliable()) {
      spa.sendv_flags |= SCTP_SEND_PRINFO_VALID;
      spa.sendv_prinfo.pr_policy =
          config.max_retransmits ? SCTP_PR_SCTP_RTX : SCTP_PR_SCTP_TTL;
      spa.sendv_prinfo.pr_value = config.max_retransmits
                                      ? *config.max_retransmits
                                      : *config.max_packet_life_time;
    }
  }
  static constexpr std::uint8_t kNothing = 0;
  const bool empty = message.bytes.empty();
  const auto sent =
      usrsctp_sendv(socket_, empty ? &kNothing : message.bytes.data(),
                    empty ? 1 : message.bytes.size(), nullptr, 0, &spa,
                    sizeof spa, SCTP_SENDV_SPA, 0);
  if (sent < 0) {
    if (IsLater(errno)) return Sent::kLater;
    stats_.send_failed.Add();
  } else if (message.counted) {
    stats_.messages_sent.Add();
    stats_.bytes_sent.Add(message.bytes.size());
  }
  return Sent::kYes;
}

}  // namespace hg
