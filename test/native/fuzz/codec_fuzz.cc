// A payload of each codec, whatever it is, and what must be so if it is another
// form of the same: a NAL unit alone, aggregated or fragmented says the same of
// itself, a descriptor needs all of its bytes and nothing behind them. The
// input is a row of records (records.h).
#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "native/fuzz/records.h"
#include "rtp/codec/registry.h"
#include "rtp/codec/vp8_continuity.h"
#include "rtp/codec/vp9_descriptor.h"
#include "rtp/ext/dependency_descriptor.h"
#include "rtp/red.h"

namespace {

using namespace hg;
using hg::test::Require;

Inspection Inspect(const char* codec, Bytes payload) {
  const Inspection seen = FindCodec(codec)->inspect(payload);
  Require(seen.spatial_layer < 64 && seen.temporal_layer < 8);
  return seen;
}

std::vector<std::uint8_t> Join(std::initializer_list<unsigned> head,
                               Bytes tail) {
  std::vector<std::uint8_t> bytes;
  for (const unsigned byte : head)
    bytes.push_back(static_cast<std::uint8_t>(byte));
  bytes.insert(bytes.end(), tail.begin(), tail.end());
  return bytes;
}

unsigned High(std::size_t size) { return (size >> 8) & 0xffu; }
unsigned Low(std::size_t size) { return size & 0xffu; }

// RFC 6184 s5.6, s5.7.1, s5.8.
void CheckH264(Bytes payload) {
  const Inspection alone = Inspect("h264", payload);
  if (payload.empty()) return;
  const unsigned type = payload[0] & 0x1fu;
  if (type == 0 || type > 23) return;
  Require(alone ==
          Inspect("h264", Join({24, High(payload.size()), Low(payload.size())},
                               payload)));
  Require(alone ==
          Inspect("h264", Join({28, 0x80 | type}, payload.subspan(1))));
  Require(Inspect("h264", Join({28, type}, payload.subspan(1))) ==
          Inspection{});
}

// RFC 7798 s4.4.1-s4.4.3.
void CheckH265(Bytes payload) {
  const Inspection alone = Inspect("h265", payload);
  if (payload.size() < 2) return;
  const unsigned type = (payload[0] >> 1) & 0x3fu;
  if (type >= 48) return;
  const auto with_type = [&](unsigned other) {
    return (payload[0] & 0x81u) | (other << 1);
  };
  Require(alone ==
          Inspect("h265", Join({with_type(48), payload[1], High(payload.size()),
                                Low(payload.size())},
                               payload)));
  Require(alone ==
          Inspect("h265", Join({with_type(49), payload[1], 0x80 | type},
                               payload.subspan(2))));
}

// One element without its length, and with it.
void CheckAv1(Bytes payload) {
  const Inspection alone = Inspect("av1", payload);
  if (payload.empty() || (payload[0] & 0x30) != 0x10) return;
  const Bytes element = payload.subspan(1);
  Require(alone == Inspect("av1", Join({payload[0] & 0xcfu,
                                        0x80 | (Low(element.size()) & 0x7fu),
                                        Low(element.size() >> 7)},
                                       element)));
}

void CheckVp9(Bytes payload) {
  Inspect("vp9", payload);
  const auto descriptor = ReadVp9Descriptor(payload);
  if (!descriptor) {
    Require(Inspect("vp9", payload) == Inspection{});
    return;
  }
  Require(descriptor->size > 0 && descriptor->size <= payload.size());
  Require(descriptor->references <= Vp9Descriptor::kMaxReferences);
  Require(descriptor->picture_id.value_or(0) <=
          (descriptor->long_picture_id ? 0x7fff : 0x7f));
  Require(descriptor->spatial_layers <= 8);
  Require(ReadVp9Descriptor(payload.first(descriptor->size - 1)) ==
          std::nullopt);
  const auto alone = ReadVp9Descriptor(payload.first(descriptor->size));
  Require(alone && alone->size == descriptor->size &&
          alone->picture_id == descriptor->picture_id &&
          alone->spatial_layers == descriptor->spatial_layers);
}

void CheckRed(Bytes payload) {
  const auto primary = FindRedPrimary(payload);
  if (!primary) return;
  Require(*primary > 0 && *primary <= payload.size());
  Require(FindRedPrimary(payload.first(*primary)) == primary);
  Require(!FindRedPrimary(payload.first(*primary - 1)));
}

class Stream {
 public:
  void Do(std::uint8_t what, Bytes data) {
    switch (what % 8) {
      case 0:
        return CheckVp8(data, (what & 8) != 0);
      case 1:
        return CheckVp9(data);
      case 2:
        return CheckH264(data);
      case 3:
        return CheckH265(data);
      case 4:
        return CheckAv1(data);
      case 5:
        return CheckRed(data);
      case 6:
        if ((what & 8) != 0) vp8_.Switch();
        if ((what & 16) != 0) descriptors_.Reset();
        if ((what & 16) != 0) good_.clear();
        return;
      default:
        return CheckDescriptor(data, (what >> 3) * 1000u);
    }
  }

 private:
  void CheckVp8(Bytes payload, bool skip) {
    const Inspection seen = Inspect("vp8", payload);
    const Vp8PictureIds ids = ReadVp8PictureIds(payload);
    const std::uint16_t mask = ids.long_picture_id ? 0x7fff : 0x7f;
    Require(ids.picture_id.value_or(0) <= mask);
    std::vector<std::uint8_t> copy(payload.begin(), payload.end());
    WriteVp8PictureIds(ids, copy);
    Require(std::ranges::equal(copy, payload));
    if (skip) return vp8_.Skip(ids);

    const Vp8PictureIds out = vp8_.Forward(ids);
    Require(out.picture_id.has_value() == ids.picture_id.has_value());
    Require(out.tl0_pic_idx.has_value() == ids.tl0_pic_idx.has_value());
    WriteVp8PictureIds(out, copy);
    const Vp8PictureIds again = ReadVp8PictureIds(copy);
    Require(again.long_picture_id == ids.long_picture_id);
    Require(again.tl0_pic_idx == out.tl0_pic_idx);
    Require((again.picture_id.value_or(0) & mask) ==
            (out.picture_id.value_or(0) & mask));
    Require(Inspect("vp8", copy) == seen);
  }
  // What cannot be read has no effect on what is read next.
  void CheckDescriptor(Bytes data, std::uint32_t timestamp) {
    DependencyDescriptorReader before = descriptors_;
    const auto frame = descriptors_.Read(data, timestamp);
    if (frame) {
      Require(data.size() >= kLeastDependencyDescriptor);
      Require(frame->spatial_layer < 4 && frame->temporal_layer < 8);
      good_.assign(data.begin(), data.end());
    } else if (!good_.empty()) {
      DependencyDescriptorReader after = descriptors_;
      Require(before.Read(good_, timestamp) == after.Read(good_, timestamp));
    }
  }

  Vp8Continuity vp8_;
  DependencyDescriptorReader descriptors_;
  std::vector<std::uint8_t> good_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  Stream stream;
  hg::test::ForEachRecord({data, size}, [&](std::uint8_t what, Bytes record) {
    stream.Do(what, record);
  });
  return 0;
}
