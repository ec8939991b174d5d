// The way out of a peer: protects media and its RTCP by SRTP, and sends over
// the pair that ICE selected, counted. From Begin() to End() datagrams leave
// together, in the thread's batch; over a pair that is no socket of ours
// (relayed, TCP) libnice sends one by one.
#pragma once

#include <cstddef>

#include "base/bytes.h"
#include "ice/ice_transport.h"
#include "peer/packet_io.h"
#include "peer/peer_stats.h"
#include "route/capture_queue.h"
#include "srtp/srtp_session.h"

namespace hg {

class PacketSender {
 public:
  PacketSender(PeerHost& host, IceTransport& ice, PeerStats& stats)
      : host_(host), ice_(ice), stats_(stats) {}
  PacketSender(const PacketSender&) = delete;
  PacketSender& operator=(const PacketSender&) = delete;

  // ICE has a pair, and the peer consents (RFC 7675). Asked for by whoever
  // sends: DTLS says goodbye without it.
  void set_consent(bool consent) { consent_ = consent; }
  bool consent() const { return consent_; }
  // Once DTLS gave the keys.
  void set_srtp(SrtpSession& srtp) { srtp_ = &srtp; }
  // Where plain packets go as well; null: nowhere.
  void set_capture(CaptureQueue* capture) { capture_ = capture; }
  CaptureQueue* capture() const { return capture_; }
  bool CanSendMedia() const { return consent_ && srtp_ != nullptr; }

  void Begin();
  bool open() const { return open_; }
  // Room for one plain packet, until the next call; what is not committed is
  // not sent.
  MutableBytes Reserve() {
    buffer_ = batch_ != nullptr ? batch_->Reserve() : host_.scratch();
    return buffer_.first(buffer_.size() - SrtpSession::kMaxOverhead);
  }
  // The packet of `size` bytes that is there now; 0: it could not be written.
  void CommitRtp(std::size_t size) {
    if (capture_ != nullptr) [[unlikely]]
      Capture(CaptureKind::kRtp, Bytes(buffer_).first(size));
    const auto protected_size =
        size == 0 ? std::nullopt : srtp_->ProtectRtp(buffer_, size);
    if (!protected_size) return stats_.send_dropped.Add();
    Commit(*protected_size);
  }
  void CommitRtcp(std::size_t size);
  void End();  // without Begin(): nothing

  // A datagram as it is: with others if Begin() was called, else alone.
  void Send(Bytes datagram);
  // A plain compound of `size` bytes, which becomes longer in its buffer.
  void SendRtcp(MutableBytes buffer, std::size_t size);

  // Begin() follows soon: what it and the rest need, in the steps of
  // Peer::PrefetchFlush().
  void Prefetch(unsigned step) const;

 private:
  void Commit(std::size_t size) {
    if (batch_ == nullptr) return SendThroughIce(Bytes(buffer_).first(size));
    batch_->Commit(size);
    bytes_ += size;
  }
  void Capture(CaptureKind kind, Bytes plain);
  void SendThroughIce(Bytes datagram);
  void Count(const DatagramBatch::Result& result, std::size_t bytes);

  PeerHost& host_;
  IceTransport& ice_;
  PeerStats& stats_;
  SrtpSession* srtp_ = nullptr;  // null: no keys yet
  CaptureQueue* capture_ = nullptr;
  bool consent_ = false;
  bool open_ = false;
  DatagramBatch* batch_ = nullptr;  // null: not open, or through ICE
  std::size_t bytes_ = 0;           // in the batch
  MutableBytes buffer_;
};

}  // namespace hg
