// `Engine` of lib/native/types.ts.
#pragma once

#include <napi.h>

#include <memory>

#include "addon/engine_host.h"

namespace hg {

class EngineWrap : public Napi::ObjectWrap<EngineWrap> {
 public:
  static Napi::Function Define(Napi::Env env);
  explicit EngineWrap(const Napi::CallbackInfo& info);

 private:
  Napi::Value GetFingerprint(const Napi::CallbackInfo& info);
  Napi::Value CreatePeer(const Napi::CallbackInfo& info);
  Napi::Value CreateUdpSource(const Napi::CallbackInfo& info);
  Napi::Value CreateRecorder(const Napi::CallbackInfo& info);
  Napi::Value CreateCapture(const Napi::CallbackInfo& info);
  Napi::Value CreateTap(const Napi::CallbackInfo& info);
  void ArmTaps(const Napi::CallbackInfo& info);
  Napi::Value CreateInjector(const Napi::CallbackInfo& info);
  void Tune(const Napi::CallbackInfo& info);
  void SetIceDebug(const Napi::CallbackInfo& info);
  Napi::Value GetStats(const Napi::CallbackInfo& info);
  void Close(const Napi::CallbackInfo& info);

  std::shared_ptr<EngineHost> host_;
};

}  // namespace hg
