// A publisher's video as a browser sends it: frames of 8 packets, with mid and
// transport-wide sequence number, sender reports, and resends of what is asked
// for. The payload is payload.h's.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <random>
#include <string>

#include "base/bytes.h"
#include "base/clock.h"
#include "bench/payload.h"
#include "rtp/ntp.h"
#include "rtp/rtcp/registry.h"
#include "rtp/rtcp/sdes.h"
#include "srtp/srtp_session.h"
#include "support/media_client.h"

namespace hg::bench {

class VideoSender final : private FeedbackHandler {
 public:
  static constexpr std::uint64_t kPacketsPerFrame = 8;
  static constexpr std::uint64_t kFramesPerSecond = 30;

  struct Config {
    std::uint32_t ssrc = 0;
    std::uint8_t payload_type = 0;
    std::uint32_t rtx_ssrc = 0;  // 0: resends go as they were
    std::uint8_t rtx_payload_type = 0;
    // Of header extensions; 0: not negotiated.
    std::uint8_t mid_id = 0;
    std::uint8_t transport_cc_id = 0;
    char mid = '0';
  };
  struct Counters {
    std::uint64_t sent = 0;    // different packets
    std::uint64_t resent = 0;  // asked for by NACKs
    std::uint64_t keyframe_requests = 0;
  };

  VideoSender(const Config& config, MediaClient& client)
      : config_(config), client_(client) {
    std::random_device random;
    seq_ = first_seq_ = static_cast<std::uint16_t>(random() & 0x7fff);
    timestamp_ = random();
  }

  void Send(std::uint64_t packets, Timestamp now) {
    for (std::uint64_t i = 0; i < packets; ++i) SendNext(now);
  }

  // A report each second, for the other side's clock.
  void ReportIfDue(Timestamp now) {
    if (counters_.sent == 0 || now < report_due_) return;
    report_due_ = now + 1s;
    std::array<std::uint8_t, 128> buffer;
    RtcpWriter writer(buffer);
    WriteSenderReport(
        writer, config_.ssrc,
        {.ntp = ToNtp(WallNow()),
         .rtp_timestamp = timestamp_,
         .packets = static_cast<std::uint32_t>(counters_.sent),
         .octets = static_cast<std::uint32_t>(counters_.sent * kPayloadSize)});
    WriteCname(writer, config_.ssrc, "publisher");
    client_.SendRtcp(writer.bytes());
  }

  void OnRtcp(Bytes compound) { DispatchRtcp(compound, *this); }

  const Counters& counters() const { return counters_; }
  // By the other side's reports, of all that was sent: what it never got, and
  // what came after the last it tells of. Everything, if it reports nothing.
  std::uint64_t lost() const {
    if (counters_.sent == 0) return 0;
    if (!report_) return counters_.sent;
    const std::uint64_t newest = first_seq_ + counters_.sent - 1;
    const auto behind =
        static_cast<std::uint16_t>(newest - (report_->highest_seq & 0xffff));
    return behind + static_cast<std::uint64_t>(std::max(report_->lost, 0));
  }

 private:
  // Enough to make a packet again.
  struct Record {
    VideoPosition at;
    Stamp stamp{};
    std::uint32_t timestamp = 0;
    std::uint16_t seq = 0;
    std::uint16_t transport_seq = 0;
    bool marker = false;
  };
  static constexpr std::size_t kRecords = 1024;
  // More in one compound would only be a broken receiver.
  static constexpr int kMaxResends = 64;
  // Four bytes each of extension header, and of both elements with padding.
  static constexpr std::size_t kExtensionSize = 4 + 8;
  using Buffer =
      std::array<std::uint8_t, kRtpHeaderSize + kExtensionSize + 2 +
                                   kPayloadSize + SrtpSession::kMaxOverhead>;

  void SendNext(Timestamp now) {
    const std::uint64_t in_frame = counters_.sent % kPacketsPerFrame;
    if (in_frame == 0) {
      const std::uint64_t frame = counters_.sent / kPacketsPerFrame;
      timestamp_ += 90'000 / kFramesPerSecond;
      keyframe_ = frame == 0 || std::exchange(keyframe_wanted_, false);
      picture_ = static_cast<std::uint16_t>(frame & 0x7fff);
    }
    Record& record = records_[seq_ % kRecords];
    record = {.at = {.keyframe = keyframe_,
                     .first = in_frame == 0,
                     .picture = picture_},
              .stamp = {.number = ++counters_.sent, .sent = now},
              .timestamp = timestamp_,
              .seq = seq_++,
              .transport_seq = transport_seq_++,
              .marker = in_frame + 1 == kPacketsPerFrame};
    Send(record, config_.ssrc, config_.payload_type, record.seq, std::nullopt);
  }

