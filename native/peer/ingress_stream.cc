#include "peer/ingress_stream.h"

#include <algorithm>
#include <array>

namespace hg {

IngressStream::IngressStream(const Config& config)
    : config_(config),
      stats_(config.clock_rate),
      nacks_(NackTracker::Limits{}) {}

void IngressStream::SetNack(bool nack) {
  if (config_.nack == nack) return;
  config_.nack = nack;
  nacks_.Reset();
}

void IngressStream::Follow(std::uint32_t ssrc) {
  if (ssrc_ == ssrc) return;
  ssrc_ = ssrc;
  extender_.Reset();
  stats_.Reset();
  lost_told_ = 0;
  nacks_.Reset();
}

void IngressStream::OnPacket(std::uint32_t ssrc, std::uint16_t seq,
                             std::uint32_t timestamp, bool resent,
                             Timestamp now) {
  // What is resent is old: it says nothing about who sends now.
  if (resent && ssrc_ != ssrc) return;
  Follow(ssrc);
  // RTX has an SSRC and reports of its own (RFC 4588 s6.3); the time it took
  // is no jitter.
  if (!resent) stats_.OnPacket(seq, timestamp, now);
  if (config_.nack) nacks_.OnPacket(extender_.Extend(seq), now);
}

void IngressStream::OnSenderReport(std::uint32_t ssrc, NtpTime ntp,
                                   Timestamp now) {
  if (ssrc_ == ssrc) stats_.OnSenderReport(ntp, now);
}

void IngressStream::OnKeyframe(std::uint16_t seq) {
  if (config_.nack && extender_.highest() != 0)
    nacks_.GiveUpBefore(ExtendSeq(seq, extender_.highest()));
}

std::optional<ReportBlock> IngressStream::MakeReport(Timestamp now) {
  return ssrc_ ? stats_.MakeReport(*ssrc_, now) : std::nullopt;
}

std::uint64_t IngressStream::TakeNewlyLost() {
  const std::int64_t newly = stats_.lost() - lost_told_;
  if (newly <= 0) return 0;
  lost_told_ += newly;
  return static_cast<std::uint64_t>(newly);
}

std::size_t IngressStream::CollectNacks(Timestamp now, Duration round_trip,
                                        std::span<std::uint16_t> out) {
  constexpr std::size_t kAtATime = 64;
  std::array<std::uint64_t, kAtATime> due;
  const std::size_t count = nacks_.Collect(
      now, round_trip, std::span(due).first(std::min(out.size(), kAtATime)));
  for (std::size_t i = 0; i < count; ++i)
    out[i] = static_cast<std::uint16_t>(due[i]);
  return count;
}

}  // namespace hg
