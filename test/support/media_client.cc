#include "support/media_client.h"

#include <linux/sock_diag.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <bitset>
#include <cerrno>
#include <random>
#include <system_error>
#include <utility>

#include "ice/gro_reader.h"
#include "ice/nice_agent.h"
#include "rtp/rtcp/compound.h"
#include "rtp/rtcp/nack.h"
#include "rtp/rtcp/pli.h"
#include "rtp/rtcp/rr.h"
#include "rtp/rtcp/sdes.h"

namespace hg {
namespace {

constexpr std::string_view kCname = "media-client";
constexpr int kHandshakeMtu = 1200;
constexpr std::size_t kMaxRtcp = 1200;
// Further from the newest packet than this is no loss but a broken rewrite.
constexpr int kLongestPlausibleStep = 3000;
std::uint32_t Random32() {
  thread_local std::random_device device;
  return device();
}

GroReader& Reader() {
  thread_local const auto reader = std::make_unique<GroReader>();
  return *reader;
}

}  // namespace

// ---- one received SSRC
// --------------------------------------------------------

class MediaClient::Stream {
 public:
  Stream(const Track& track, const NackTracker::Limits& limits)
      : config(track), reports(track.clock_rate), nacks(limits) {}

  // True if this number has not been seen.
  bool Note(std::uint64_t extended_seq) {
    if (first == 0) first = highest = extended_seq;
    first = std::min(first, extended_seq);
    // What lies between is missing, for now.
    for (std::uint64_t seq = highest + 1; seq <= extended_seq; ++seq)
      seen_.reset(seq % kLap);
    highest = std::max(highest, extended_seq);
    if (seen_.test(extended_seq % kLap)) return false;
    seen_.set(extended_seq % kLap);
    ++received;
    return true;
  }

  const Track config;
  ReceiverStats reports;
  NackTracker nacks;
  SeqExtender extender;
  std::optional<SenderInfo> sender_info;
  std::uint64_t first = 0;  // 0: nothing yet
  std::uint64_t highest = 0;
  std::uint64_t received = 0;

