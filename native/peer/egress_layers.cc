#include "peer/egress_layers.h"

#include <algorithm>
#include <utility>

namespace hg {

class EgressLayers::Input final : public Sink {
 public:
  Input(EgressLayers& layers, std::size_t index,
        std::shared_ptr<const SourceInfo> info)
      : layers_(layers), index_(index), info_(std::move(info)) {}
  ~Input() { SetSubscribed(false); }

  void OnPackets(std::span<const PacketRef> packets) override {
    layers_.OnPackets(index_, packets);
  }
  void OnSourceClosed() override {
    replica_ = nullptr;
    info_.reset();
    layers_.OnClosed(index_);
  }
  std::uint64_t remb() const override { return layers_.owner_.remb(); }
  bool MayResend() const override { return layers_.owner_.WantsPackets(); }
  bool WaitsForKeyframe() const override {
    return layers_.WaitsForKeyframe(index_);
  }

  void SetSubscribed(bool subscribed) {
    if (subscribed == (replica_ != nullptr) || !info_) return;
    if (subscribed) {
      replica_ = &layers_.owner_.Obtain(info_);
      replica_->AddSink(*this);
    } else {
      std::exchange(replica_, nullptr)->RemoveSink(*this);
    }
  }
  Replica* replica() const { return replica_; }
  const SourceInfo* info() const { return info_.get(); }

 private:
  EgressLayers& layers_;
  const std::size_t index_;
  std::shared_ptr<const SourceInfo> info_;  // null: closed
  Replica* replica_ = nullptr;              // null: not subscribed
};

EgressLayers::EgressLayers(
    std::span<const std::shared_ptr<const SourceInfo>> encodings,
    const LayerTarget& target, Owner& owner)
    : owner_(owner), selector_(encodings.size()) {
  for (const auto& info : encodings)
    inputs_.push_back(std::make_unique<Input>(*this, inputs_.size(), info));
  selector_.SetTarget(target);
}

EgressLayers::~EgressLayers() = default;

void EgressLayers::SetTarget(const LayerTarget& target) {
  selector_.SetTarget(target);
  Check();
}

bool EgressLayers::IsLive(std::size_t index) const {
  const SourceInfo* info = inputs_[index]->info();
  if (info == nullptr || info->stats.packets.value() == 0) return false;
  const Duration silence =
      owner_.now().time_since_epoch() -
      Duration(static_cast<std::int64_t>(info->stats.last_arrival_ns.value()));
  return silence < selector_.target().fallback;
}

void EgressLayers::Check() {
  const bool changed =
      selector_.Choose([this](std::size_t i) { return IsLive(i); });
  if (std::exchange(switched_, false) || changed) return Subscribe();
  if ((selector_.wanted() == selector_.current() &&
       !selector_.NeedsKeyframe()) ||
      !retry_.IsDue(owner_.now()))
    return;
  if (Replica* replica = inputs_[*selector_.wanted()]->replica())
    replica->RequestKeyframe();
}

bool EgressLayers::WaitsForKeyframe(std::size_t index) const {
  if (selector_.current() == index) return owner_.WaitsForKeyframe();
  return selector_.wanted() == index && owner_.WantsPackets();
}

// A new sink asks for a keyframe.
void EgressLayers::Subscribe() {
  retry_.OnAsked(owner_.now());
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    inputs_[i]->SetSubscribed(selector_.current() == i ||
                              selector_.wanted() == i);
  }
}

void EgressLayers::Resubscribe() {
  for (const auto& input : inputs_) input->SetSubscribed(false);
  Subscribe();
}

void EgressLayers::RequestKeyframe() {
  const auto index =
      selector_.current() ? selector_.current() : selector_.wanted();
  if (!index) return;
  if (Replica* replica = inputs_[*index]->replica()) replica->RequestKeyframe();
}

void EgressLayers::OnPackets(std::size_t index,
                             std::span<const PacketRef> packets) {
  if (!owner_.WantsPackets()) return;
  for (const PacketRef& packet : packets) {
    if (selector_.SwitchesAt(index, packet->info)) {
      owner_.OnEncoding(*inputs_[index]->replica());
      // The other one is left at the next Check(): its list of sinks may be
      // walked at this moment.
      switched_ = true;
    }
    if (selector_.current() != index || !owner_.MayPass(*packet)) continue;
    owner_.OnLayerPacket(packet, selector_.Select(packet->info));
  }
}

void EgressLayers::OnClosed(std::size_t index) {
  if (selector_.current() == index) owner_.OnEncodingClosed();
}

}  // namespace hg
