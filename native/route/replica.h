// A source as one media thread sees it: what its viewers on this thread need
// kept (packets to resend, the last keyframe's group, the sender's clock), and
// the list of them. The source's own thread has one as well.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "route/sink.h"
#include "route/source.h"
#include "rtp/keyframe_cache.h"
#include "rtp/retransmission_store.h"

namespace hg {

class Replica {
 public:
  // The way to the source, on whichever thread that is.
  class Upstream {
   public:
    virtual void WantKeyframe(const SourceInfo& source) = 0;

   protected:
    ~Upstream() = default;
  };

  Replica(std::shared_ptr<const SourceInfo> info, Upstream& upstream);
  ~Replica();
  Replica(const Replica&) = delete;
  Replica& operator=(const Replica&) = delete;

  // A keyframe whose first packet comes late is given from there on to the
  // sinks that wait for one. If not all of it is kept they go on waiting, and
  // another one is asked for.
  void OnBurst(std::span<const PacketRef> burst);
  void OnSenderClock(const SenderClock& clock) { sender_clock_ = clock; }
  // Tells the sinks, which are unlinked then.
  void OnSourceClosed();

  // A newcomer gets the last keyframe's group at once if it is kept; the
  // source is asked for a keyframe if not.
  void AddSink(Sink& sink);
  void RemoveSink(Sink& sink);
  bool empty() const { return sinks_.empty(); }

  void RequestKeyframe() { upstream_.WantKeyframe(*info_); }
  // A packet that can be sent again; null if it is gone.
  const PacketBuffer* Find(std::uint32_t source_seq, Timestamp now) const;
  // What a newcomer starts with; empty if nothing is kept.
  std::span<const PacketRef> keyframe_group() const {
    return keyframe_cache_.packets();
  }
  // The lowest bandwidth a viewer here reports, bit/s; 0: none does.
  std::uint64_t LowestRemb() const;
  // Lets go of what is too old, by what is tuned now.
  void OnSecond(Timestamp now);

  const SourceInfo& info() const { return *info_; }
  const std::shared_ptr<const SourceInfo>& shared_info() const { return info_; }
  const std::optional<SenderClock>& sender_clock() const {
    return sender_clock_;
  }
  // The place in time of the newest frame: when its first packet came.
  struct Newest {
    std::uint32_t timestamp;
    Timestamp arrival;
  };
  const std::optional<Newest>& newest() const { return newest_; }

 private:
  void Deliver(std::span<const PacketRef> packets, bool keep);
  void DeliverLateKeyframe(const PacketRef& first, bool keep);
  void Remember(const PacketRef& packet, bool keep);

  const std::shared_ptr<const SourceInfo> info_;
  Upstream& upstream_;
  std::optional<RetransmissionStore> store_;
  KeyframeCache keyframe_cache_;
  std::uint64_t not_stored_ = 0;   // the newest that was not: nobody would ask
  std::vector<PacketRef> missed_;  // empty between two calls
  std::vector<Sink*> sinks_;
  std::optional<SenderClock> sender_clock_;
  std::optional<Newest> newest_;
};

}  // namespace hg
