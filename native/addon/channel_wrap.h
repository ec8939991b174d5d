// `NativeDataChannel` of lib/native/types.ts.
#pragma once

#include <napi.h>

#include <memory>

#include "work/data_endpoint.h"

namespace hg {

class ChannelWrap : public Napi::ObjectWrap<ChannelWrap> {
 public:
  static Napi::Function Define(Napi::Env env);
  static Napi::Object Create(Napi::Env env,
                             std::shared_ptr<DataChannel> channel);
  explicit ChannelWrap(const Napi::CallbackInfo& info);

 private:
  Napi::Value GetKey(const Napi::CallbackInfo& info);
  Napi::Value GetLabel(const Napi::CallbackInfo& info);
  Napi::Value GetProtocol(const Napi::CallbackInfo& info);
  Napi::Value GetOrdered(const Napi::CallbackInfo& info);
  Napi::Value GetMaxRetransmits(const Napi::CallbackInfo& info);
  Napi::Value GetMaxPacketLifeTime(const Napi::CallbackInfo& info);
  Napi::Value GetBufferedAmount(const Napi::CallbackInfo& info);
  Napi::Value Send(const Napi::CallbackInfo& info);
  void Pipe(const Napi::CallbackInfo& info);
  void Unpipe(const Napi::CallbackInfo& info);
  void Close(const Napi::CallbackInfo& info);

  std::shared_ptr<DataChannel> channel_;
};

}  // namespace hg
