#include "rtp/codec/vp8_continuity.h"

namespace hg {

int Vp8Continuity::Ahead(std::uint16_t id, bool is_long) const {
  const int lap = is_long ? 0x8000 : 0x80;
  const int distance = (id - newest_) & (lap - 1);
  return distance < lap / 2 ? distance : distance - lap;
}

void Vp8Continuity::Start(const Vp8PictureIds& ids) {
  if (ids.picture_id) {
    newest_ = *ids.picture_id;
    newest_out_ = started_ ? (newest_out_ + 1) & kMask : newest_;
    pictures_.fill({});
    At(newest_) = {newest_, newest_out_, Picture::State::kSent};
  }
  if (ids.tl0_pic_idx) {
    if (!started_)
      newest_tl0_out_ = static_cast<std::uint8_t>(*ids.tl0_pic_idx - 1);
    ++newest_tl0_out_;
    tl0_offset_ = static_cast<std::uint8_t>(newest_tl0_out_ - *ids.tl0_pic_idx);
  }
  started_ = true;
  switched_ = false;
}

Vp8PictureIds Vp8Continuity::Forward(const Vp8PictureIds& ids) {
  if (switched_) Start(ids);
  Vp8PictureIds out = ids;
  if (ids.tl0_pic_idx) {
    out.tl0_pic_idx = static_cast<std::uint8_t>(*ids.tl0_pic_idx + tl0_offset_);
    if (static_cast<std::int8_t>(*out.tl0_pic_idx - newest_tl0_out_) > 0)
      newest_tl0_out_ = *out.tl0_pic_idx;
  }
  if (!ids.picture_id) return out;

  const std::uint16_t id = *ids.picture_id;
  Picture& picture = At(id);
  if (picture.state != Picture::State::kSent || picture.id != id) {
    const int ahead = Ahead(id, ids.long_picture_id);
    if (ahead > 0) {
      newest_out_ = static_cast<std::uint16_t>(newest_out_ + ahead) & kMask;
      newest_ = id;
      picture = {id, newest_out_, Picture::State::kSent};
    } else {
      // All of it came late: numbers were given to those after it that were
      // not left out.
      int after = 0;
      for (int i = 0; i < -ahead && i < static_cast<int>(kWindow); ++i) {
        const auto later = static_cast<std::uint16_t>(
            (newest_ - i) & (ids.long_picture_id ? kMask : 0x7f));
        const Picture& one = At(later);
        after += one.state != Picture::State::kSkipped || one.id != later;
      }
      picture = {id, static_cast<std::uint16_t>((newest_out_ - after) & kMask),
                 Picture::State::kSent};
    }
  }
  out.picture_id = ids.long_picture_id
                       ? picture.out
                       : static_cast<std::uint16_t>(picture.out & 0x7f);
  return out;
}

void Vp8Continuity::Skip(const Vp8PictureIds& ids) {
  if (switched_ || !ids.picture_id) return;
  const std::uint16_t id = *ids.picture_id;
  const int ahead = Ahead(id, ids.long_picture_id);
  if (ahead <= 0) return;
  newest_out_ = static_cast<std::uint16_t>(newest_out_ + ahead - 1) & kMask;
  newest_ = id;
  At(id) = {id, newest_out_, Picture::State::kSkipped};
}

}  // namespace hg
