// The encodings that an outgoing track can choose from, when its source has
// several: subscribes to the one that is sent and the one that is wanted, and
// to no other.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "base/events.h"
#include "peer/layer_selector.h"
#include "route/keyframe_retry.h"
#include "route/replica.h"
#include "route/sink.h"

namespace hg {

class EgressLayers {
 public:
  // The track.
  class Owner {
   public:
    virtual Timestamp now() const = 0;
    // This thread's replica of a source.
    virtual Replica& Obtain(const std::shared_ptr<const SourceInfo>& info) = 0;
    // From here on, beginning with a keyframe, this one is sent.
    virtual void OnEncoding(Replica& replica) = 0;
    virtual void OnEncodingClosed() = 0;  // the one that is sent
    // Of the one that is sent: it is not waited for a keyframe of it.
    virtual bool MayPass(const PacketBuffer& packet) = 0;
    virtual bool WaitsForKeyframe() const = 0;
    // A packet of the encoding that is sent, and what of it is for the viewer.
    virtual void OnLayerPacket(const PacketRef& packet,
                               LayerSelector::Verdict verdict) = 0;
    virtual bool WantsPackets() const = 0;
    virtual std::uint64_t remb() const = 0;

   protected:
    ~Owner() = default;
  };

  // At most LayerSelector::kMaxEncodings, the lowest first. Nothing comes
  // before the first Check().
  EgressLayers(std::span<const std::shared_ptr<const SourceInfo>> encodings,
               const LayerTarget& target, Owner& owner);
  ~EgressLayers();

  void SetTarget(const LayerTarget& target);
  // Once in kInterval: what lives may have changed.
  void Check();
  static constexpr Duration kInterval = 100ms;
  // As a newcomer: keyframes are asked for.
  void Resubscribe();
  void RequestKeyframe();

  const LayerSelector& selector() const { return selector_; }

 private:
  class Input;

  bool IsLive(std::size_t index) const;
  bool WaitsForKeyframe(std::size_t index) const;
  void Subscribe();
  void OnPackets(std::size_t index, std::span<const PacketRef> packets);
  void OnClosed(std::size_t index);

  Owner& owner_;
  LayerSelector selector_;
  std::vector<std::unique_ptr<Input>> inputs_;
  bool switched_ = false;
  KeyframeRetry retry_;  // of the one that is wanted
};

}  // namespace hg
