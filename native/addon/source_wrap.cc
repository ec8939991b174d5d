#include "addon/source_wrap.h"

#include <utility>

#include "addon/addon.h"
#include "addon/convert.h"

namespace hg {
namespace {

// Marks our objects, so that no other object is taken for one.
constexpr napi_type_tag kSourceTag = {0x6867736f75726365, 0x9d2c4bb1f0a94e57};

UdpSourceOptions ReadOptions(const Napi::Object& js) {
  UdpSourceOptions options;
  options.source.video = GetString(js, "kind") == "video";
  options.source.codec = GetString(js, "codec");
  options.source.clock_rate =
      static_cast<std::uint32_t>(GetInteger(js, "clockRate", 1, 1'000'000));
  options.source.collision = GetMillis(js, "collision");
  options.source.keyframe_buffer_span = GetMillis(js, "keyframeBufferMs");
  options.source.keyframe_buffer_bytes = static_cast<std::size_t>(
      GetInteger(js, "keyframeBufferBytes", 0, 64 * 1024 * 1024));
  options.rtp.address = GetOptionalString(js, "address");
  options.rtp.port = GetPort(js, "port");
  options.rtp.port_min = GetPort(js, "portMin");
  options.rtp.port_max = GetPort(js, "portMax");
  options.rtp.group = GetOptionalString(js, "group");
  options.rtp.interface = GetOptionalString(js, "interface");
  if (options.rtp.port_max < options.rtp.port_min)
    throw MakeError(js.Env(), "HG_ERR_ARGUMENT", "portMax is below portMin");
  if (!js.Get("rtcpPort").IsUndefined()) {
    options.rtcp = options.rtp;
    options.rtcp->port = GetPort(js, "rtcpPort");
  }
  return options;
}

}  // namespace

Napi::Function SourceWrap::Define(Napi::Env env) {
  return DefineClass(
      env, "NativeSource",
      {InstanceAccessor<&SourceWrap::GetId>("id"),
       InstanceAccessor<&SourceWrap::GetPort>("port"),
       InstanceAccessor<&SourceWrap::GetRtcpPort>("rtcpPort"),
       InstanceMethod<&SourceWrap::RequestKeyframe>("requestKeyframe"),
       InstanceMethod<&SourceWrap::SetEnabled>("setEnabled"),
       InstanceMethod<&SourceWrap::DetectTalking>("detectTalking"),
       InstanceMethod<&SourceWrap::GetStats>("stats"),
       InstanceMethod<&SourceWrap::Close>("close")});
}

Napi::Object SourceWrap::Create(Napi::Env env, std::shared_ptr<EngineHost> host,
                                const Napi::Object& js_options) {
  Engine& engine = host->engine(env);
  const UdpSourceOptions options = ReadOptions(js_options);
  try {
    return Create(env, std::move(host), engine.CreateUdpSource(options));
  } catch (const SocketError& error) {
    throw MakeError(env, error.code().c_str(), error.what());
  }
}

Napi::Object SourceWrap::Create(Napi::Env env, std::shared_ptr<EngineHost> host,
                                Engine::SourceHandle source) {
  Napi::Object js = env.GetInstanceData<AddonData>()->source.New({});
  SourceWrap* wrap = Unwrap(js);
  wrap->source_ = std::move(source);
  wrap->host_ = std::move(host);
  return js;
}

std::shared_ptr<const SourceInfo> SourceWrap::InfoOf(Napi::Value value) {
  if (!value.IsObject() || !value.As<Napi::Object>().CheckTypeTag(&kSourceTag))
    throw MakeError(value.Env(), "HG_ERR_ARGUMENT", "that is not a source");
  SourceWrap* wrap = Unwrap(value.As<Napi::Object>());
  if (wrap->closed_)
    throw MakeError(value.Env(), "HG_ERR_CLOSED", "the source is closed");
  return wrap->source_.info;
}

SourceWrap::SourceWrap(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<SourceWrap>(info) {
  info.This().As<Napi::Object>().TypeTag(&kSourceTag);
}

Napi::Value SourceWrap::GetId(const Napi::CallbackInfo& info) {
  return ToNumber(info.Env(), source_.info->config.id);
}

Napi::Value SourceWrap::GetPort(const Napi::CallbackInfo& info) {
  return ToNumber(info.Env(), source_.port);
}

Napi::Value SourceWrap::GetRtcpPort(const Napi::CallbackInfo& info) {
  return ToNumber(info.Env(), source_.rtcp_port);
}

void SourceWrap::RequestKeyframe(const Napi::CallbackInfo& info) {
  if (!closed_) host_->engine(info.Env()).RequestKeyframe(source_);
}

void SourceWrap::SetEnabled(const Napi::CallbackInfo& info) {
  if (!closed_)
    host_->engine(info.Env()).SetEnabled(source_, info[0].ToBoolean().Value());
}

void SourceWrap::DetectTalking(const Napi::CallbackInfo& info) {
  std::optional<TalkDetector::Limits> limits;
  if (info[0].IsObject()) {
    const auto js = info[0].As<Napi::Object>();
    limits = {
        .packets =
            static_cast<std::uint32_t>(GetInteger(js, "packets", 1, 1'000'000)),
        .level = static_cast<std::uint8_t>(GetInteger(js, "level", 0, 127))};
  }
  if (!closed_) host_->engine(info.Env()).DetectTalking(source_, limits);
}

Napi::Value SourceWrap::GetStats(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const SourceStats& stats = source_.info->stats;
  Napi::Object js = Napi::Object::New(env);
  const auto set = [&](const char* name, const auto& counter) {
    js.Set(name, ToNumber(env, counter.value()));
  };
  set("packets", stats.packets);
  set("bytes", stats.bytes);
  const Duration age =
      MonotonicNow().time_since_epoch() -
      Duration(static_cast<std::int64_t>(stats.last_arrival_ns.value()));
  js.Set("age", static_cast<double>(std::max<std::int64_t>(ToMillis(age), 0)));
  set("lost", stats.lost);
  set("invalid", stats.invalid);
  set("dropped", stats.dropped);
  set("frames", stats.frames);
  set("keyframes", stats.keyframes);
  set("keyframeRequests", stats.keyframe_requests);
  set("restarts", stats.restarts);
  set("invalidDescriptors", stats.invalid_descriptors);
  if (const auto level = stats.audio_level.value(); level != 0)
    js.Set("audioLevel", static_cast<double>(level - 1) / 10);
  set("nacks", stats.nacks);
  set("retransmitted", stats.retransmitted);
  set("recovered", stats.recovered);
  set("givenUp", stats.given_up);
  js.Set("jitter", static_cast<double>(stats.jitter_us.value()) / 1000);
  js.Set("fractionLost",
         static_cast<double>(stats.fraction_lost.value()) / 256);
  set("largestPacket", stats.largest_packet);
  set("ssrc", stats.ssrc);
  js.Set("viewers",
         static_cast<double>(stats.viewers.load(std::memory_order_relaxed)));
  set("bitrate", stats.bitrate);
  return js;
}

void SourceWrap::Close(const Napi::CallbackInfo& info) {
  if (std::exchange(closed_, true) || host_->closed()) return;
  host_->engine(info.Env()).CloseSource(source_);
}

}  // namespace hg
