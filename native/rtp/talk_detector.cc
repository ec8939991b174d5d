#include "rtp/talk_detector.h"

#include <algorithm>

namespace hg {

bool TalkDetector::OnPacket(std::uint8_t level, Timestamp now) {
  const bool before = talking_;
  AddSilence(now);
  Add(std::min(level, kSilence));
  last_ = now;
  return talking_ != before;
}

bool TalkDetector::OnTime(Timestamp now) {
  const bool before = talking_;
  AddSilence(now);
  return talking_ != before;
}

void TalkDetector::AddSilence(Timestamp now) {
  if (!last_ || now - *last_ <= kRest) return;
  // More than a window says no more than a window.
  const auto missed = static_cast<std::uint64_t>((now - *last_) / kPacketTime);
  for (auto i = std::min<std::uint64_t>(missed, limits_.packets); i > 0; --i)
    Add(kSilence);
  last_ = now;
}

void TalkDetector::Add(std::uint8_t level) {
  sum_ += level;
  if (++count_ < limits_.packets) return;
  average_ = static_cast<double>(sum_) / count_;
  talking_ = *average_ < limits_.level;
  sum_ = count_ = 0;
}

}  // namespace hg
