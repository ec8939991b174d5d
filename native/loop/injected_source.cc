#include "loop/injected_source.h"

#include <algorithm>
#include <utility>

namespace hg {

InjectedSource::InjectedSource(std::shared_ptr<const SourceInfo> info,
                               std::shared_ptr<InjectionQueue> queue,
                               Source::Host& host, Turn& turn)
    : turn_(turn),
      queue_(std::move(queue)),
      source_(std::move(info), host, turn.events, turn.now),
      next_second_(turn.now + 1s) {
  SetTimer();
}

bool InjectedSource::Serve() {
  for (std::size_t i = 0; i < kBurst; ++i) {
    auto draft = queue_->Pop();
    if (!draft) break;
    source_.OnDatagram(std::move(*draft), turn_.now);
  }
  source_.FinishBurst();
  SetTimer();  // a restart asks for a keyframe
  if (queue_->TakeRoomWanted())
    turn_.events.PostState(EventType::kInjectorLow, source_.info().config.id,
                           queue_->low, 1);
  return !queue_->empty();
}

void InjectedSource::RequestKeyframe(Timestamp now) {
  source_.RequestKeyframe(now);
  SetTimer();
}

void InjectedSource::SendKeyframeRequest() {
  turn_.events.PostState(EventType::kKeyframeWanted, source_.info().config.id,
                         queue_->keyframe_wanted, 1);
}

void InjectedSource::OnTimer(Timestamp now) {
  source_.OnDue(now);
  if (now >= next_second_) {
    next_second_ = now + 1s;
    source_.OnSecond(now);
  }
  SetTimer();
}

// The next second, or a keyframe request that had to wait.
void InjectedSource::SetTimer() {
  turn_.timers.Set(
      *this, std::min(source_.NextDue().value_or(next_second_), next_second_));
}

}  // namespace hg
