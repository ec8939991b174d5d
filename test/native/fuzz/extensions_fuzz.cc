// Header extensions (RFC 8285) of a source's packet, whatever they are, and
// what a viewer with any ids gets of them. The input: a byte of flags, eight of
// the viewer's ids, one of the mid's size, then a block.
#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "native/fuzz/records.h"
#include "native/rtp/packets.h"
#include "rtp/ext/abs_send_time.h"
#include "rtp/ext/audio_level.h"
#include "rtp/ext/mid.h"
#include "rtp/ext/playout_delay.h"
#include "rtp/ext/rid.h"
#include "rtp/ext/transport_wide_cc.h"
#include "rtp/ext/video_orientation.h"
#include "rtp/header_rewrite.h"
#include "rtp/passed_extensions.h"
#include "rtp/rtx.h"

namespace {

using namespace hg;
using hg::test::Require;

constexpr std::size_t kHead = 10;
constexpr ExtensionIds kSourceIds = {.mid = 4,
                                     .abs_send_time = 2,
                                     .transport_wide_cc = 3,
                                     .playout_delay = 12,
                                     .audio_level = 1,
                                     .video_orientation = 13,
                                     .dependency_descriptor = 8};
constexpr HeaderRewrite::Stamp kStamp = {.seq = 7,
                                         .timestamp = 70,
                                         .abs_send_time = 0x123456,
                                         .transport_seq = 0xfffe,
                                         .frame_offset = 77};

bool AreSame(const ExtensionRange& range,
             const std::vector<ExtensionElement>& expected) {
  std::size_t i = 0;
  for (const ExtensionElement& element : range) {
    if (i == expected.size() || element.id != expected[i].id ||
        !std::ranges::equal(element.data, expected[i].data))
      return false;
    ++i;
  }
  return i == expected.size();
}

std::vector<ExtensionElement> CheckElements(std::uint16_t profile,
                                            Bytes block) {
  const ExtensionRange range(profile, block);
  std::vector<ExtensionElement> elements;
  const std::uint8_t* end = block.data();
  bool fits_one_byte = true;
  for (const ExtensionElement& element : range) {
    Require(element.id != 0);
    Require(element.data.data() > end);  // behind its own header
    end = element.data.data() + element.data.size();
    Require(end <= block.data() + block.size());
    fits_one_byte = fits_one_byte && element.id <= kMaxOneByteExtensionId &&
                    !element.data.empty() && element.data.size() <= 16;
    elements.push_back(element);
  }
  Require(fits_one_byte || profile != kOneByteExtensions);
  for (const ExtensionElement& element : elements) {
    const auto first =
        std::ranges::find(elements, element.id, &ExtensionElement::id);
    const auto found = range.Find(element.id);
    Require(found && found->data() == first->data.data() &&
            found->size() == first->data.size());
  }

  // What is read, written in each form that can say it, is read again.
  ByteVector one_byte;
  ByteVector two_byte;
  for (const auto& [id, data] : elements) {
    one_byte.push_back(static_cast<std::uint8_t>(id << 4 | (data.size() - 1)));
    Append(one_byte, data);
    two_byte.push_back(id);
    two_byte.push_back(static_cast<std::uint8_t>(data.size()));
    Append(two_byte, data);
  }
  Require(AreSame({kTwoByteExtensions, two_byte}, elements));
  if (fits_one_byte) Require(AreSame({kOneByteExtensions, one_byte}, elements));
  return elements;
}

void CheckValue(Bytes data) {
  Require(ReadMid(data).size() == data.size());
  Require(ReadRid(data).size() == data.size());
  Require(ReadAbsSendTime(data).value_or(0) < 1u << 24);
  Require(ReadTransportSeq(data).has_value() == (data.size() == 2));
  Require(ReadVideoOrientation(data).has_value() == !data.empty());
  if (const auto level = ReadAudioLevel(data)) Require(level->level <= 127);
  if (const auto delay = ReadPlayoutDelay(data)) {
    std::array<std::uint8_t, kPlayoutDelaySize> again;
    WritePlayoutDelay(*delay, again.data());
    Require(std::ranges::equal(again, data));
  }
}

HeaderRewrite::Config ViewerOf(Bytes head, std::string_view mid) {
  std::vector<std::uint8_t> taken;
  const auto id = [&](std::size_t at) {
    std::uint8_t number = head[at];
    if ((head[0] & 2) == 0) number &= 0x0f;
    const bool is_free = std::ranges::find(taken, number) == taken.end();
    taken.push_back(number);
    return is_free ? number : std::uint8_t{0};
  };
  HeaderRewrite::Config config{
      .ssrc = 1,
      .payload_type = 96,
      .rtx = HeaderRewrite::Rtx{.ssrc = 2, .payload_type = 97},
      .ids = {.mid = id(1),
              .abs_send_time = id(2),
              .transport_wide_cc = id(3),
              .playout_delay = id(4),
              .audio_level = id(5),
              .video_orientation = id(6),
              .dependency_descriptor = id(7)},
      .mid = mid};
  if ((head[0] & 4) != 0)
    config.playout_delay = PlayoutDelay{.min_ms = 10, .max_ms = 40950};
  return config;
}

// The last of this id in the source's packet that can be read is what viewers
// get, if they have an id for it.
class Expectation {
 public:
  Expectation(const RtpView& written, const PacketInfo& info)
      : written_(written), info_(info) {}

