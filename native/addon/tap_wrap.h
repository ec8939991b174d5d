// `NativeTap` of lib/native/types.ts.
#pragma once

#include <napi.h>

#include <memory>
#include <vector>

#include "addon/engine_host.h"

namespace hg {

class TapWrap : public Napi::ObjectWrap<TapWrap> {
 public:
  static Napi::Function Define(Napi::Env env);
  static Napi::Object Create(Napi::Env env, std::shared_ptr<EngineHost> host,
                             const Napi::Object& options);
  explicit TapWrap(const Napi::CallbackInfo& info);

 private:
  void Link(const Napi::CallbackInfo& info);
  void SetPaused(const Napi::CallbackInfo& info);
  Napi::Value Read(const Napi::CallbackInfo& info);
  Napi::Value GetStats(const Napi::CallbackInfo& info);
  void Close(const Napi::CallbackInfo& info);

  // Before the tap, which uses what the engine owns until it is gone.
  std::shared_ptr<EngineHost> host_;
  Taps::Handle tap_;
  std::vector<PacketRef> batch_;
  bool closed_ = false;
};

}  // namespace hg