  void Resend(std::uint16_t seq) {
    Record& record = records_[seq % kRecords];
    if (record.stamp.number == 0 || record.seq != seq) return;
    ++counters_.resent;
    if (config_.rtx_ssrc == 0) {
      // Byte by byte as it was: under AES-GCM nothing else may be.
      Send(record, config_.ssrc, config_.payload_type, seq, std::nullopt);
      return;
    }
    Record again = record;
    again.transport_seq = transport_seq_++;
    Send(again, config_.rtx_ssrc, config_.rtx_payload_type, rtx_seq_++, seq);
  }

  // `original`: the sequence number in front of an RTX payload (RFC 4588 s4).
  void Send(const Record& record, std::uint32_t ssrc, std::uint8_t payload_type,
            std::uint16_t seq, std::optional<std::uint16_t> original) {
    Buffer buffer;
    std::uint8_t* out = buffer.data();
    out[0] = 0x80;
    out[1] =
        static_cast<std::uint8_t>(payload_type | (record.marker ? 0x80 : 0));
    StoreU16(out + 2, seq);
    StoreU32(out + 4, record.timestamp);
    StoreU32(out + 8, ssrc);
    out += kRtpHeaderSize;
    if (config_.mid_id != 0 || config_.transport_cc_id != 0) {
      buffer[0] |= 0x10;
      out = WriteExtensions(record, out);
    }
    if (original) {
      StoreU16(out, *original);
      out += 2;
    }
    WritePayload(record.at, record.stamp, out);
    out += kPayloadSize;
    client_.SendRtp(buffer, static_cast<std::size_t>(out - buffer.data()));
  }

  // RFC 8285 s4.2: ids and lengths less one; zeros are padding.
  std::uint8_t* WriteExtensions(const Record& record, std::uint8_t* out) const {
    std::fill_n(out, kExtensionSize, std::uint8_t{0});
    StoreU16(out, 0xbede);
    StoreU16(out + 2, (kExtensionSize - 4) / 4);
    std::uint8_t* element = out + 4;
    if (config_.transport_cc_id != 0) {
      element[0] = static_cast<std::uint8_t>(config_.transport_cc_id << 4 | 1);
      StoreU16(element + 1, record.transport_seq);
      element += 3;
    }
    if (config_.mid_id != 0) {
      element[0] = static_cast<std::uint8_t>(config_.mid_id << 4);
      element[1] = static_cast<std::uint8_t>(config_.mid);
    }
    return out + kExtensionSize;
  }

  // FeedbackHandler
  void OnReportBlock(std::uint32_t, const ReportBlock& block) override {
    if (block.ssrc == config_.ssrc) report_ = block;
  }
  void OnNack(const Nack& nack) override {
    if (nack.media_ssrc != config_.ssrc) return;
    int left = kMaxResends;
    nack.ForEach([&](std::uint16_t seq) {
      if (left-- > 0) Resend(seq);
    });
  }
  void OnPli(const Pli&) override { RequestKeyframe(); }
  void OnFir(std::uint32_t, const FirEntry&) override { RequestKeyframe(); }
  void RequestKeyframe() {
    ++counters_.keyframe_requests;
    keyframe_wanted_ = true;
  }

  const Config config_;
  MediaClient& client_;
  std::array<Record, kRecords> records_{};
  Counters counters_;
  std::optional<ReportBlock> report_;  // the last about our video
  Timestamp report_due_{};
  std::uint32_t timestamp_ = 0;
  std::uint16_t first_seq_ = 0;
  std::uint16_t seq_ = 0;
  std::uint16_t rtx_seq_ = 1;
  std::uint16_t transport_seq_ = 1;
  std::uint16_t picture_ = 0;
  bool keyframe_ = false;
  bool keyframe_wanted_ = false;
};

}  // namespace hg::bench
