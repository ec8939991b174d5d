// A viewer's feedback, decrypted: any compound of RTCP packets.
#include <cstdlib>

#include "rtp/ntp.h"
#include "rtp/rtcp/compound.h"
#include "rtp/rtcp/registry.h"
#include "rtp/rtcp/report_stats.h"
#include "rtp/sent_map.h"

namespace {

using namespace hg;

class Viewer final : public FeedbackHandler {
 public:
  Viewer() {
    for (std::uint16_t seq = 65'500; seq != 100; ++seq)
      sent_.Remember(seq, seq + 1000u, Timestamp(1s));
  }

  void OnReportBlock(std::uint32_t, const ReportBlock& block) override {
    RoundTrip(block, ToNtp(WallNow()));
  }
  void OnNack(const Nack& nack) override {
    nack.ForEach([&](std::uint16_t seq) {
      sent_.Request(seq, Timestamp(1s + 5ms), 20ms);
      ++asked_;
    });
  }
  void OnFir(std::uint32_t sender, const FirEntry& entry) override {
    fir_.IsNew(sender, entry.command);
  }

  std::size_t asked() const { return asked_; }

 private:
  SentMap sent_{{.packets = 512, .max_age = 1s}};
  FirFilter fir_;
  std::size_t asked_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  Viewer viewer;
  DispatchRtcp(Bytes(data, size), viewer);
  // Four bytes ask for 17 packets at most (RFC 4585 s6.2.1).
  if (viewer.asked() > size / 4 * 17) std::abort();
  return 0;
}
