// What a sender says of its layers, whatever it is: a payload of VP9 or AV1, a
// dependency descriptor, RED. Read by its source, chosen from, written for a
// viewer. The input is a row of records (records.h).
#include <algorithm>
#include <array>
#include <optional>

#include "base/bytes.h"
#include "native/fuzz/records.h"
#include "peer/layer_selector.h"
#include "rtp/codec/registry.h"
#include "rtp/header_rewrite.h"
#include "rtp/passed_extensions.h"
#include "rtp/red.h"
#include "rtp/seq_num.h"

namespace {

using namespace hg;
using hg::test::Require;

constexpr ExtensionIds kIds = {.mid = 4,
                               .abs_send_time = 2,
                               .playout_delay = 5,
                               .audio_level = 1,
                               .video_orientation = 3,
                               .dependency_descriptor = 8};

class Viewer {
 public:
  Viewer() {
    passed_.SetIds(kIds);
    selector_.Choose([](std::size_t) { return true; });
  }

  void Do(std::uint8_t what, Bytes data) {
    switch (what % 8) {
      case 0:
        return selector_.SetTarget(
            {.spatial = static_cast<std::uint8_t>(data.size() % 4),
             .temporal = static_cast<std::uint8_t>(what >> 4)});
      case 1:
        return passed_.Restart();
      case 2:
        if (const auto primary = FindRedPrimary(data))
          Require(*primary <= data.size());
        return;
      case 3:
        return Packet("vp9", {}, data, what);
      case 4:  // whole extension block
        return Packet("av1", data.first(data.size() / 4 * 4), {}, what);
      default: {  // one descriptor
        if (data.size() > 255) return;
        std::array<std::uint8_t, 260> block{
            8, static_cast<std::uint8_t>(data.size())};
        std::ranges::copy(data, &block[2]);
        return Packet("av1", Bytes(block).first((data.size() + 5) / 4 * 4), {},
                      what);
      }
    }
  }

 private:
  // A step back of 10 s is no delay: the sender began anew.
  bool IsLate(std::uint32_t timestamp) {
    const bool late = newest_ && TimestampNewer(*newest_, timestamp) &&
                      *newest_ - timestamp < 10 * 90'000;
    if (!late) newest_ = timestamp;
    return late;
  }

  void Packet(const char* codec, Bytes extensions, Bytes payload,
              std::uint8_t what) {
    PacketDraft draft = pool_.Allocate();
    if (16 + extensions.size() + payload.size() > PacketBuffer::kCapacity)
      return;
    std::uint8_t* p = draft->buffer().data();
    std::fill_n(p, 16, std::uint8_t{0});
    p[0] = 0x90;
    StoreU16(p + 12, (what & 8) != 0 ? kOneByteExtensions : kTwoByteExtensions);
    StoreU16(p + 14, static_cast<std::uint16_t>(extensions.size() / 4));
    std::ranges::copy(extensions, p + 16);
    std::ranges::copy(payload, p + 16 + extensions.size());
    draft->set_size(16 + extensions.size() + payload.size());
    const auto view = RtpView::Parse(draft->bytes());
    Require(view.has_value());

    PacketInfo& info = draft->info;
    Describe(*view, info);
    info.timestamp = timestamp_ += (what >> 5) * 1000u - 2000u;
    const Inspection seen = FindCodec(codec)->inspect(view->payload);
    info.keyframe = seen.keyframe;
    info.spatial_layer = seen.spatial_layer;
    info.temporal_layer = seen.temporal_layer;
    info.frame_end = seen.frame_end;
    info.spatial_sync = seen.spatial_sync;
    info.not_for_upper = seen.not_for_upper;
    passed_.Read(*view, info);
    Require(info.descriptor_offset + info.descriptor_size <=
            draft->bytes().size());

    selector_.SwitchesAt(0, info);
    const auto verdict = selector_.Select(info);
    Require(verdict.passes || !verdict.marker);
    // What is late passes as its own picture did.
    const bool late = IsLate(info.timestamp);
    Require(!verdict.passes || late ||
            info.spatial_layer <= selector_.spatial());
    const PacketRef packet = std::move(draft).Seal();
    const std::size_t size = rewrite_.Write(
        *packet, {.seq = 1, .frame_offset = 77, .marker = verdict.marker},
        out_);
    const auto again = RtpView::Parse(Bytes(out_).first(size));
    Require(again && std::ranges::equal(again->payload, view->payload));
    if ((packet->info.passed & PacketInfo::kDependencyDescriptor) == 0) return;
    const auto descriptor = again->extensions().Find(8);
    Require(descriptor && descriptor->size() == packet->info.descriptor_size);
    Require(ReadFrameNumber(*descriptor) ==
            static_cast<std::uint16_t>(packet->info.frame_number + 77));
  }

  PacketPool pool_{PacketPool::Limits{}};
  PassedExtensions passed_;
  LayerSelector selector_{1};
  std::uint32_t timestamp_ = 0;
  std::optional<std::uint32_t> newest_;
  HeaderRewrite rewrite_{
      {.ssrc = 1, .payload_type = 96, .ids = kIds, .mid = "v"}};
  std::array<std::uint8_t, 4096> out_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  Viewer viewer;
  hg::test::ForEachRecord({data, size}, [&](std::uint8_t what, Bytes record) {
    viewer.Do(what, record);
  });
  return 0;
}
