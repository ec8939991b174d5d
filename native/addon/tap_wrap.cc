#include "addon/tap_wrap.h"

#include <bit>
#include <chrono>
#include <cstring>
#include <span>
#include <utility>

#include "addon/addon.h"
#include "addon/convert.h"
#include "addon/source_wrap.h"
#include "base/prefetch.h"

namespace hg {
namespace {

// Of each packet, in front of the bytes of all. As lib/routing/packet-batch.ts
// reads it.
struct Record {
  double arrival;        // milliseconds of the monotonic clock
  std::uint32_t offset;  // from the start of the batch
  std::uint16_t size;
  std::uint16_t keyframe;  // begins with it
};
static_assert(sizeof(Record) == 16);

void Write(std::span<const PacketRef> packets, std::uint8_t* out) {
  std::size_t offset = packets.size() * sizeof(Record);
  for (std::size_t i = 0; i < packets.size(); ++i) {
    // The media thread's cache has it, not ours.
    if (i + 2 < packets.size()) PrefetchBytes(packets[i + 2].get(), 512);
    const PacketBuffer& packet = *packets[i];
    const Bytes bytes = packet.bytes();
    const std::chrono::duration<double, std::milli> arrival =
        packet.info.arrival.time_since_epoch();
    const Record record = {
        arrival.count(), static_cast<std::uint32_t>(offset),
        static_cast<std::uint16_t>(bytes.size()),
        packet.info.keyframe ? std::uint16_t{1} : std::uint16_t{0}};
    std::memcpy(out + i * sizeof record, &record, sizeof record);
    std::memcpy(out + offset, bytes.data(), bytes.size());
    offset += bytes.size();
  }
}

}  // namespace

Napi::Function TapWrap::Define(Napi::Env env) {
  return DefineClass(env, "NativeTap",
                     {InstanceMethod<&TapWrap::Link>("link"),
                      InstanceMethod<&TapWrap::SetPaused>("setPaused"),
                      InstanceMethod<&TapWrap::Read>("read"),
                      InstanceMethod<&TapWrap::GetStats>("stats"),
                      InstanceMethod<&TapWrap::Close>("close")});
}

Napi::Object TapWrap::Create(Napi::Env env, std::shared_ptr<EngineHost> host,
                             const Napi::Object& options) {
  Engine& engine = host->engine(env);
  const auto capacity = std::bit_ceil(static_cast<std::size_t>(
      GetInteger(options, "maxPackets", 1, TapBudget::kMaxPackets)));
  Napi::Object js = env.GetInstanceData<AddonData>()->tap.New({});
  TapWrap* wrap = Unwrap(js);
  wrap->tap_ = engine.taps().Create(capacity);
  wrap->host_ = std::move(host);
  return js;
}

TapWrap::TapWrap(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<TapWrap>(info) {}

void TapWrap::Link(const Napi::CallbackInfo& info) {
  if (closed_) return;
  host_->engine(info.Env())
      .taps()
      .Link(tap_, info[0].IsNull() ? nullptr : SourceWrap::InfoOf(info[0]));
}

void TapWrap::SetPaused(const Napi::CallbackInfo& info) {
  if (closed_) return;
  host_->engine(info.Env()).taps().SetPaused(tap_, info[0].ToBoolean().Value());
}

Napi::Value TapWrap::Read(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  batch_.clear();
  if (tap_.queue->Read(batch_) == 0) return env.Null();
  std::size_t size = batch_.size() * sizeof(Record);
  for (const PacketRef& packet : batch_) size += packet->size();
  // A Buffer, which unlike an ArrayBuffer is not filled with zeros first.
  auto batch = Napi::Buffer<std::uint8_t>::New(env, size);
  Write(batch_, batch.Data());
  // Back to their pool now, not with the next batch.
  batch_.clear();
  return batch;
}

Napi::Value TapWrap::GetStats(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const TapStats& stats = tap_.queue->stats;
  Napi::Object js = Napi::Object::New(env);
  js.Set("packets", ToNumber(env, stats.packets.value()));
  js.Set("bytes", ToNumber(env, stats.bytes.value()));
  js.Set("dropped", ToNumber(env, stats.dropped.value()));
  js.Set("waiting", ToNumber(env, tap_.queue->waiting()));
  return js;
}

void TapWrap::Close(const Napi::CallbackInfo& info) {
  if (std::exchange(closed_, true)) return;
  if (!host_->closed()) host_->engine(info.Env()).taps().Close(tap_);
  // Nobody will read what waits.
  batch_.clear();
  tap_.queue->Read(batch_);
  batch_.clear();
  batch_.shrink_to_fit();
}

}  // namespace hg
