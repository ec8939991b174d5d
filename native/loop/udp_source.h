// An RTP source that arrives on a UDP port, with an optional RTCP port: reads
// datagrams straight into shared packets and answers with keyframe requests
// and REMB where the sender has told us by RTCP where it listens.
#pragma once

#include <array>
#include <memory>
#include <optional>

#include "loop/turn.h"
#include "loop/udp_socket.h"
#include "route/source_feed.h"
#include "rtp/rtcp/registry.h"

namespace hg {

class UdpSource final : public SourceFeed,
                        private Timer,
                        private FeedbackHandler {
 public:
  // A turn takes at most this many datagrams off the socket.
  static constexpr std::size_t kBurst = 64;

  class Host : public Source::Host {
   public:
    // The lowest bandwidth any viewer reports, bit/s; 0: none does.
    virtual std::uint64_t LowestRemb(const SourceInfo& source) = 0;

   protected:
    ~Host() = default;
  };

  UdpSource(std::shared_ptr<const SourceInfo> info, UdpSocket rtp,
            std::optional<UdpSocket> rtcp, Host& host, Turn& turn);
  ~UdpSource() override;

  // SourceFeed
  Source& source() override { return source_; }
  void RequestKeyframe(Timestamp now) override;
  // By RTCP, if its address is known.
  void SendKeyframeRequest() override;
  std::uint64_t KernelDrops() const override { return rtp_.KernelDrops(); }

 private:
  class Handler;

  void OnTimer(Timestamp now) override;
  void SetTimer();
  void OnSenderReport(const SenderReport& report) override;
  void ReadRtp();
  void ReadRtcp();
  void SendRemb();
  void SendRtcp(Bytes packet);

  Turn& turn_;
  UdpSocket rtp_;
  std::optional<UdpSocket> rtcp_;
  Host& host_;
  Source source_;
  std::shared_ptr<Handler> rtp_handler_;
  std::shared_ptr<Handler> rtcp_handler_;
  Timestamp next_second_;
  Timestamp timer_due_;
  // Whoever sent RTCP last.
  sockaddr_storage rtcp_peer_{};
  socklen_t rtcp_peer_length_ = 0;
  // Of our RTCP to the sender (RFC 3550 s8).
  std::uint32_t own_ssrc_;
  std::array<PacketDraft, kBurst> drafts_;
  std::array<mmsghdr, kBurst> messages_{};
  std::array<iovec, kBurst> vectors_{};
};

}  // namespace hg
