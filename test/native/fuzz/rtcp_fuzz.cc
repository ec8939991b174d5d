// A viewer's feedback, decrypted: any compound of RTCP packets. What is read of
// it, written, is read as the same.
#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <vector>

#include "native/fuzz/records.h"
#include "rtp/ntp.h"
#include "rtp/rtcp/compound.h"
#include "rtp/rtcp/registry.h"
#include "rtp/rtcp/report_stats.h"
#include "rtp/sent_map.h"

namespace {

using namespace hg;
using hg::test::Require;

// One packet, written by us.
class Written {
 public:
  RtcpWriter& writer() { return writer_; }
  RtcpPacket Read() const {
    RtcpReader reader(writer_.bytes());
    const auto packet = reader.Next();
    Require(packet && !reader.Next() && !reader.malformed());
    return *packet;
  }

 private:
  // The largest that an input has, and 64 KB of its packets.
  std::array<std::uint8_t, 70'000> buffer_;
  RtcpWriter writer_{buffer_};
};

std::vector<ReportBlock> ListOf(const ReportBlockRange& range) {
  std::vector<ReportBlock> blocks;
  for (const ReportBlock& block : range) blocks.push_back(block);
  return blocks;
}

class Viewer final : public FeedbackHandler {
 public:
  Viewer() {
    for (std::uint16_t seq = 65'500; seq != 100; ++seq)
      sent_.Remember(seq, seq + 1000u, Timestamp(1s));
  }

  void OnSenderReport(const SenderReport& report) override {
    const std::vector<ReportBlock> blocks = ListOf(report.blocks);
    Written out;
    Require(WriteSenderReport(out.writer(), report.sender_ssrc, report.info,
                              blocks));
    const auto again = SenderReport::Parse(out.Read());
    Require(again && again->sender_ssrc == report.sender_ssrc &&
            again->info == report.info && ListOf(again->blocks) == blocks);
  }
  void OnReportBlock(std::uint32_t sender, const ReportBlock& block) override {
    RoundTrip(block, ToNtp(WallNow()));
    Written out;
    Require(WriteReceiverReport(out.writer(), sender, std::span(&block, 1)));
    const auto again = ReceiverReport::Parse(out.Read());
    Require(again && again->sender_ssrc == sender &&
            again->blocks.size() == 1 && *again->blocks.begin() == block);
  }
  void OnBye(std::uint32_t ssrc) override {
    Written out;
    Require(WriteBye(out.writer(), std::span(&ssrc, 1)));
    const auto again = Bye::Parse(out.Read());
    Require(again && again->size() == 1 && again->ssrc(0) == ssrc);
  }
  void OnNack(const Nack& nack) override {
    std::vector<std::uint16_t> seqs;
    nack.ForEach([&](std::uint16_t seq) {
      sent_.Request(seq, Timestamp(1s + 5ms), 20ms);
      seqs.push_back(seq);
    });
    asked_ += seqs.size();
    CheckNack(nack, seqs);
  }
  void OnPli(const Pli& pli) override {
    Written out;
    Require(WritePli(out.writer(), pli));
    const auto again = Pli::Parse(out.Read());
    Require(again && again->sender_ssrc == pli.sender_ssrc &&
            again->media_ssrc == pli.media_ssrc);
  }
  void OnFir(std::uint32_t sender, const FirEntry& entry) override {
    fir_.IsNew(sender, entry.command);
    Require(!fir_.IsNew(sender, entry.command));
    Written out;
    Require(WriteFir(out.writer(), sender, entry));
    const auto again = Fir::Parse(out.Read());
    Require(again && again->sender_ssrc == sender && again->size() == 1 &&
            again->entry(0).ssrc == entry.ssrc &&
            again->entry(0).command == entry.command);
  }
  void OnRemb(const Remb& remb) override {
    std::vector<std::uint32_t> ssrcs;
    for (std::size_t i = 0; i < remb.size(); ++i) ssrcs.push_back(remb.ssrc(i));
    Written out;
    Require(WriteRemb(out.writer(), remb.sender_ssrc, remb.bitrate_bps, ssrcs));
    const auto again = Remb::Parse(out.Read());
    Require(again && again->sender_ssrc == remb.sender_ssrc &&
            std::ranges::equal(again->ssrcs, remb.ssrcs));
    // What does not fit is the largest number, which is rounded down.
    Require(again->bitrate_bps == remb.bitrate_bps ||
            remb.bitrate_bps == std::numeric_limits<std::uint64_t>::max());
  }
  void OnTransportCc(const TransportCc& feedback) override {
    std::size_t received = 0;
    std::size_t lost = 0;
    std::uint16_t next = feedback.base_seq;
    feedback.ForEach([&](std::uint16_t seq, std::optional<Duration> arrival) {
      Require(seq == next++);
      ++(arrival ? received : lost);
    });
    Require(received == feedback.received && lost == feedback.lost);
    Require(received + lost == feedback.count);
    Require(feedback.count <= TransportCc::kMaxCount);
    Require(feedback.deltas.size() >= received);
  }

  std::size_t asked() const { return asked_; }

 private:
  // All of what was asked, and nothing else, however often.
  void CheckNack(const Nack& nack, std::vector<std::uint16_t>& seqs) {
    if (seqs.empty()) return;
    const std::uint16_t first = seqs[0];
    const auto from_first = [first](std::uint16_t seq) {
      return static_cast<std::uint16_t>(seq - first);
    };
    std::ranges::sort(seqs, {}, from_first);
    seqs.erase(std::unique(seqs.begin(), seqs.end()), seqs.end());
    std::vector<std::uint16_t> again;
    for (std::span<const std::uint16_t> rest(seqs); !rest.empty();) {
      Written out;
      const std::size_t count =
          WriteNack(out.writer(), nack.sender_ssrc, nack.media_ssrc, rest);
      Require(count > 0 && count <= rest.size());
      rest = rest.subspan(count);
      const auto parsed = Nack::Parse(out.Read());
      Require(parsed && parsed->media_ssrc == nack.media_ssrc);
      parsed->ForEach([&](std::uint16_t seq) { again.push_back(seq); });
    }
    Require(again == seqs);
  }

  SentMap sent_{{.packets = 512, .max_age = 1s}};
  FirFilter fir_;
  std::size_t asked_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  Viewer viewer;
  const RtcpDispatch result = DispatchRtcp(Bytes(data, size), viewer);
  Require(result.packets >= result.unknown + result.ignored);
  Require(result.packets <= size / kRtcpHeaderSize);
  // Four bytes ask for 17 packets at most (RFC 4585 s6.2.1).
  Require(viewer.asked() <= size / 4 * 17);
  return 0;
}
