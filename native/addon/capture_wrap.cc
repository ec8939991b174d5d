#include "addon/capture_wrap.h"

#include <system_error>
#include <utility>

#include "addon/addon.h"
#include "addon/convert.h"

namespace hg {
namespace {

constexpr napi_type_tag kCaptureTag = {0x5d0a36f1c7e84b92, 0x8f41d27be3906ac5};

CaptureOptions ReadOptions(const Napi::Object& js) {
  CaptureOptions options;
  options.path = GetString(js, "path");
  // The system would take a NUL for the end of the name.
  if (options.path.find('\0') != std::string::npos)
    throw MakeError(js.Env(), "HG_ERR_ARGUMENT", "the path has a NUL in it");
  options.format = GetString(js, "format") == "text2pcap"
                       ? CaptureFormat::kText2pcap
                       : CaptureFormat::kPcap;
  options.truncate =
      static_cast<std::size_t>(GetInteger(js, "truncate", 0, 65535));
  options.label = GetString(js, "label");
  return options;
}

}  // namespace

Napi::Function CaptureWrap::Define(Napi::Env env) {
  return DefineClass(env, "NativeCapture",
                     {InstanceAccessor<&CaptureWrap::GetId>("id"),
                      InstanceMethod<&CaptureWrap::GetStats>("stats"),
                      InstanceMethod<&CaptureWrap::Close>("close")});
}

Napi::Object CaptureWrap::Create(Napi::Env env,
                                 std::shared_ptr<EngineHost> host,
                                 const Napi::Object& js_options) {
  Engine& engine = host->engine(env);
  const CaptureOptions options = ReadOptions(js_options);
  try {
    Captures::Handle handle = engine.captures().Create(options);
    Napi::Object js = env.GetInstanceData<AddonData>()->capture.New({});
    CaptureWrap* wrap = Unwrap(js);
    wrap->handle_ = std::move(handle);
    wrap->host_ = std::move(host);
    return js;
  } catch (const FileError& error) {
    throw MakeError(env, error.code().c_str(), error.what());
  } catch (const std::system_error& error) {
    throw MakeError(env, "HG_ERR_NATIVE", error.what());
  }
}

Captures::Handle& CaptureWrap::HandleOf(Napi::Value value) {
  if (!value.IsObject() || !value.As<Napi::Object>().CheckTypeTag(&kCaptureTag))
    throw MakeError(value.Env(), "HG_ERR_ARGUMENT", "that is not a capture");
  CaptureWrap* wrap = Unwrap(value.As<Napi::Object>());
  if (wrap->closed_)
    throw MakeError(value.Env(), "HG_ERR_CLOSED", "the capture is closed");
  return wrap->handle_;
}

CaptureWrap::CaptureWrap(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<CaptureWrap>(info) {
  info.This().As<Napi::Object>().TypeTag(&kCaptureTag);
}

Napi::Value CaptureWrap::GetId(const Napi::CallbackInfo& info) {
  return ToNumber(info.Env(), handle_.capture->id);
}

Napi::Value CaptureWrap::GetStats(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const CaptureStats& stats = handle_.capture->stats;
  Napi::Object js = Napi::Object::New(env);
  js.Set("packets", ToNumber(env, stats.packets.value()));
  js.Set("bytes", ToNumber(env, stats.bytes.value()));
  js.Set("dropped", ToNumber(env, stats.dropped.value()));
  return js;
}

void CaptureWrap::Close(const Napi::CallbackInfo& info) {
  if (std::exchange(closed_, true) || host_->closed()) return;
  host_->engine(info.Env()).captures().Close(handle_);
}

}  // namespace hg
