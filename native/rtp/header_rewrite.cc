#include "rtp/header_rewrite.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "rtp/ext/abs_send_time.h"
#include "rtp/ext/dependency_descriptor.h"
#include "rtp/ext/transport_wide_cc.h"
#include "rtp/packet.h"

namespace hg {
namespace {

constexpr std::size_t kBlockHeaderSize = 4;
constexpr std::size_t kMaxOneByteDataSize = 16;

bool FitsOneByteForm(const HeaderRewrite::Config& config) {
  const ExtensionIds& ids = config.ids;
  return ids.mid <= kMaxOneByteExtensionId &&
         ids.abs_send_time <= kMaxOneByteExtensionId &&
         ids.transport_wide_cc <= kMaxOneByteExtensionId &&
         ids.playout_delay <= kMaxOneByteExtensionId &&
         ids.audio_level <= kMaxOneByteExtensionId &&
         ids.video_orientation <= kMaxOneByteExtensionId &&
         ids.dependency_descriptor <= kMaxOneByteExtensionId &&
         (ids.mid == 0 || config.mid.size() <= kMaxOneByteDataSize);
}

// memcpy takes no null pointer, which an empty payload may be. (g++ 12 makes a
// loop of std::ranges::copy: 95 ns for 1200 bytes, not 55.)
void CopyPayload(Bytes payload, std::uint8_t* out) {
  if (!payload.empty()) std::memcpy(out, payload.data(), payload.size());
}

}  // namespace

HeaderRewrite::HeaderRewrite(const Config& config)
    : ssrc_(config.ssrc),
      payload_type_(config.payload_type),
      red_payload_type_(config.red_payload_type),
      rtx_(config.rtx),
      ids_(config.ids),
      one_byte_(FitsOneByteForm(config)) {
  HG_CHECK(config.payload_type < 128);
  HG_CHECK(config.red_payload_type.value_or(0) < 128);
  HG_CHECK(!config.rtx || config.rtx->payload_type < 128);
  HG_CHECK(config.mid.size() <= kMaxMidSize);

  std::size_t at = kBlockHeaderSize;
  // Returns where the data of the new element is to go.
  const auto add = [&](std::uint8_t id, std::size_t size) {
    if (one_byte_) {
      block_[at++] = static_cast<std::uint8_t>((id << 4) | (size - 1));
    } else {
      block_[at++] = id;
      block_[at++] = static_cast<std::uint8_t>(size);
    }
    const std::size_t data_at = at;
    at += size;
    return static_cast<std::uint8_t>(data_at);
  };

  if (config.ids.mid != 0 && !config.mid.empty()) {
    const std::size_t data_at = add(config.ids.mid, config.mid.size());
    std::ranges::copy(config.mid, &block_[data_at]);
  }
  if (config.ids.playout_delay != 0 && config.playout_delay) {
    const std::size_t data_at =
        add(config.ids.playout_delay, kPlayoutDelaySize);
    WritePlayoutDelay(*config.playout_delay, &block_[data_at]);
  }
  if (config.ids.abs_send_time != 0)
    abs_send_time_at_ = add(config.ids.abs_send_time, kAbsSendTimeSize);
  if (config.ids.transport_wide_cc != 0)
    transport_cc_at_ = add(config.ids.transport_wide_cc, kTransportWideCcSize);

  const auto pass = [&](std::uint8_t id, PacketInfo::Passed which) {
    if (id != 0) passes_ |= which;
  };
  pass(ids_.audio_level, PacketInfo::kAudioLevel);
  pass(ids_.video_orientation, PacketInfo::kVideoOrientation);
  pass(ids_.dependency_descriptor, PacketInfo::kDependencyDescriptor);
  if (!config.playout_delay)
    pass(ids_.playout_delay, PacketInfo::kPlayoutDelay);

  own_size_ = static_cast<std::uint8_t>(at);
  if (at == kBlockHeaderSize) return;  // none of our own
  const std::size_t words = (at - kBlockHeaderSize + 3) / 4;
  StoreU16(&block_[0], one_byte_ ? kOneByteExtensions : kTwoByteExtensions);
  StoreU16(&block_[2], static_cast<std::uint16_t>(words));
  block_size_ = static_cast<std::uint8_t>(kBlockHeaderSize + words * 4);
}

// The elements of our own block, then those that this packet of the source has.
class HeaderRewrite::Elements {
 public:
  Elements(const HeaderRewrite& rewrite, const PacketBuffer& packet,
           const Stamp& stamp) {
    const PacketInfo& info = packet.info;
    const ExtensionIds& ids = rewrite.ids_;
    const std::uint8_t passed = info.passed & rewrite.passes_;
    if ((passed & PacketInfo::kAudioLevel) != 0)
      AddSmall(ids.audio_level, info.audio_level, 1);
    if ((passed & PacketInfo::kVideoOrientation) != 0)
      AddSmall(ids.video_orientation, info.video_orientation, 1);
    if ((passed & PacketInfo::kPlayoutDelay) != 0)
      AddSmall(ids.playout_delay, info.playout_delay, kPlayoutDelaySize);
    if ((passed & PacketInfo::kDependencyDescriptor) == 0) return;
    descriptor_id_ = ids.dependency_descriptor;
    descriptor_ =
        packet.bytes().subspan(info.descriptor_offset, info.descriptor_size);
    frame_number_ =
        static_cast<std::uint16_t>(info.frame_number + stamp.frame_offset);
  }

