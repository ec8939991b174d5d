// A source whose packets the application makes. Lives on one media thread;
// takes the packets off their queue and tells the application of keyframe
// requests.
#pragma once

#include <memory>

#include "loop/turn.h"
#include "route/injection_queue.h"
#include "route/source_feed.h"

namespace hg {

class InjectedSource final : public SourceFeed, private Timer {
 public:
  // Packets it takes in at a time, so that others have their turn.
  static constexpr std::size_t kBurst = 64;

  InjectedSource(std::shared_ptr<const SourceInfo> info,
                 std::shared_ptr<InjectionQueue> queue, Source::Host& host,
                 Turn& turn);

  // Takes in a burst. True: there is more.
  bool Serve();

  // SourceFeed
  Source& source() override { return source_; }
  void RequestKeyframe(Timestamp now) override;
  void SendKeyframeRequest() override;

 private:
  void OnTimer(Timestamp now) override;
  void SetTimer();

  Turn& turn_;
  const std::shared_ptr<InjectionQueue> queue_;
  Source source_;
  Timestamp next_second_;
};

}  // namespace hg
