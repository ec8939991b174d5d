// `NativeInjector` of lib/native/types.ts.
#pragma once

#include <napi.h>

#include <memory>
#include <vector>

#include "addon/engine_host.h"

namespace hg {

class InjectorWrap : public Napi::ObjectWrap<InjectorWrap> {
 public:
  static Napi::Function Define(Napi::Env env);
  static Napi::Object Create(Napi::Env env, std::shared_ptr<EngineHost> host,
                             const Napi::Object& options);
  explicit InjectorWrap(const Napi::CallbackInfo& info);

 private:
  Napi::Value GetSource(const Napi::CallbackInfo& info);
  Napi::Value Write(const Napi::CallbackInfo& info);
  Napi::Value GetStats(const Napi::CallbackInfo& info);

  std::shared_ptr<EngineHost> host_;
  Injectors::Handle injector_;
  Napi::ObjectReference source_;
  std::vector<Bytes> packets_;
};

}  // namespace hg