  bool need_two_bytes() const {
    return descriptor_.size() > kMaxOneByteDataSize;
  }
  // With a header of `header` bytes for each.
  std::size_t size(std::size_t header) const {
    return small_count_ * header + small_bytes_ +
           (descriptor_.empty() ? 0 : header + descriptor_.size());
  }
  void Write(bool one_byte, std::uint8_t* to) const {
    const auto begin = [&](std::uint8_t id, std::size_t size) {
      if (one_byte) {
        *to++ = static_cast<std::uint8_t>(id << 4 | (size - 1));
      } else {
        *to++ = id;
        *to++ = static_cast<std::uint8_t>(size);
      }
    };
    for (std::size_t i = 0; i < small_count_; ++i) {
      const Small& one = small_[i];
      begin(one.id, one.size);
      for (std::size_t left = one.size; left-- > 0;)
        *to++ = static_cast<std::uint8_t>(one.value >> (8 * left));
    }
    if (descriptor_.empty()) return;
    begin(descriptor_id_, descriptor_.size());
    std::memcpy(to, descriptor_.data(), descriptor_.size());
    StoreU16(to + kFrameNumberAt, frame_number_);
  }

 private:
  struct Small {
    std::uint8_t id;
    std::uint8_t size;
    std::uint32_t value;
  };

  void AddSmall(std::uint8_t id, std::uint32_t value, std::size_t size) {
    small_[small_count_++] = {id, static_cast<std::uint8_t>(size), value};
    small_bytes_ += size;
  }

