// What the gateway must know of a codec: where frames and keyframes start and
// which layer a packet is of, from the start of an RTP payload. Nothing is
// decoded.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"

namespace hg {

struct Inspection {
  // A decoder can start with this packet. Only the packet that says so is
  // marked, not the rest of the keyframe.
  bool keyframe = false;
  // It has parameter sets, without which the slices that follow are no keyframe
  // (H.264, H.265).
  bool parameter_sets = false;
  // A frame starts here. H.264, H.265 and AV1 may say so more than once in a
  // frame (parameter sets, then slices): a source looks for a new timestamp
  // too.
  bool frame_start = false;
  // The last packet of its frame, where a picture is several frames, one of
  // each spatial layer. Codecs without them leave it to the marker.
  bool frame_end = false;
  // A receiver of lower temporal layers can go up to this one here.
  bool layer_sync = false;
  // Whoever gets this frame can get all higher temporal layers after it.
  bool temporal_switch = false;
  // It refers to nothing before its picture: whoever gets the lower spatial
  // layers of the picture can go up to this one here.
  bool spatial_sync = false;
  // Frames of higher spatial layers do not refer to it.
  bool not_for_upper = false;
  std::uint8_t spatial_layer = 0;
  std::uint8_t temporal_layer = 0;

  friend bool operator==(const Inspection&, const Inspection&) = default;
};

struct CodecInspector {
  std::string_view name;  // of the rtpmap, lower case
  // Any bytes; what cannot be parsed is an ordinary packet.
  Inspection (*inspect)(Bytes payload);
};

}  // namespace hg
