// A publisher's packets, decrypted, whatever they are: sorted, unwrapped,
// numbered, asked for and reported. The input is a row of
// records (records.h).
#include <algorithm>

#include "native/fuzz/records.h"
#include "native/peer/ingress_rig.h"

namespace {

using namespace hg;
using namespace hg::test;

IngressConfig Negotiated(bool simulcast) {
  IngressTrackConfig video = simulcast
                                 ? VideoTrack(20, {{.rid = "h"}, {.rid = "l"}})
                                 : VideoTrack(20, {{.ssrc = 1, .rtx_ssrc = 2}});
  video.pli = simulcast;
  return With({AudioTrack(10), video});
}

class Publisher {
 public:
  Publisher() { rig_.thread.keep = false; }

  void Do(std::uint8_t what, Bytes data) {
    switch (what % 8) {
      case 0:
        rig_.RunFor(Duration(1ms) * data.size());
        return;
      case 1:
        return Report(data);
      case 2:
        rig_.ingress.SetMaxBitrate(data.size() * 1000);
        return;
      case 3:
        simulcast_ = !simulcast_;
        rig_.Configure(Negotiated(simulcast_));
        return;
      case 4:
        rig_.RequestKeyframe(20);
        return;
      default:
        return Packet(what, data);
    }
  }
  void End() {
    rig_.RunFor(2s);
    // 64 numbers a turn and encoding; a report and a keyframe request a second.
    const auto turns = static_cast<std::size_t>(rig_.turns);
    Require(rig_.heard.asked.size() <= turns * 3 * 64);
    Require(rig_.heard.largest <= 1200);
    rig_.ingress.Close();
    Require(rig_.thread.feeds.empty());
  }

 private:
  // Mostly one that begins as such packets do.
  void Packet(std::uint8_t what, Bytes data) {
    ByteVector packet(data.begin(), data.end());
    if ((what & 8) == 0 && packet.size() >= 12) {
      packet[0] = static_cast<std::uint8_t>(0x80 | (packet[0] & 0x3f));
      constexpr std::uint8_t kTypes[] = {kVideoType, kRtxType, kAudioType, 50};
      packet[1] = kTypes[(what >> 4) & 3];
      StoreU32(packet.data() + 8, packet[8] & 3u);
    }
    rig_.ReceiveRaw(std::move(packet));
  }
  void Report(Bytes data) {
    struct Ear final : FeedbackHandler {
      explicit Ear(Ingress& to) : ingress(to) {}
      void OnSenderReport(const SenderReport& report) override {
        ingress.OnSenderReport(report);
      }
      Ingress& ingress;
    } ear(rig_.ingress);
    DispatchRtcp(data, ear);
  }

  bool simulcast_ = false;
  IngressRig rig_{Negotiated(false)};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  Publisher publisher;
  hg::test::ForEachRecord({data, size}, [&](std::uint8_t what, Bytes record) {
    publisher.Do(what, record);
  });
  publisher.End();
  return 0;
}