  std::array<Small, 3> small_;
  std::size_t small_count_ = 0;
  std::size_t small_bytes_ = 0;
  std::uint8_t descriptor_id_ = 0;
  Bytes descriptor_;
  std::uint16_t frame_number_ = 0;
};

// Returns the size of the block, 0 if it does not fit; `out` is behind the
// fixed header.
std::size_t HeaderRewrite::WriteBlock(const PacketBuffer& packet,
                                      const Stamp& stamp,
                                      MutableBytes out) const {
  std::array<std::uint8_t, kMaxBlockSize> own = block_;
  if (abs_send_time_at_ != 0)
    StoreU24(&own[abs_send_time_at_], stamp.abs_send_time);
  if (transport_cc_at_ != 0)
    StoreU16(&own[transport_cc_at_], stamp.transport_seq);
  const Bytes own_elements =
      Bytes(own).first(own_size_).subspan(kBlockHeaderSize);

  const Elements elements(*this, packet, stamp);
  const bool one_byte = one_byte_ && !elements.need_two_bytes();
  const bool widen = one_byte_ && !one_byte;
  std::size_t widened = 0;
  if (widen) {
    for (const auto& element : ExtensionRange(kOneByteExtensions, own_elements))
      widened += element.id != 0;
  }
  const std::size_t size =
      own_elements.size() + widened + elements.size(one_byte ? 1 : 2);
  const std::size_t words = (size + 3) / 4;
  const std::size_t block_size = kBlockHeaderSize + words * 4;
  if (block_size > out.size()) return 0;

  StoreU16(out.data(), one_byte ? kOneByteExtensions : kTwoByteExtensions);
  StoreU16(out.data() + 2, static_cast<std::uint16_t>(words));
  std::uint8_t* to = out.data() + kBlockHeaderSize;
  if (widen) {
    for (const auto& element :
         ExtensionRange(kOneByteExtensions, own_elements)) {
      *to++ = element.id;
      *to++ = static_cast<std::uint8_t>(element.data.size());
      to = std::ranges::copy(element.data, to).out;
    }
  } else {
    to = std::ranges::copy(own_elements, to).out;
  }
  elements.Write(one_byte, to);
  std::memset(out.data() + kBlockHeaderSize + size, 0, words * 4 - size);
  return block_size;
}

// Returns its size, 0 if it does not fit.
std::size_t HeaderRewrite::WriteHeader(const PacketBuffer& packet,
                                       std::uint8_t payload_type,
                                       std::uint32_t ssrc, const Stamp& stamp,
                                       MutableBytes out) const {
  const bool passes = (packet.info.passed & passes_) != 0;
  std::size_t block_size = block_size_;
  if (RtpView::kFixedHeaderSize + block_size > out.size()) return 0;
  std::uint8_t* const block = out.data() + RtpView::kFixedHeaderSize;
  if (!passes) {
    std::memcpy(block, block_.data(), block_size);
    if (abs_send_time_at_ != 0)
      StoreU24(block + abs_send_time_at_, stamp.abs_send_time);
    if (transport_cc_at_ != 0)
      StoreU16(block + transport_cc_at_, stamp.transport_seq);
  } else {
    block_size =
        WriteBlock(packet, stamp, out.subspan(RtpView::kFixedHeaderSize));
    if (block_size == 0) return 0;
  }
  const bool marker = packet.info.marker || stamp.marker;
  out[0] = block_size != 0 ? 0x90 : 0x80;
  out[1] = static_cast<std::uint8_t>((marker ? 0x80 : 0) | payload_type);
  StoreU16(&out[2], stamp.seq);
  StoreU32(&out[4], stamp.timestamp);
  StoreU32(&out[8], ssrc);
  return RtpView::kFixedHeaderSize + block_size;
}

Bytes HeaderRewrite::PayloadOf(const PacketBuffer& packet) const {
  const Bytes payload = packet.payload();
  const std::size_t skip = red_payload_type_ ? 0 : packet.info.red_primary;
  return payload.subspan(std::min(skip, payload.size()));
}

std::size_t HeaderRewrite::Write(const PacketBuffer& packet, const Stamp& stamp,
                                 MutableBytes out) const {
  const Bytes payload = PayloadOf(packet);
  if (payload.size() > out.size()) return 0;
  const std::uint8_t payload_type =
      packet.info.red_primary != 0 && red_payload_type_ ? *red_payload_type_
                                                        : payload_type_;
  const std::size_t at = WriteHeader(packet, payload_type, ssrc_, stamp,
                                     out.first(out.size() - payload.size()));
  if (at == 0) return 0;
  CopyPayload(payload, out.data() + at);
  return at + payload.size();
}

std::size_t HeaderRewrite::WriteRtx(const PacketBuffer& packet,
                                    const Stamp& stamp,
                                    std::uint16_t original_seq,
                                    MutableBytes out) const {
  if (!rtx_) return 0;
  const Bytes payload = PayloadOf(packet);
  if (payload.size() + 2 > out.size()) return 0;
  const std::size_t at =
      WriteHeader(packet, rtx_->payload_type, rtx_->ssrc, stamp,
                  out.first(out.size() - payload.size() - 2));
  if (at == 0) return 0;
  StoreU16(out.data() + at, original_seq);
  CopyPayload(payload, out.data() + at + 2);
  return at + 2 + payload.size();
}

}  // namespace hg
