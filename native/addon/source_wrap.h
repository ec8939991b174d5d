// `NativeSource` of lib/native/types.ts.
#pragma once

#include <napi.h>

#include <memory>

#include "addon/engine_host.h"

namespace hg {

class SourceWrap : public Napi::ObjectWrap<SourceWrap> {
 public:
  static Napi::Function Define(Napi::Env env);
  static Napi::Object Create(Napi::Env env, std::shared_ptr<EngineHost> host,
                             const Napi::Object& options);
  static Napi::Object Create(Napi::Env env, std::shared_ptr<EngineHost> host,
                             Engine::SourceHandle source);
  // The source behind a JavaScript value. Throws HG_ERR_ARGUMENT.
  static std::shared_ptr<const SourceInfo> InfoOf(Napi::Value value);
  explicit SourceWrap(const Napi::CallbackInfo& info);

 private:
  Napi::Value GetId(const Napi::CallbackInfo& info);
  Napi::Value GetPort(const Napi::CallbackInfo& info);
  Napi::Value GetRtcpPort(const Napi::CallbackInfo& info);
  void RequestKeyframe(const Napi::CallbackInfo& info);
  void SetEnabled(const Napi::CallbackInfo& info);
  void DetectTalking(const Napi::CallbackInfo& info);
  Napi::Value GetStats(const Napi::CallbackInfo& info);
  void Close(const Napi::CallbackInfo& info);

  std::shared_ptr<EngineHost> host_;
  Engine::SourceHandle source_;
  bool closed_ = false;
};

}  // namespace hg
