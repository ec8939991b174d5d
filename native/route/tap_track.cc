#include "route/tap_track.h"

namespace hg {

TapTrack::~TapTrack() {
  if (replica_ != nullptr) replica_->RemoveSink(*this);
}

void TapTrack::Link(Replica* replica, Timestamp) {
  if (replica_ == replica) return;
  if (replica_ != nullptr) replica_->RemoveSink(*this);
  replica_ = replica;
  if (replica_ != nullptr) replica_->AddSink(*this);
}

void TapTrack::SetPaused(bool paused, Timestamp) {
  if (std::exchange(paused_, paused) == paused || paused) return;
  if (replica_ == nullptr) return;
  replica_->RemoveSink(*this);
  replica_->AddSink(*this);
}

}  // namespace hg