 private:
  static constexpr std::size_t kLap = 65536;
  std::bitset<kLap> seen_;
};

// ---- the client
// -----------------------------------------------------------------

std::shared_ptr<const MediaClient::Identity> MediaClient::Identity::Make() {
  auto identity = std::make_shared<Identity>();
  identity->certificate = Certificate::Generate();
  identity->dtls =
      std::make_unique<DtlsContext>(identity->certificate, kHandshakeMtu);
  return identity;
}

MediaClient::MediaClient(Options options, Observer& observer)
    : options_(std::move(options)),
      observer_(observer),
      identity_(options_.identity ? options_.identity : Identity::Make()),
      own_ssrc_(Random32()),
      ice_(MakeNiceIceTransport({.controlling = options_.controlling,
                                 .local_addresses = options_.local_addresses,
                                 .times = options_.ice_times},
                                *this)),
      dtls_role_(options_.dtls_role) {
  SetTracks(options_.tracks);
}

void MediaClient::SetTracks(const std::vector<Track>& tracks) {
  streams_.clear();
  for (const Track& track : tracks)
    streams_.push_back(std::make_unique<Stream>(track, options_.nack_limits));
}

MediaClient::~MediaClient() = default;

bool MediaClient::Start(Timestamp now) {
  now_ = now;
  state_ = State::kIce;
  if (!ice_->Gather()) return false;  // OnIceGatheringFailed said why
  OnIceChanged();
  ice_->Iterate();
  UpdateTimes();
  return true;
}

void MediaClient::SetRemote(const Remote& remote, Timestamp now) {
  now_ = now;
  if (state_ == State::kClosed || dtls_) return;
  if (remote.tracks) SetTracks(*remote.tracks);
  dtls_role_ = remote.dtls_role.value_or(options_.dtls_role);
  DtlsSession::Observer& dtls_observer = *this;
  dtls_ = std::make_unique<DtlsSession>(*identity_->dtls, dtls_role_,
                                        remote.fingerprints, dtls_observer);
  ice_->SetRemote(remote.ice);
  for (const std::string& candidate : remote.candidates)
    ice_->AddRemoteCandidate(candidate);
  if (remote.gathering_done) ice_->SetRemoteGatheringDone();
  ice_->Iterate();
  StartDtlsIfReady();
  UpdateTimes();
}

bool MediaClient::AddRemoteCandidate(const std::string& candidate,
                                     Timestamp now) {
  now_ = now;
  const bool taken = ice_->AddRemoteCandidate(candidate);
  UpdateTimes();
  return taken;
}

void MediaClient::SetRemoteGatheringDone(Timestamp now) {
  now_ = now;
  ice_->SetRemoteGatheringDone();
  UpdateTimes();
}

void MediaClient::Close() {
  if (state_ == State::kClosed) return;
  state_ = State::kClosed;
  if (dtls_) dtls_->Close();
  report_due_.reset();
  nack_due_.reset();
}

void MediaClient::Fail(std::string_view why) {
  if (state_ == State::kClosed) return;
  state_ = State::kClosed;
  report_due_.reset();
  nack_due_.reset();
  observer_.OnClosed(*this, why);
}

std::optional<SrtpProfile> MediaClient::srtp_profile() const {
  return srtp_ ? std::optional(srtp_->profile()) : std::nullopt;
}

std::uint64_t MediaClient::lost(std::size_t track) const {
  const Stream& stream = *streams_[track];
  if (stream.first == 0) return 0;
  return stream.highest - stream.first + 1 - stream.received;
}

std::uint64_t MediaClient::lost() const {
  std::uint64_t lost_in_all = 0;
  for (std::size_t i = 0; i < streams_.size(); ++i) lost_in_all += lost(i);
  return lost_in_all;
}

std::uint64_t MediaClient::highest_seq(std::size_t track) const {
  return streams_[track]->highest;
}

std::optional<SenderInfo> MediaClient::last_sender_info(
    std::size_t track) const {
  return streams_[track]->sender_info;
}

std::uint64_t MediaClient::KernelDrops() const {
  std::uint64_t drops = 0;
  for (const IceFd& fd : ice_->fds()) {
    if (fd.kind != FdKind::kMedia) continue;
    std::array<std::uint32_t, SK_MEMINFO_VARS> info{};
    socklen_t length = sizeof info;
    if (getsockopt(fd.fd, SOL_SOCKET, SO_MEMINFO, info.data(), &length) == 0)
      drops += info[SK_MEMINFO_DROPS];
  }
  return drops;
}

// ---- ICE
// ------------------------------------------------------------------------

void MediaClient::OnIceGathered(const std::vector<std::string>& candidates) {
  local_ = {.ufrag = ice_->local_ufrag(),
            .pwd = ice_->local_pwd(),
            .fingerprint = identity_->certificate->FingerprintText("sha-256"),
            .candidates = candidates};
  observer_.OnLocalReady(*this, local_);
}

void MediaClient::OnIceGatheringFailed(const std::string& why) { Fail(why); }

void MediaClient::OnIceState(IceState state) {
  ice_state_ = state;
  if (state == IceState::kFailed) return Fail("ICE failed");
  StartDtlsIfReady();
}

void MediaClient::OnIceChanged() {
  ++fds_version_;
  for (const IceFd& fd : ice_->fds()) {
    if (fd.kind != FdKind::kMedia) continue;
    // FORCE goes past net.core.rmem_max where we are privileged.
    const int size = options_.receive_buffer;
    if (setsockopt(fd.fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) != 0)
      setsockopt(fd.fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    SetUdpGro(fd.fd, options_.gro);
  }
}

void MediaClient::OnIceDatagram(Bytes datagram) {
  ice_datagram_.assign(datagram.begin(), datagram.end());
  OnDatagram(ice_datagram_);
}

// ---- DTLS
// -----------------------------------------------------------------------

void MediaClient::StartDtlsIfReady() {
  if (ice_state_ != IceState::kConnected || state_ != State::kIce || !dtls_)
    return;
  state_ = State::kDtls;
  if (dtls_role_ == DtlsRole::kClient) dtls_->Start();
}

void MediaClient::OnDtlsApplicationData(Bytes data) {
  observer_.OnData(*this, data);
}

void MediaClient::OnDtlsSend(Bytes datagram) { Send(datagram); }

void MediaClient::OnDtlsConnected(const SrtpKeys& keys) {
  srtp_.emplace(keys);
  state_ = State::kConnected;
  // Many clients that start together do not report together.
  if (options_.report_interval > Duration::zero())
    report_due_ = now_ + options_.report_interval * (Random32() % 1000) / 1000;
  observer_.OnConnected(*this, keys.profile);
}

void MediaClient::OnDtlsClosed(DtlsState state, std::string_view why) {
  Fail(state == DtlsState::kClosed ? "DTLS: closed by the other side"
                                   : "DTLS: " + std::string(why));
}

// ---- what arrives
// -----------------------------------------------------------------

void MediaClient::OnReadable(int fd, Timestamp now) {
  now_ = now;
  const auto found = std::ranges::find(ice_->fds(), fd, &IceFd::fd);
  if (found != ice_->fds().end() && found->kind == FdKind::kMedia) {
    Read(fd);
  } else {
    ice_->Iterate();
    UpdateTimes();
  }
  SendNacks();
}

void MediaClient::Read(int fd) {
  GroReader& reader = Reader();
  const std::size_t count = reader.Read(fd);
  for (std::size_t i = 0; i < count; ++i) {
    if (ice_->IsValidatedRemote(fd, reader.from(i))) {
      ForEachDatagram(reader.message(i), reader.SegmentSize(i),
                      [this](MutableBytes datagram) { OnDatagram(datagram); });
    } else {
      ++counters_.foreign;
    }
  }
}

void MediaClient::OnDatagram(MutableBytes datagram) {
  if (datagram.empty() || state_ == State::kClosed) return;
  if (datagram[0] >= 20 && datagram[0] <= 63) {
    if (!dtls_ || state_ == State::kIce) return;  // the server resends it
    dtls_->OnDatagram(datagram);
    dtls_due_ = dtls_->NextTimeout(now_);
    return;
  }
  if (!srtp_) return;
  switch (Classify(datagram)) {
    case PacketKind::kRtp:
      return OnRtp(datagram);
    case PacketKind::kRtcp:
      return OnRtcp(datagram);
    case PacketKind::kUnknown:
      ++counters_.malformed;
  }
}

void MediaClient::OnRtp(MutableBytes datagram) {
  const auto plain = srtp_->UnprotectRtp(datagram);
  if (plain.outcome != SrtpSession::Outcome::kOk) {
    ++(plain.outcome == SrtpSession::Outcome::kReplayed
           ? counters_.duplicates
           : counters_.auth_failures);
    return;
  }
  const auto rtp = RtpView::Parse(datagram.first(plain.size));
  if (!rtp) {
    ++counters_.malformed;
    return;
  }
  for (std::size_t i = 0; i < streams_.size(); ++i) {
    Stream& stream = *streams_[i];
    const Track& track = stream.config;
    if (rtp->ssrc == track.ssrc) {
      if (rtp->payload_type != track.payload_type) break;
      stream.reports.OnPacket(rtp->seq, rtp->timestamp, now_);
      return Deliver(i, *rtp, rtp->seq);
    }
    if (track.rtx_ssrc != 0 && rtp->ssrc == track.rtx_ssrc) {
      if (rtp->payload_type != track.rtx_payload_type) break;
      ++counters_.rtx_received;
      if (rtp->payload.size() < 2) return;  // padding, to probe the path
      // RFC 4588 s4: the original sequence number, then the payload.
      RtpView original = *rtp;
      original.ssrc = track.ssrc;
      original.payload_type = track.payload_type;
      original.seq = LoadU16(rtp->payload.data());
      original.payload = rtp->payload.subspan(2);
      return Deliver(i, original, original.seq);
    }
  }
  const bool known = std::ranges::any_of(streams_, [&](const auto& stream) {
    return stream->config.ssrc == rtp->ssrc ||
           stream->config.rtx_ssrc == rtp->ssrc;
  });
  ++(known ? counters_.wrong_payload_type : counters_.wrong_ssrc);
}

void MediaClient::Deliver(std::size_t track, const RtpView& rtp,
                          std::uint16_t seq) {
  Stream& stream = *streams_[track];
  if (stream.first != 0) {
    const int step = SeqDiff(seq, static_cast<std::uint16_t>(stream.highest));
    if (step > kLongestPlausibleStep || step < -kLongestPlausibleStep)
      ++counters_.jumps;
  }
  const std::uint64_t extended = stream.extender.Extend(seq);
  const std::uint64_t recovered_before = stream.nacks.recovered();
  if (stream.config.nack) {
    stream.nacks.OnPacket(extended, now_);
    Earliest(nack_due_, stream.nacks.NextDue(options_.nack_round_trip));
  }
  if (!stream.Note(extended)) {
    ++counters_.duplicates;
    return;
  }
  const bool recovered = stream.nacks.recovered() != recovered_before;
  ++counters_.received;
  counters_.received_bytes += rtp.header_size + rtp.payload.size();
  if (recovered) ++counters_.recovered;
  observer_.OnPacket(*this, {track, rtp, extended, now_, recovered});
}

void MediaClient::OnRtcp(MutableBytes datagram) {
  const auto plain = srtp_->UnprotectRtcp(datagram);
  if (plain.outcome != SrtpSession::Outcome::kOk) {
    ++(plain.outcome == SrtpSession::Outcome::kReplayed
           ? counters_.duplicates
           : counters_.auth_failures);
    return;
  }
  if (DispatchRtcp(datagram.first(plain.size), *this).malformed)
    ++counters_.malformed;
  observer_.OnRtcp(*this, datagram.first(plain.size));
}

void MediaClient::OnSenderReport(const SenderReport& report) {
  for (const auto& stream : streams_) {
    if (stream->config.ssrc != report.sender_ssrc) continue;
    ++counters_.sender_reports;
    stream->reports.OnSenderReport(report.info.ntp, now_);
    stream->sender_info = report.info;
  }
}

// ---- what leaves
// --------------------------------------------------------------------

void MediaClient::Send(Bytes datagram) {
  const auto& selected = ice_->selected();
  if (selected.fd < 0) {
    ice_->Send(datagram);
    return;
  }
  // What cannot be sent is lost, as on any path.
  sendto(selected.fd, datagram.data(), datagram.size(), MSG_DONTWAIT,
         selected.remote.get(), selected.remote.length);
}

void MediaClient::SendRtcp(MutableBytes buffer, std::size_t size) {
  const auto protected_size = srtp_->ProtectRtcp(buffer, size);
  if (protected_size) Send(buffer.first(*protected_size));
}

void MediaClient::SendRtp(Bytes packet) {
  std::vector<std::uint8_t> buffer(packet.begin(), packet.end());
  buffer.resize(packet.size() + SrtpSession::kMaxOverhead);
  SendRtp(buffer, packet.size());
}

void MediaClient::SendRtp(MutableBytes buffer, std::size_t size) {
  if (state_ != State::kConnected) return;
  const auto protected_size = srtp_->ProtectRtp(buffer, size);
  if (protected_size) Send(buffer.first(*protected_size));
}

void MediaClient::SendRtpRun(
    std::span<const std::vector<std::uint8_t>> packets) {
  if (state_ != State::kConnected || packets.empty()) return;
  std::vector<std::uint8_t> run;
  std::size_t segment_size = 0;
  for (const auto& packet : packets) {
    const std::size_t at = run.size();
    run.insert(run.end(), packet.begin(), packet.end());
    run.resize(run.size() + SrtpSession::kMaxOverhead);
    const auto size =
        srtp_->ProtectRtp(MutableBytes(run).subspan(at), packet.size());
    run.resize(at + size.value_or(0));
    if (at == 0) segment_size = run.size();
  }

  const int fd = ice_->selected().fd;
  const auto set_size = [fd](std::size_t size) {
    const int value = static_cast<int>(size);
    setsockopt(fd, SOL_UDP, UDP_SEGMENT, &value, sizeof value);
  };
  set_size(segment_size);
  Send(run);
  set_size(0);
}

void MediaClient::SendData(Bytes packet) {
  if (state_ == State::kConnected) dtls_->SendApplicationData(packet);
}

void MediaClient::SendRtcp(Bytes compound) {
  if (state_ != State::kConnected) return;
  std::vector<std::uint8_t> buffer(compound.begin(), compound.end());
  buffer.resize(compound.size() + SrtpSession::kMaxOverhead);
  SendRtcp(buffer, compound.size());
}

void MediaClient::SendNacks() {
  if (!nack_due_ || now_ < *nack_due_) return;
  nack_due_.reset();
  if (state_ != State::kConnected) return;
  for (const auto& stream : streams_) {
    std::array<std::uint64_t, 64> due;
    const std::size_t count =
        stream->nacks.Collect(now_, options_.nack_round_trip, due);
    Earliest(nack_due_, stream->nacks.NextDue(options_.nack_round_trip));
    if (count == 0) continue;

    std::array<std::uint16_t, due.size()> seqs;
    std::ranges::transform(
        std::span(due).first(count), seqs.begin(),
        [](std::uint64_t seq) { return static_cast<std::uint16_t>(seq); });
    std::array<std::uint8_t, kMaxRtcp + SrtpSession::kMaxOverhead> buffer;
    RtcpWriter writer(MutableBytes(buffer).first(kMaxRtcp));
    WriteReceiverReport(writer, own_ssrc_, {});
    counters_.nacks_sent += WriteNack(writer, own_ssrc_, stream->config.ssrc,
                                      std::span(seqs).first(count));
    SendRtcp(buffer, writer.size());
  }
}

void MediaClient::Nack(std::size_t track, std::span<const std::uint16_t> seqs) {
  if (state_ != State::kConnected) return;
  std::array<std::uint8_t, kMaxRtcp + SrtpSession::kMaxOverhead> buffer;
  RtcpWriter writer(MutableBytes(buffer).first(kMaxRtcp));
  WriteReceiverReport(writer, own_ssrc_, {});
  counters_.nacks_sent +=
      WriteNack(writer, own_ssrc_, streams_[track]->config.ssrc, seqs);
  SendRtcp(buffer, writer.size());
}

void MediaClient::SendReports() {
  std::vector<ReportBlock> blocks;
  for (const auto& stream : streams_) {
    auto block = stream->reports.MakeReport(stream->config.ssrc, now_);
    if (!block) continue;
    if (block->last_sr != 0) {
      // The other side's round trip is now - last_sr - delay. Where the delay
      // is too short to take from, the report came so much earlier.
      const CompactNtp extra = ToCompactNtp(options_.extra_round_trip);
      const CompactNtp from_delay = std::min(extra, block->delay_since_last_sr);
      block->delay_since_last_sr -= from_delay;
      block->last_sr -= extra - from_delay;
    }
    blocks.push_back(*block);
  }
  if (blocks.empty()) return;
  std::array<std::uint8_t, kMaxRtcp + SrtpSession::kMaxOverhead> buffer;
  RtcpWriter writer(MutableBytes(buffer).first(kMaxRtcp));
  WriteReceiverReport(writer, own_ssrc_, blocks);
  WriteCname(writer, own_ssrc_, kCname);
  SendRtcp(buffer, writer.size());
  ++counters_.reports_sent;
}

void MediaClient::RequestKeyframe(std::size_t track) {
  if (state_ != State::kConnected) return;
  std::array<std::uint8_t, kMaxRtcp + SrtpSession::kMaxOverhead> buffer;
  RtcpWriter writer(MutableBytes(buffer).first(kMaxRtcp));
  WriteReceiverReport(writer, own_ssrc_, {});
  WritePli(writer, {.sender_ssrc = own_ssrc_,
                    .media_ssrc = streams_[track]->config.ssrc});
  SendRtcp(buffer, writer.size());
}

// ---- time
// -----------------------------------------------------------------------------

void MediaClient::UpdateTimes() {
  ice_due_ = ice_->NextTimeout(now_);
  dtls_due_ = dtls_ && state_ != State::kClosed ? dtls_->NextTimeout(now_)
                                                : std::nullopt;
}

std::optional<Timestamp> MediaClient::NextTimeout() const {
  std::optional<Timestamp> due = ice_due_;
  Earliest(due, dtls_due_);
  Earliest(due, report_due_);
  Earliest(due, nack_due_);
  return due;
}

void MediaClient::OnTimer(Timestamp now) {
  now_ = now;
  if (dtls_due_ && now >= *dtls_due_) {
    dtls_->HandleTimeout();
    UpdateTimes();
  }
  if (report_due_ && now >= *report_due_) {
    report_due_ = now + options_.report_interval;
    if (state_ == State::kConnected) SendReports();
  }
  SendNacks();
  if (ice_due_ && now >= *ice_due_) {
    ice_->Iterate();
    UpdateTimes();
  }
}

// ---- many of them
// -----------------------------------------------------------------------

struct MediaClientLoop::Entry {
  MediaClient* client;
  std::uint64_t version;
  std::vector<int> fds;
};

MediaClientLoop::MediaClientLoop() : epoll_fd_(epoll_create1(EPOLL_CLOEXEC)) {
  if (epoll_fd_ < 0)
    throw std::system_error(errno, std::generic_category(), "epoll_create1");
}

MediaClientLoop::~MediaClientLoop() { close(epoll_fd_); }

void MediaClientLoop::Add(MediaClient& client) {
  auto entry = std::make_unique<Entry>(Entry{&client, 0, {}});
  Watch(*entry);
  entries_.push_back(std::move(entry));
  next_due_ = Timestamp{};
}

void MediaClientLoop::Remove(MediaClient& client) {
  const auto found = std::ranges::find_if(
      entries_, [&](const auto& entry) { return entry->client == &client; });
  if (found == entries_.end()) return;
  for (const int fd : (*found)->fds) Forget(fd, **found);
  entries_.erase(found);
}

void MediaClientLoop::Forget(int fd, const Entry& entry) {
  const auto owner = owners_.find(fd);
  // Closed, and its number is another client's by now.
  if (owner == owners_.end() || owner->second != &entry) return;
  epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, fd, nullptr);
  owners_.erase(owner);
}

void MediaClientLoop::Watch(Entry& entry) {
  entry.version = entry.client->fds_version();
  const auto fds = entry.client->fds();
  for (const int fd : entry.fds) {
    if (std::ranges::find(fds, fd, &IceFd::fd) == fds.end()) Forget(fd, entry);
  }
  entry.fds.clear();
  for (const IceFd& fd : fds) {
    epoll_event event{};
    event.events = fd.epoll_events;
    event.data.fd = fd.fd;
    if (epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd.fd, &event) != 0)
      epoll_ctl(epoll_fd_, EPOLL_CTL_MOD, fd.fd, &event);
    owners_[fd.fd] = &entry;
    entry.fds.push_back(fd.fd);
  }
}

