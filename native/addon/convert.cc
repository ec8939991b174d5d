#include "addon/convert.h"

#include <array>
#include <cmath>

#include "addon/channel_wrap.h"
#include "route/source.h"

namespace hg {
namespace {

constexpr std::array kIceStates = {"new", "checking", "connected",
                                   "disconnected", "failed"};
constexpr std::array kDtlsStates = {"new", "connecting", "connected", "closed",
                                    "failed"};
constexpr std::array kCloseReasons = {"api",        "dtls-alert",
                                      "dtls-error", "dtls-timeout",
                                      "ice-failed", "gathering-error"};
constexpr std::array kLogLevels = {"trace", "debug", "info", "warn", "error"};

template <std::size_t N>
const char* NameOf(const std::array<const char*, N>& names,
                   std::uint64_t value) {
  return value < N ? names[value] : "unknown";
}

Napi::Error WrongType(const Napi::Object& object, const char* name,
                      const char* expected) {
  return MakeError(object.Env(), "HG_ERR_ARGUMENT",
                   std::string("the native core expects ") + expected +
                       " as '" + name + "'");
}

}  // namespace

Napi::Error MakeError(Napi::Env env, const char* code,
                      const std::string& message) {
  Napi::Error error = Napi::Error::New(env, message);
  error.Set("code", Napi::String::New(env, code));
  return error;
}

std::string GetString(const Napi::Object& object, const char* name) {
  const Napi::Value value = object.Get(name);
  if (!value.IsString()) throw WrongType(object, name, "a string");
  return value.As<Napi::String>().Utf8Value();
}

std::string GetOptionalString(const Napi::Object& object, const char* name) {
  if (object.Get(name).IsUndefined()) return {};
  return GetString(object, name);
}

bool GetBool(const Napi::Object& object, const char* name) {
  const Napi::Value value = object.Get(name);
  if (!value.IsBoolean()) throw WrongType(object, name, "a boolean");
  return value.As<Napi::Boolean>().Value();
}

std::int64_t GetInteger(const Napi::Object& object, const char* name,
                        std::int64_t min, std::int64_t max) {
  const Napi::Value value = object.Get(name);
  if (!value.IsNumber()) throw WrongType(object, name, "a number");
  const double number = value.As<Napi::Number>().DoubleValue();
  if (!(number >= static_cast<double>(min)) ||
      !(number <= static_cast<double>(max)) || std::floor(number) != number)
    throw WrongType(object, name, "a whole number in range");
  return static_cast<std::int64_t>(number);
}

std::uint16_t GetPort(const Napi::Object& object, const char* name) {
  return static_cast<std::uint16_t>(GetInteger(object, name, 0, 65535));
}

Duration GetMillis(const Napi::Object& object, const char* name) {
  constexpr std::int64_t kYear = 365LL * 24 * 3600 * 1000;
  return std::chrono::milliseconds(GetInteger(object, name, 0, kYear));
}

Napi::Object GetObject(const Napi::Object& object, const char* name) {
  const Napi::Value value = object.Get(name);
  if (!value.IsObject()) throw WrongType(object, name, "an object");
  return value.As<Napi::Object>();
}

Napi::Array GetArray(const Napi::Object& object, const char* name) {
  const Napi::Value value = object.Get(name);
  if (!value.IsArray()) throw WrongType(object, name, "an array");
  return value.As<Napi::Array>();
}

Napi::Number ToNumber(Napi::Env env, std::uint64_t value) {
  return Napi::Number::New(env, static_cast<double>(value));
}

const char* IceStateName(std::uint64_t state) {
  return NameOf(kIceStates, state);
}

const char* DtlsStateName(std::uint64_t state) {
  return NameOf(kDtlsStates, state);
}

Napi::Array ToJs(Napi::Env env, const std::vector<std::string>& list) {
  Napi::Array js = Napi::Array::New(env, list.size());
  for (std::uint32_t i = 0; i < list.size(); ++i) js.Set(i, list[i]);
  return js;
}

Napi::Object ToJs(Napi::Env env, const Event& event) {
  Napi::Object js = Napi::Object::New(env);
  const auto object = ToNumber(env, event.object);
  const auto a = static_cast<std::uint64_t>(event.a);
  switch (event.type) {
    case EventType::kLog:
      js.Set("type", "log");
      js.Set("level", NameOf(kLogLevels, a));
      js.Set("where", event.text);
      js.Set("message", event.more);
      break;
    case EventType::kPeerGathered: {
      js.Set("type", "gathered");
      js.Set("peer", object);
      js.Set("ufrag", event.text);
      js.Set("pwd", event.more);
      js.Set("candidates", ToJs(env, event.list));
      break;
    }
    case EventType::kPeerIce:
      js.Set("type", "ice");
      js.Set("peer", object);
      js.Set("state", IceStateName(a));
      break;
    case EventType::kPeerConnected:
      js.Set("type", "connected");
      js.Set("peer", object);
      js.Set("srtpProfile", event.text);
      break;
    case EventType::kPeerClosed:
      js.Set("type", "closed");
      js.Set("peer", object);
      js.Set("reason", NameOf(kCloseReasons, a));
      js.Set("detail", event.text);
      break;
    case EventType::kPeerSlowLink:
      js.Set("type", "slowlink");
      js.Set("peer", object);
      js.Set("mid", event.text);
      js.Set("uplink", event.a != 0);
      js.Set("lost", ToNumber(env, static_cast<std::uint64_t>(event.b)));
      break;
    case EventType::kPeerLayers:
      js.Set("type", "layers");
      js.Set("peer", object);
      js.Set("track", ToNumber(env, a));
      js.Set("substream",
             ToNumber(env, static_cast<std::uint64_t>(event.b >> 16)));
      js.Set("spatial",
             ToNumber(env, static_cast<std::uint64_t>(event.b >> 8 & 0xff)));
      js.Set("temporal",
             ToNumber(env, static_cast<std::uint64_t>(event.b & 0xff)));
      break;
    case EventType::kSourceReceiving:
      js.Set("type", "source-receiving");
      js.Set("source", object);
      js.Set("receiving", event.a != 0);
      break;
    case EventType::kSourceOversize:
      js.Set("type", "source-oversize");
      js.Set("source", object);
      js.Set("size", ToNumber(env, a));
      js.Set("limit", ToNumber(env, static_cast<std::uint64_t>(event.b)));
      break;
    case EventType::kSourceTalking: {
      const auto talking = Talking::Unpack(static_cast<std::uint32_t>(a));
      js.Set("type", "source-talking");
      js.Set("source", object);
      js.Set("talking", talking.talking);
      js.Set("level", talking.level / 10.0);
      break;
    }
    case EventType::kRecorderFull:
      js.Set("type", "recorder-full");
      js.Set("recorder", object);
      js.Set("dropped", ToNumber(env, a));
      break;
    case EventType::kRecorderClosed:
      js.Set("type", "recorder-closed");
      js.Set("recorder", object);
      js.Set("code", event.text);
      js.Set("message", event.more);
      break;
    case EventType::kCaptureFull:
      js.Set("type", "capture-full");
      js.Set("capture", object);
      js.Set("dropped", ToNumber(env, a));
      break;
    case EventType::kCaptureClosed:
      js.Set("type", "capture-closed");
      js.Set("capture", object);
      js.Set("code", event.text);
      js.Set("message", event.more);
      break;
    case EventType::kTapsReady:
      js.Set("type", "taps-ready");
      break;
    case EventType::kInjectorLow:
      js.Set("type", "injector-low");
      js.Set("source", object);
      break;
    case EventType::kKeyframeWanted:
      js.Set("type", "keyframe-wanted");
      js.Set("source", object);
      break;
    case EventType::kChannelOpen:
      js.Set("type", "channel-open");
      js.Set("peer", object);
      js.Set("channel",
             ChannelWrap::Create(
                 env, std::static_pointer_cast<DataChannel>(event.attached)));
      js.Set("stream", ToNumber(env, static_cast<std::uint64_t>(event.b)));
      break;
    case EventType::kChannelMessage:
      js.Set("type", "channel-message");
      js.Set("peer", object);
      js.Set("channel", ToNumber(env, a));
      if (event.b != 0) {
        js.Set("data", Napi::String::New(env, event.text));
      } else {
        js.Set("data", Napi::Buffer<char>::Copy(env, event.text.data(),
                                                event.text.size()));
      }
      break;
    case EventType::kChannelLow:
      js.Set("type", "channel-low");
      js.Set("peer", object);
      js.Set("channel", ToNumber(env, a));
      break;
    case EventType::kChannelClosed:
      js.Set("type", "channel-closed");
      js.Set("peer", object);
      js.Set("channel", ToNumber(env, a));
      break;
  }
  return js;
}

}  // namespace hg
