// `NativeRecorder` of lib/native/types.ts.
#pragma once

#include <napi.h>

#include <memory>

#include "addon/engine_host.h"

namespace hg {

class RecorderWrap : public Napi::ObjectWrap<RecorderWrap> {
 public:
  static Napi::Function Define(Napi::Env env);
  static Napi::Object Create(Napi::Env env, std::shared_ptr<EngineHost> host,
                             const Napi::Object& options);
  explicit RecorderWrap(const Napi::CallbackInfo& info);

 private:
  Napi::Value GetId(const Napi::CallbackInfo& info);
  void Link(const Napi::CallbackInfo& info);
  void SetPaused(const Napi::CallbackInfo& info);
  Napi::Value Write(const Napi::CallbackInfo& info);
  Napi::Value GetStats(const Napi::CallbackInfo& info);
  void Close(const Napi::CallbackInfo& info);

  // Before the recording, which uses what the engine owns until it is gone.
  std::shared_ptr<EngineHost> host_;
  Recorders::Handle handle_;
  bool closed_ = false;
};

}  // namespace hg
