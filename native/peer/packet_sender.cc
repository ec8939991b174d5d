#include "peer/packet_sender.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/prefetch.h"

namespace hg {

void PacketSender::Begin() {
  HG_CHECK(!open_);
  open_ = true;
  const IceTransport::Selected& selected = ice_.selected();
  if (selected.fd < 0) return;
  batch_ = &host_.batch();
  batch_->Begin(selected.fd, selected.remote);
}

void PacketSender::End() {
  open_ = false;
  if (batch_ == nullptr) return;
  Count(std::exchange(batch_, nullptr)->End(), std::exchange(bytes_, 0));
}

void PacketSender::Capture(CaptureKind kind, Bytes plain) {
  if (plain.empty()) return;
  capture_->Push(CaptureDirection::kOut, kind, plain, host_.now());
}

void PacketSender::CommitRtcp(std::size_t size) {
  if (capture_ != nullptr) [[unlikely]]
    Capture(CaptureKind::kRtcp, Bytes(buffer_).first(size));
  const auto protected_size = srtp_->ProtectRtcp(buffer_, size);
  if (protected_size) Commit(*protected_size);
}

void PacketSender::Send(Bytes datagram) {
  const bool alone = !open_;
  if (alone) Begin();
  if (batch_ == nullptr) {
    SendThroughIce(datagram);
  } else {
    buffer_ = batch_->Reserve();
    if (datagram.size() > buffer_.size()) {
      stats_.send_dropped.Add();
    } else {
      std::ranges::copy(datagram, buffer_.begin());
      Commit(datagram.size());
    }
  }
  if (alone) End();
}

void PacketSender::SendRtcp(MutableBytes buffer, std::size_t size) {
  if (capture_ != nullptr) [[unlikely]]
    Capture(CaptureKind::kRtcp, Bytes(buffer).first(size));
  const auto protected_size = srtp_->ProtectRtcp(buffer, size);
  if (protected_size) Send(Bytes(buffer).first(*protected_size));
}

void PacketSender::SendThroughIce(Bytes datagram) {
  DatagramBatch::Result result;
  (ice_.Send(datagram) ? result.sent : result.dropped) = 1;
  Count(result, datagram.size());
}

void PacketSender::Count(const DatagramBatch::Result& result,
                         std::size_t bytes) {
  stats_.packets_sent.Add(result.sent);
  stats_.bytes_sent.Add(bytes);
  stats_.send_dropped.Add(result.dropped);
}

void PacketSender::Prefetch(unsigned step) const {
  switch (step) {
    case 0:
      return hg::Prefetch(this);
    case 1:
      hg::Prefetch(&stats_);
      PrefetchBytes(&ice_, kCacheLine);
      break;
    default:
      hg::Prefetch(&ice_.selected());
      break;
  }
  if (srtp_ != nullptr) srtp_->Prefetch(step - 1);
}

}  // namespace hg
