#include "rtp/codec/registry.h"

#include <array>

#include "rtp/codec/av1.h"
#include "rtp/codec/h264.h"
#include "rtp/codec/h265.h"
#include "rtp/codec/vp8.h"
#include "rtp/codec/vp9.h"

namespace hg {
namespace {

constexpr std::array kCodecs = {
    CodecInspector{"vp8", InspectVp8},    //
    CodecInspector{"vp9", InspectVp9},    //
    CodecInspector{"h264", InspectH264},  //
    CodecInspector{"h265", InspectH265},  //
    CodecInspector{"av1", InspectAv1},    //
};

}  // namespace

const CodecInspector* FindCodec(std::string_view name) {
  for (const CodecInspector& codec : kCodecs)
    if (codec.name == name) return &codec;
  return nullptr;
}

}  // namespace hg
