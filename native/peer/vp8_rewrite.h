// Rewrites the picture ids of what one track sends, and remembers them, so that
// a plain resend has those of the first sending (SRTP under AES-GCM demands
// it).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "rtp/codec/vp8_continuity.h"

namespace hg {

class Vp8Rewrite {
 public:
  // A packet that will be sent under this number.
  void Forward(Bytes payload, std::uint16_t seq) {
    slots_[seq % slots_.size()] = {
        seq, continuity_.Forward(ReadVp8PictureIds(payload))};
  }
  void Skip(Bytes payload) { continuity_.Skip(ReadVp8PictureIds(payload)); }
  void Switch() { continuity_.Switch(); }

  // `payload`: the copy that goes out.
  void Apply(std::uint16_t seq, MutableBytes payload) const {
    const Slot& slot = slots_[seq % slots_.size()];
    if (slot.seq == seq) WriteVp8PictureIds(slot.ids, payload);
  }

 private:
  struct Slot {
    std::uint16_t seq = 0;
    Vp8PictureIds ids;
  };

  Vp8Continuity continuity_;
  // As many as a track remembers to resend.
  std::array<Slot, 512> slots_{};
};

}  // namespace hg