void MediaClientLoop::AddFd(int fd, std::function<void()> on_readable) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  if (epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event) != 0)
    throw std::system_error(errno, std::generic_category(), "epoll_ctl");
  others_[fd] = std::move(on_readable);
}

void MediaClientLoop::RemoveFd(int fd) {
  epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, fd, nullptr);
  others_.erase(fd);
}

void MediaClientLoop::Serve(Entry& entry) {
  if (entry.client->fds_version() != entry.version) Watch(entry);
  const auto due = entry.client->NextTimeout();
  if (due) next_due_ = std::min(next_due_, *due);
}

int MediaClientLoop::RunOnce(Duration max_wait) {
  const Duration until_due = next_due_ - MonotonicNow();
  const Duration wait =
      std::clamp<Duration>(until_due, Duration::zero(), max_wait);
  std::array<epoll_event, 256> events;
  const int count =
      epoll_wait(epoll_fd_, events.data(), static_cast<int>(events.size()),
                 static_cast<int>(ToMillis(wait + 999'999ns)));
  for (int i = 0; i < count; ++i) {
    const int fd = events[static_cast<std::size_t>(i)].data.fd;
    if (const auto owner = owners_.find(fd); owner != owners_.end()) {
      Entry& entry = *owner->second;
      // Each is given the time it is: latencies are measured by it.
      entry.client->OnReadable(fd, MonotonicNow());
      Serve(entry);
    } else if (const auto other = others_.find(fd); other != others_.end()) {
      const auto on_readable = other->second;  // it may remove itself
      on_readable();
    }
  }
  const Timestamp now = MonotonicNow();
  if (now < next_due_) return std::max(count, 0);
  next_due_ = now + 1s;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const auto due = entries_[i]->client->NextTimeout();
    if (due && *due <= now) entries_[i]->client->OnTimer(now);
    Serve(*entries_[i]);
  }
  return std::max(count, 0);
}

bool MediaClientLoop::RunUntil(const std::function<bool()>& done,
                               Duration patience) {
  const Timestamp deadline = MonotonicNow() + patience;
  while (!done()) {
    const Duration left = deadline - MonotonicNow();
    if (left <= Duration::zero()) return false;
    RunOnce(std::min<Duration>(left, 10ms));
  }
  return true;
}

void MediaClientLoop::RunFor(Duration duration) {
  RunUntil([] { return false; }, duration);
}

}  // namespace hg
