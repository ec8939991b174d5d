#include "addon/injector_wrap.h"

#include <utility>

#include "addon/addon.h"
#include "addon/convert.h"
#include "addon/source_wrap.h"

namespace hg {
namespace {

SourceConfig ReadOptions(const Napi::Object& js) {
  SourceConfig source;
  source.video = GetString(js, "kind") == "video";
  source.codec = GetString(js, "codec");
  source.clock_rate =
      static_cast<std::uint32_t>(GetInteger(js, "clockRate", 1, 1'000'000));
  source.keyframe_buffer_span = GetMillis(js, "keyframeBufferMs");
  source.keyframe_buffer_bytes = static_cast<std::size_t>(
      GetInteger(js, "keyframeBufferBytes", 0, 64 * 1024 * 1024));
  return source;
}

Bytes ReadPacket(const Napi::Value& value) {
  if (value.IsTypedArray() &&
      value.As<Napi::TypedArray>().TypedArrayType() == napi_uint8_array) {
    const auto data = value.As<Napi::Uint8Array>();
    if (data.ByteLength() <= PacketBuffer::kCapacity)
      return {data.Data(), data.ByteLength()};
  }
  throw MakeError(value.Env(), "HG_ERR_ARGUMENT",
                  "a packet is a Uint8Array of at most 2048 bytes");
}

}  // namespace

Napi::Function InjectorWrap::Define(Napi::Env env) {
  return DefineClass(env, "NativeInjector",
                     {InstanceAccessor<&InjectorWrap::GetSource>("source"),
                      InstanceMethod<&InjectorWrap::Write>("write"),
                      InstanceMethod<&InjectorWrap::GetStats>("stats")});
}

Napi::Object InjectorWrap::Create(Napi::Env env,
                                  std::shared_ptr<EngineHost> host,
                                  const Napi::Object& js_options) {
  Engine& engine = host->engine(env);
  Injectors::Handle injector = engine.CreateInjector(ReadOptions(js_options));
  Napi::Object js = env.GetInstanceData<AddonData>()->injector.New({});
  InjectorWrap* wrap = Unwrap(js);
  Engine::SourceHandle source;
  source.info = injector.info;
  wrap->source_ = Napi::Persistent(SourceWrap::Create(env, host, source));
  wrap->injector_ = std::move(injector);
  wrap->host_ = std::move(host);
  return js;
}

InjectorWrap::InjectorWrap(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<InjectorWrap>(info) {}

Napi::Value InjectorWrap::GetSource(const Napi::CallbackInfo&) {
  return source_.Value();
}

Napi::Value InjectorWrap::Write(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Engine& engine = host_->engine(env);
  if (!info[0].IsArray())
    throw MakeError(env, "HG_ERR_ARGUMENT", "write takes an array");
  const auto list = info[0].As<Napi::Array>();
  const std::uint32_t count = list.Length();
  if (count > InjectionQueue::kMaxBatch)
    throw MakeError(env, "HG_ERR_ARGUMENT", "that is more than a batch");
  // No JavaScript runs between here and the copying, so the bytes stay.
  packets_.clear();
  for (std::uint32_t i = 0; i < count; ++i) {
    const Napi::HandleScope scope(env);
    packets_.push_back(ReadPacket(list.Get(i)));
  }
  return Napi::Boolean::New(env, engine.Inject(injector_, packets_));
}

Napi::Value InjectorWrap::GetStats(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Napi::Object js = Napi::Object::New(env);
  js.Set("refused", ToNumber(env, injector_.queue->refused.value()));
  js.Set("waiting", ToNumber(env, injector_.queue->waiting()));
  return js;
}

}  // namespace hg
