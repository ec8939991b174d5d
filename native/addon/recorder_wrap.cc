#include "addon/recorder_wrap.h"

#include <system_error>
#include <utility>

#include "addon/addon.h"
#include "addon/convert.h"
#include "addon/source_wrap.h"

namespace hg {
namespace {

RecorderOptions ReadOptions(const Napi::Object& js) {
  RecorderOptions options;
  options.video = GetString(js, "kind") == "video";
  options.info = GetString(js, "info");
  options.path = GetString(js, "path");
  options.temporary_path = GetString(js, "temporaryPath");
  // The system would take a NUL for the end of the name.
  if (options.path.find('\0') != std::string::npos ||
      options.temporary_path.find('\0') != std::string::npos)
    throw MakeError(js.Env(), "HG_ERR_ARGUMENT", "a path has a NUL in it");
  // With the time of the first frame its length must fit 16 bits.
  if (options.info.size() > 60'000 || options.info.size() < 3 ||
      options.info.back() != '}')
    throw MakeError(js.Env(), "HG_ERR_ARGUMENT",
                    "info is no JSON object, or longer than 60,000 bytes");
  return options;
}

}  // namespace

Napi::Function RecorderWrap::Define(Napi::Env env) {
  return DefineClass(env, "NativeRecorder",
                     {InstanceAccessor<&RecorderWrap::GetId>("id"),
                      InstanceMethod<&RecorderWrap::Link>("link"),
                      InstanceMethod<&RecorderWrap::SetPaused>("setPaused"),
                      InstanceMethod<&RecorderWrap::Write>("write"),
                      InstanceMethod<&RecorderWrap::GetStats>("stats"),
                      InstanceMethod<&RecorderWrap::Close>("close")});
}

Napi::Object RecorderWrap::Create(Napi::Env env,
                                  std::shared_ptr<EngineHost> host,
                                  const Napi::Object& js_options) {
  Engine& engine = host->engine(env);
  const RecorderOptions options = ReadOptions(js_options);
  try {
    Recorders::Handle handle = engine.recorders().Create(options);
    Napi::Object js = env.GetInstanceData<AddonData>()->recorder.New({});
    RecorderWrap* wrap = Unwrap(js);
    wrap->handle_ = std::move(handle);
    wrap->host_ = std::move(host);
    return js;
  } catch (const FileError& error) {
    throw MakeError(env, error.code().c_str(), error.what());
  } catch (const std::system_error& error) {
    throw MakeError(env, "HG_ERR_NATIVE", error.what());
  }
}

RecorderWrap::RecorderWrap(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<RecorderWrap>(info) {}

Napi::Value RecorderWrap::GetId(const Napi::CallbackInfo& info) {
  return ToNumber(info.Env(), handle_.recording->id);
}

void RecorderWrap::Link(const Napi::CallbackInfo& info) {
  if (closed_) return;
  host_->engine(info.Env())
      .recorders()
      .Link(handle_, info[0].IsNull() ? nullptr : SourceWrap::InfoOf(info[0]));
}

void RecorderWrap::SetPaused(const Napi::CallbackInfo& info) {
  if (closed_) return;
  host_->engine(info.Env())
      .recorders()
      .SetPaused(handle_, info[0].ToBoolean().Value());
}

Napi::Value RecorderWrap::Write(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsTypedArray() ||
      info[0].As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array)
    throw MakeError(env, "HG_ERR_ARGUMENT", "write takes a Uint8Array");
  const auto data = info[0].As<Napi::Uint8Array>();
  const bool fits = data.ByteLength() <= Recorders::kMaxMessage;
  const bool written = !closed_ && fits &&
                       host_->engine(env).recorders().Write(
                           handle_, {data.Data(), data.ByteLength()});
  return Napi::Boolean::New(env, written);
}

Napi::Value RecorderWrap::GetStats(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const RecordingStats& stats = handle_.recording->stats;
  Napi::Object js = Napi::Object::New(env);
  js.Set("packets", ToNumber(env, stats.packets.value()));
  js.Set("bytes", ToNumber(env, stats.bytes.value()));
  js.Set("dropped", ToNumber(env, stats.dropped.value()));
  js.Set("duration", ToNumber(env, stats.duration_ms.value()));
  return js;
}

void RecorderWrap::Close(const Napi::CallbackInfo& info) {
  if (std::exchange(closed_, true) || host_->closed()) return;
  host_->engine(info.Env()).recorders().Close(handle_);
}

}  // namespace hg
