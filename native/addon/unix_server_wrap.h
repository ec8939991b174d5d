// `NativeUnixServer` of lib/native/types.ts.
#pragma once

#include <napi.h>

#include <memory>

namespace hg {

class UnixServerHost;

class UnixServerWrap : public Napi::ObjectWrap<UnixServerWrap> {
 public:
  static Napi::Function Define(Napi::Env env);
  explicit UnixServerWrap(const Napi::CallbackInfo& info);

 private:
  Napi::Value Send(const Napi::CallbackInfo& info);
  void Release(const Napi::CallbackInfo& info);
  void Close(const Napi::CallbackInfo& info);

  std::shared_ptr<UnixServerHost> host_;
};

}  // namespace hg