  void Own(std::uint8_t id, Bytes data) const {
    if (id == 0) return;
    const auto found = written_.extensions().Find(id);
    Require(found && std::ranges::equal(*found, data));
  }
  void Passed(std::uint8_t id, PacketInfo::Passed which, Bytes data) const {
    if (id == 0) return;
    const auto found = written_.extensions().Find(id);
    Require(found.has_value() == ((info_.passed & which) != 0));
    if (found) Require(std::ranges::equal(*found, data));
  }

 private:
  const RtpView& written_;
  const PacketInfo& info_;
};

void CheckWritten(const RtpView& written, const PacketBuffer& packet,
                  const HeaderRewrite::Config& config) {
  const PacketInfo& info = packet.info;
  const Expectation expect(written, info);
  std::array<std::uint8_t, 3> time;
  StoreU24(time.data(), kStamp.abs_send_time);
  std::array<std::uint8_t, 2> transport_seq;
  StoreU16(transport_seq.data(), kStamp.transport_seq);
  std::array<std::uint8_t, 3> delay;
  StoreU24(delay.data(), info.playout_delay);
  const ByteVector mid(config.mid.begin(), config.mid.end());
  if (!mid.empty()) expect.Own(config.ids.mid, mid);
  expect.Own(config.ids.abs_send_time, time);
  expect.Own(config.ids.transport_wide_cc, transport_seq);
  if (config.playout_delay) {
    WritePlayoutDelay(*config.playout_delay, delay.data());
    expect.Own(config.ids.playout_delay, delay);
  } else {
    expect.Passed(config.ids.playout_delay, PacketInfo::kPlayoutDelay, delay);
  }
  expect.Passed(config.ids.audio_level, PacketInfo::kAudioLevel,
                Bytes(&info.audio_level, 1));
  expect.Passed(config.ids.video_orientation, PacketInfo::kVideoOrientation,
                Bytes(&info.video_orientation, 1));
  const Bytes source =
      packet.bytes().subspan(info.descriptor_offset, info.descriptor_size);
  ByteVector descriptor(source.begin(), source.end());
  if (!descriptor.empty()) {
    StoreU16(
        &descriptor[kFrameNumberAt],
        static_cast<std::uint16_t>(info.frame_number + kStamp.frame_offset));
  }
  expect.Passed(config.ids.dependency_descriptor,
                PacketInfo::kDependencyDescriptor, descriptor);
}

void CheckPassed(std::uint16_t profile, Bytes block, Bytes head) {
  PacketPool pool{PacketPool::Limits{}};
  hg::RtpFields fields;
  fields.extension_profile = profile;
  fields.extension.assign(block.begin(), block.end());
  const ByteVector bytes = fields.Build();
  PacketDraft draft = pool.Allocate();
  if (bytes.size() > draft->buffer().size()) return;
  std::ranges::copy(bytes, draft->buffer().begin());
  draft->set_size(bytes.size());
  const auto view = RtpView::Parse(draft->bytes());
  Require(view && view->extension.size() == block.size());
  Describe(*view, draft->info);
  PassedExtensions passed;
  passed.SetIds(kSourceIds);
  passed.Read(*view, draft->info);
  const PacketRef packet = std::move(draft).Seal();

  const std::string mid(head[8] % (HeaderRewrite::kMaxMidSize + 1), 'm');
  const HeaderRewrite::Config config = ViewerOf(head, mid);
  const HeaderRewrite rewrite(config);
  std::array<std::uint8_t, 4096> out;
  const std::size_t size = rewrite.Write(*packet, kStamp, out);
  const auto written = RtpView::Parse(Bytes(out).first(size));
  Require(written && std::ranges::equal(written->payload, view->payload));
  CheckWritten(*written, *packet, config);

  // With too little room nothing is written.
  ByteVector small(size - 1);
  Require(rewrite.Write(*packet, kStamp, small) == 0);

  std::array<std::uint8_t, 4096> again;
  const std::size_t rtx_size = rewrite.WriteRtx(*packet, kStamp, 7, again);
  Require(rtx_size == size + 2);
  const MutableBytes rtx = MutableBytes(again).first(rtx_size);
  const auto rtx_view = RtpView::Parse(rtx);
  Require(rtx_view && UnwrapRtx(rtx, *rtx_view, 1, 96) == size);
  Require(std::ranges::equal(Bytes(again).first(size), Bytes(out).first(size)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  if (size < kHead) return 0;
  const Bytes head(data, kHead);
  const std::uint16_t profile =
      (head[0] & 1) != 0
          ? static_cast<std::uint16_t>(kTwoByteExtensions | (head[9] & 0xf))
          : kOneByteExtensions;
  const Bytes block(data + kHead, size - kHead);
  for (const auto& [id, value] : CheckElements(profile, block))
    CheckValue(value);
  CheckPassed(profile, block.first(block.size() / 4 * 4), head);
  return 0;
}
