// `NativeCapture` of lib/native/types.ts.
#pragma once

#include <napi.h>

#include <memory>

#include "addon/engine_host.h"

namespace hg {

class CaptureWrap : public Napi::ObjectWrap<CaptureWrap> {
 public:
  static Napi::Function Define(Napi::Env env);
  static Napi::Object Create(Napi::Env env, std::shared_ptr<EngineHost> host,
                             const Napi::Object& options);
  // The capture behind a JavaScript value. Throws HG_ERR_ARGUMENT,
  // HG_ERR_CLOSED.
  static Captures::Handle& HandleOf(Napi::Value value);
  explicit CaptureWrap(const Napi::CallbackInfo& info);

 private:
  Napi::Value GetId(const Napi::CallbackInfo& info);
  Napi::Value GetStats(const Napi::CallbackInfo& info);
  void Close(const Napi::CallbackInfo& info);

  // Before the capture, which uses what the engine owns until it is gone.
  std::shared_ptr<EngineHost> host_;
  Captures::Handle handle_;
  bool closed_ = false;
};

}  // namespace hg
