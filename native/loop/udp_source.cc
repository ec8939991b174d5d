#include "loop/udp_source.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <random>
#include <utility>

#include "rtp/ntp.h"

namespace hg {

class UdpSource::Handler final : public FdHandler {
 public:
  using Read = void (UdpSource::*)();
  Handler(UdpSource& source, Read read) : source_(&source), read_(read) {}
  void OnFdReady(std::uint32_t) override {
    if (source_ != nullptr) (source_->*read_)();
  }
  void Detach() { source_ = nullptr; }

 private:
  UdpSource* source_;
  Read read_;
};

UdpSource::UdpSource(std::shared_ptr<const SourceInfo> info, UdpSocket rtp,
                     std::optional<UdpSocket> rtcp, Host& host, Turn& turn)
    : turn_(turn),
      rtp_(std::move(rtp)),
      rtcp_(std::move(rtcp)),
      host_(host),
      source_(std::move(info), host, turn.events, turn.now),
      rtp_handler_(std::make_shared<Handler>(*this, &UdpSource::ReadRtp)),
      rtcp_handler_(std::make_shared<Handler>(*this, &UdpSource::ReadRtcp)),
      next_second_(turn.now + 1s),
      own_ssrc_(std::random_device{}()) {
  turn_.poller.Add(rtp_.fd(), EPOLLIN, *rtp_handler_);
  if (rtcp_) turn_.poller.Add(rtcp_->fd(), EPOLLIN, *rtcp_handler_);
  SetTimer();
}

UdpSource::~UdpSource() {
  turn_.poller.Remove(rtp_.fd());
  if (rtcp_) turn_.poller.Remove(rtcp_->fd());
  rtp_handler_->Detach();
  rtcp_handler_->Detach();
  turn_.graveyard.push_back(rtp_handler_);
  turn_.graveyard.push_back(rtcp_handler_);
}

void UdpSource::ReadRtp() {
  std::size_t room = 0;
  for (; room < kBurst; ++room) {
    if (!drafts_[room]) drafts_[room] = turn_.pool.Allocate();
    if (!drafts_[room]) break;
    const MutableBytes buffer = drafts_[room]->buffer();
    vectors_[room] = {buffer.data(), buffer.size()};
    messages_[room].msg_hdr = {};
    messages_[room].msg_hdr.msg_iov = &vectors_[room];
    messages_[room].msg_hdr.msg_iovlen = 1;
  }
  if (room == 0) {
    // All packets are in use: the stream goes on when some come back, and the
    // socket must not keep the loop busy meanwhile.
    std::uint8_t none = 0;
    recv(rtp_.fd(), &none, 1, MSG_DONTWAIT);
    return source_.info().stats.dropped.Add();
  }
  const int count =
      recvmmsg(rtp_.fd(), messages_.data(), static_cast<unsigned>(room),
               MSG_DONTWAIT, nullptr);
  for (int i = 0; i < count; ++i) {
    const auto at = static_cast<std::size_t>(i);
    PacketDraft draft = std::move(drafts_[at]);
    draft->set_size(messages_[at].msg_len);
    draft->info.truncated = (messages_[at].msg_hdr.msg_flags & MSG_TRUNC) != 0;
    source_.OnDatagram(std::move(draft), turn_.now);
  }
  source_.FinishBurst();
  SetTimer();  // a restart asks for a keyframe
}

void UdpSource::ReadRtcp() {
  MutableBytes buffer = turn_.incoming;
  for (int i = 0; i < 16; ++i) {
    sockaddr_storage from{};
    socklen_t length = sizeof from;
    const auto n =
        recvfrom(rtcp_->fd(), buffer.data(), buffer.size(), MSG_DONTWAIT,
                 reinterpret_cast<sockaddr*>(&from), &length);
    if (n < 0) return;
    const Bytes packet = buffer.first(static_cast<std::size_t>(n));
    if (DispatchRtcp(packet, *this).packets == 0) {
      source_.info().stats.invalid.Add();
      continue;
    }
    rtcp_peer_ = from;
    rtcp_peer_length_ = length;
  }
}

void UdpSource::OnSenderReport(const SenderReport& report) {
  source_.OnSenderReport(report, ToNtp(WallNow()));
}

void UdpSource::RequestKeyframe(Timestamp now) {
  source_.RequestKeyframe(now);
  SetTimer();
}

void UdpSource::SendKeyframeRequest() {
  const auto media_ssrc = source_.ssrc();
  if (!media_ssrc) return;
  RtcpWriter writer(turn_.scratch);
  // RFC 3550 s6.1: a compound packet begins with a report.
  WriteReceiverReport(writer, own_ssrc_, {});
  WritePli(writer, {own_ssrc_, *media_ssrc});
  SendRtcp(writer.bytes());
}

void UdpSource::SendRemb() {
  const std::uint64_t bitrate = host_.LowestRemb(source_.info());
  const auto media_ssrc = source_.ssrc();
  if (bitrate == 0 || !media_ssrc) return;
  RtcpWriter writer(turn_.scratch);
  const std::uint32_t ssrcs[] = {*media_ssrc};
  WriteReceiverReport(writer, own_ssrc_, {});
  WriteRemb(writer, own_ssrc_, bitrate, ssrcs);
  SendRtcp(writer.bytes());
}

void UdpSource::SendRtcp(Bytes packet) {
  if (!rtcp_ || rtcp_peer_length_ == 0) return;
  sendto(rtcp_->fd(), packet.data(), packet.size(), MSG_DONTWAIT,
         reinterpret_cast<const sockaddr*>(&rtcp_peer_), rtcp_peer_length_);
}

void UdpSource::OnTimer(Timestamp now) {
  timer_due_ = {};
  source_.OnDue(now);
  if (now >= next_second_) {
    next_second_ = now + 1s;
    source_.OnSecond(now);
    SendRemb();
  }
  SetTimer();
}

// The next second, or a keyframe request that had to wait.
void UdpSource::SetTimer() {
  const Timestamp due =
      std::min(source_.NextDue().value_or(next_second_), next_second_);
  if (due == timer_due_) return;
  timer_due_ = due;
  turn_.timers.Set(*this, due);
}

}  // namespace hg
