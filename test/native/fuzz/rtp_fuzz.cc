// A source's packets, whatever they are: read, inspected by each codec,
// numbered, and written for a viewer. The input is a row of packets, each with
// two bytes of length in front.
#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "native/fuzz/records.h"
#include "rtp/codec/registry.h"
#include "rtp/continuity.h"
#include "rtp/header_rewrite.h"
#include "rtp/packet.h"
#include "rtp/rtx.h"
#include "rtp/source_timeline.h"

namespace {

using namespace hg;
using hg::test::Require;

constexpr std::array kCodecs = {"vp8", "vp9", "h264", "h265", "av1"};

const HeaderRewrite::Config kRewrite = {
    .ssrc = 1,
    .payload_type = 96,
    .rtx = HeaderRewrite::Rtx{.ssrc = 2, .payload_type = 97},
    .ids = {.mid = 4, .abs_send_time = 2, .transport_wide_cc = 3},
    .mid = "v"};

class Gateway {
 public:
  void OnPacket(Bytes bytes, Timestamp now) {
    const auto view = RtpView::Parse(bytes);
    if (!view) return;
    std::size_t size = 0;
    for (const ExtensionElement& element : view->extensions())
      size += element.data.size();
    Require(size <= view->extension.size());
    Require(view->header_size + view->payload.size() + view->padding_size ==
            bytes.size());
    for (const char* name : kCodecs) FindCodec(name)->inspect(view->payload);

    const auto result =
        timeline_.Add(view->ssrc, view->seq, view->timestamp, now);
    if (!result.accepted()) return;
    Require(result.extended_seq <= timeline_.highest());
    const auto out =
        continuity_.Forward(result.extended_seq, result.timestamp, now);
    if (!out || bytes.size() > PacketBuffer::kCapacity) return;

    PacketDraft draft = pool_.Allocate();
    std::ranges::copy(bytes, draft->buffer().begin());
    draft->set_size(bytes.size());
    Describe(*view, draft->info);
    const PacketRef packet = std::move(draft).Seal();
    const HeaderRewrite::Stamp stamp{out->seq, out->timestamp};
    const auto written = rewrite_.Write(*packet, stamp, out_);
    const auto again = RtpView::Parse(Bytes(out_).first(written));
    Require(again && again->seq == out->seq &&
            std::ranges::equal(again->payload, view->payload));
    // RTX carries the same.
    std::array<std::uint8_t, 4096> rtx;
    const MutableBytes sent = MutableBytes(rtx).first(
        rewrite_.WriteRtx(*packet, stamp, out->seq, rtx));
    const auto rtx_view = RtpView::Parse(sent);
    Require(rtx_view && rtx_view->ssrc == 2 && rtx_view->payload_type == 97);
    Require(
        UnwrapRtx(sent, *rtx_view, 1, 96) == written &&
        std::ranges::equal(sent.first(written), Bytes(out_).first(written)));
  }

 private:
  PacketPool pool_{PacketPool::Limits{}};
  SourceTimeline timeline_{SourceTimeline::Limits{}};
  Continuity continuity_{90'000, {.seq = 1, .timestamp = 2}};
  HeaderRewrite rewrite_{kRewrite};
  std::array<std::uint8_t, 4096> out_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  Bytes rest(data, size);
  Gateway gateway;
  Timestamp now{1s};
  while (rest.size() > 2) {
    const std::size_t length =
        std::min<std::size_t>(LoadU16(rest.data()) & 0xfff, rest.size() - 2);
    gateway.OnPacket(rest.subspan(2, length), now);
    rest = rest.subspan(2 + length);
    now += 7ms;
  }
  return 0;
}
