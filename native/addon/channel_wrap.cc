#include "addon/channel_wrap.h"

#include <string>
#include <utility>

#include "addon/addon.h"
#include "addon/convert.h"

namespace hg {
namespace {

Napi::Value OrUndefined(Napi::Env env,
                        const std::optional<std::uint32_t>& value) {
  if (!value) return env.Undefined();
  return ToNumber(env, *value);
}

}  // namespace

Napi::Function ChannelWrap::Define(Napi::Env env) {
  return DefineClass(
      env, "NativeDataChannel",
      {InstanceAccessor<&ChannelWrap::GetKey>("key"),
       InstanceAccessor<&ChannelWrap::GetLabel>("label"),
       InstanceAccessor<&ChannelWrap::GetProtocol>("protocol"),
       InstanceAccessor<&ChannelWrap::GetOrdered>("ordered"),
       InstanceAccessor<&ChannelWrap::GetMaxRetransmits>("maxRetransmits"),
       InstanceAccessor<&ChannelWrap::GetMaxPacketLifeTime>(
           "maxPacketLifeTime"),
       InstanceAccessor<&ChannelWrap::GetBufferedAmount>("bufferedAmount"),
       InstanceMethod<&ChannelWrap::Send>("send"),
       InstanceMethod<&ChannelWrap::Pipe>("pipe"),
       InstanceMethod<&ChannelWrap::Unpipe>("unpipe"),
       InstanceMethod<&ChannelWrap::Close>("close")});
}

Napi::Object ChannelWrap::Create(Napi::Env env,
                                 std::shared_ptr<DataChannel> channel) {
  Napi::Object js = env.GetInstanceData<AddonData>()->channel.New({});
  Unwrap(js)->channel_ = std::move(channel);
  return js;
}

ChannelWrap::ChannelWrap(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<ChannelWrap>(info) {}

Napi::Value ChannelWrap::GetKey(const Napi::CallbackInfo& info) {
  return ToNumber(info.Env(), channel_->key());
}

Napi::Value ChannelWrap::GetLabel(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), channel_->config().label);
}

Napi::Value ChannelWrap::GetProtocol(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), channel_->config().protocol);
}

Napi::Value ChannelWrap::GetOrdered(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), channel_->config().ordered);
}

Napi::Value ChannelWrap::GetMaxRetransmits(const Napi::CallbackInfo& info) {
  return OrUndefined(info.Env(), channel_->config().max_retransmits);
}

Napi::Value ChannelWrap::GetMaxPacketLifeTime(const Napi::CallbackInfo& info) {
  return OrUndefined(info.Env(), channel_->config().max_packet_life_time);
}

Napi::Value ChannelWrap::GetBufferedAmount(const Napi::CallbackInfo& info) {
  return ToNumber(info.Env(), channel_->buffered());
}

Napi::Value ChannelWrap::Send(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  bool taken = false;
  if (info[0].IsString()) {
    const std::string text = info[0].As<Napi::String>().Utf8Value();
    taken = channel_->Send(
        true,
        Bytes(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
  } else if (info[0].IsTypedArray() &&
             info[0].As<Napi::TypedArray>().TypedArrayType() ==
                 napi_uint8_array) {
    const auto bytes = info[0].As<Napi::Uint8Array>();
    taken = channel_->Send(false, Bytes(bytes.Data(), bytes.ElementLength()));
  } else {
    throw MakeError(env, "HG_ERR_ARGUMENT",
                    "send takes a string or a Uint8Array");
  }
  return Napi::Boolean::New(env, taken);
}

void ChannelWrap::Pipe(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Napi::Function constructor =
      env.GetInstanceData<AddonData>()->channel.Value();
  if (!info[0].IsObject() ||
      !info[0].As<Napi::Object>().InstanceOf(constructor))
    throw MakeError(env, "HG_ERR_ARGUMENT", "pipe takes a channel");
  channel_->Pipe(Unwrap(info[0].As<Napi::Object>())->channel_,
                 info[1].ToBoolean().Value());
}

void ChannelWrap::Unpipe(const Napi::CallbackInfo&) { channel_->Unpipe(); }

void ChannelWrap::Close(const Napi::CallbackInfo&) { channel_->Close(); }

}  // namespace hg
