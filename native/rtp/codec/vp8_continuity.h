// Keeps the picture ids and TL0PICIDX that one viewer sees continuous (RFC 7741
// s4.2) through switches of encoding and left-out temporal layers, as
// Continuity does for sequence numbers. Sans-IO.
//
// Rules: after a switch both go on with the next number; a picture left out
// leaves no gap; a picture lost before us does, so that a decoder waits for it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "rtp/codec/vp8_descriptor.h"

namespace hg {

class Vp8Continuity {
 public:
  // What a packet that is sent says of its picture.
  Vp8PictureIds Forward(const Vp8PictureIds& ids);
  // A picture that is not for this viewer; once for each of its packets.
  void Skip(const Vp8PictureIds& ids);
  // The next picture is of another encoding.
  void Switch() { switched_ = true; }

 private:
  // Pictures a packet may be late by.
  static constexpr std::size_t kWindow = 64;
  static constexpr std::uint16_t kMask = 0x7fff;

  struct Picture {
    std::uint16_t id = 0;
    std::uint16_t out = 0;
    enum class State : std::uint8_t { kUnknown, kSent, kSkipped } state{};
  };

  // How far `id` is ahead of the newest; negative: behind.
  int Ahead(std::uint16_t id, bool is_long) const;
  void Start(const Vp8PictureIds& ids);
  Picture& At(std::uint16_t id) { return pictures_[id % kWindow]; }

  bool started_ = false;
  bool switched_ = true;
  std::uint16_t newest_ = 0;      // of the source
  std::uint16_t newest_out_ = 0;  // given to it, or to the last before it
  std::uint8_t tl0_offset_ = 0;
  std::uint8_t newest_tl0_out_ = 0;
  std::array<Picture, kWindow> pictures_{};
};

}  // namespace hg
