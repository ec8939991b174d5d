#include "addon/engine_wrap.h"

#include "addon/capture_wrap.h"
#include "addon/convert.h"
#include "addon/injector_wrap.h"
#include "addon/peer_wrap.h"
#include "addon/recorder_wrap.h"
#include "addon/source_wrap.h"
#include "addon/tap_wrap.h"

namespace hg {
namespace {

std::shared_ptr<const Certificate> ReadCertificate(
    const Napi::Object& options) {
  if (options.Get("certificate").IsUndefined()) return Certificate::Generate();
  const Napi::Object pem = GetObject(options, "certificate");
  return Certificate::FromPem(GetString(pem, "chain"), GetString(pem, "key"),
                              GetString(pem, "password"));
}

Tuning::Values ReadTuning(const Napi::Object& js) {
  Tuning::Values values;
  values.max_nack_age = GetMillis(js, "maxNackQueue");
  values.no_media_time = GetMillis(js, "noMediaTimeout");
  values.slow_link_threshold = static_cast<std::uint32_t>(
      GetInteger(js, "slowLinkThreshold", 0, 1'000'000));
  return values;
}

EngineOptions ReadOptions(Napi::Env env, const Napi::Object& js) {
  EngineOptions options;
  options.media_threads =
      static_cast<unsigned>(GetInteger(js, "mediaThreads", 1, 256));
  const Napi::Array addresses = GetArray(js, "localAddresses");
  for (std::uint32_t i = 0; i < addresses.Length(); ++i)
    options.local_addresses.push_back(addresses.Get(i).ToString().Utf8Value());
  if (options.local_addresses.empty())
    throw MakeError(env, "HG_ERR_ARGUMENT", "localAddresses is empty");
  options.port_min = GetPort(js, "portMin");
  options.port_max = GetPort(js, "portMax");
  options.dtls_mtu = static_cast<int>(GetInteger(js, "dtlsMtu", 256, 1500));
  options.tuning = ReadTuning(js);
  options.silent_timeout = GetMillis(js, "silentPeerTimeout");
  options.setup_timeout = GetMillis(js, "setupTimeout");
  try {
    options.certificate = ReadCertificate(js);
  } catch (const std::runtime_error& error) {
    throw MakeError(env, "HG_ERR_CERTIFICATE", error.what());
  }
  return options;
}

}  // namespace

Napi::Function EngineWrap::Define(Napi::Env env) {
  return DefineClass(
      env, "Engine",
      {InstanceMethod<&EngineWrap::GetFingerprint>("fingerprint"),
       InstanceMethod<&EngineWrap::CreatePeer>("createPeer"),
       InstanceMethod<&EngineWrap::CreateUdpSource>("createUdpSource"),
       InstanceMethod<&EngineWrap::CreateRecorder>("createRecorder"),
       InstanceMethod<&EngineWrap::CreateCapture>("createCapture"),
       InstanceMethod<&EngineWrap::CreateTap>("createTap"),
       InstanceMethod<&EngineWrap::ArmTaps>("armTaps"),
       InstanceMethod<&EngineWrap::CreateInjector>("createInjector"),
       InstanceMethod<&EngineWrap::Tune>("tune"),
       InstanceMethod<&EngineWrap::SetIceDebug>("setIceDebug"),
       InstanceMethod<&EngineWrap::GetStats>("stats"),
       InstanceMethod<&EngineWrap::Close>("close")});
}

EngineWrap::EngineWrap(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<EngineWrap>(info) {
  const Napi::Env env = info.Env();
  if (info.Length() < 2 || !info[0].IsObject() || !info[1].IsFunction())
    throw MakeError(env, "HG_ERR_ARGUMENT",
                    "Engine takes an options object and a function");
  const EngineOptions options = ReadOptions(env, info[0].As<Napi::Object>());
  try {
    host_ = EngineHost::Open(env, options, info[1].As<Napi::Function>());
  } catch (const std::runtime_error& error) {
    throw MakeError(env, "HG_ERR_NATIVE", error.what());
  }
}

Napi::Value EngineWrap::GetFingerprint(const Napi::CallbackInfo& info) {
  const std::string algorithm = info[0].ToString().Utf8Value();
  try {
    return Napi::String::New(
        info.Env(),
        host_->engine(info.Env()).certificate().FingerprintText(algorithm));
  } catch (const std::runtime_error& error) {
    throw MakeError(info.Env(), "HG_ERR_ARGUMENT", error.what());
  }
}

Napi::Value EngineWrap::CreatePeer(const Napi::CallbackInfo& info) {
  if (!info[0].IsObject())
    throw MakeError(info.Env(), "HG_ERR_ARGUMENT", "createPeer takes options");
  return PeerWrap::Create(info.Env(), host_,
                          GetBool(info[0].As<Napi::Object>(), "controlling"));
}

Napi::Value EngineWrap::CreateUdpSource(const Napi::CallbackInfo& info) {
  if (!info[0].IsObject())
    throw MakeError(info.Env(), "HG_ERR_ARGUMENT",
                    "createUdpSource takes options");
  return SourceWrap::Create(info.Env(), host_, info[0].As<Napi::Object>());
}

Napi::Value EngineWrap::CreateRecorder(const Napi::CallbackInfo& info) {
  if (!info[0].IsObject())
    throw MakeError(info.Env(), "HG_ERR_ARGUMENT",
                    "createRecorder takes options");
  return RecorderWrap::Create(info.Env(), host_, info[0].As<Napi::Object>());
}

Napi::Value EngineWrap::CreateCapture(const Napi::CallbackInfo& info) {
  if (!info[0].IsObject())
    throw MakeError(info.Env(), "HG_ERR_ARGUMENT",
                    "createCapture takes options");
  return CaptureWrap::Create(info.Env(), host_, info[0].As<Napi::Object>());
}

Napi::Value EngineWrap::CreateTap(const Napi::CallbackInfo& info) {
  if (!info[0].IsObject())
    throw MakeError(info.Env(), "HG_ERR_ARGUMENT", "createTap takes options");
  return TapWrap::Create(info.Env(), host_, info[0].As<Napi::Object>());
}

void EngineWrap::ArmTaps(const Napi::CallbackInfo& info) {
  host_->engine(info.Env()).taps().Arm();
}

Napi::Value EngineWrap::CreateInjector(const Napi::CallbackInfo& info) {
  if (!info[0].IsObject())
    throw MakeError(info.Env(), "HG_ERR_ARGUMENT",
                    "createInjector takes options");
  return InjectorWrap::Create(info.Env(), host_, info[0].As<Napi::Object>());
}

void EngineWrap::Tune(const Napi::CallbackInfo& info) {
  if (!info[0].IsObject())
    throw MakeError(info.Env(), "HG_ERR_ARGUMENT", "tune takes an object");
  host_->engine(info.Env()).Tune(ReadTuning(info[0].As<Napi::Object>()));
}

void EngineWrap::SetIceDebug(const Napi::CallbackInfo& info) {
  host_->engine(info.Env());  // throws if it is closed
  host_->SetIceDebug(info[0].ToBoolean());
}

Napi::Value EngineWrap::GetStats(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Engine& engine = host_->engine(env);
  Napi::Object js = Napi::Object::New(env);
  js.Set("peers", ToNumber(env, engine.peer_count()));
  js.Set("sources", ToNumber(env, engine.source_count()));
  js.Set("droppedEvents", ToNumber(env, host_->dropped_events()));
  Napi::Array threads = Napi::Array::New(env);
  for (std::uint32_t i = 0; i < engine.loops().size(); ++i) {
    const MediaLoop::Stats& stats = engine.loops()[i]->stats();
    Napi::Object thread = Napi::Object::New(env);
    thread.Set("peers", ToNumber(env, stats.peers.value()));
    const auto set = [&](const char* name, const Gauge& gauge) {
      thread.Set(name, ToNumber(env, gauge.value()));
    };
    thread.Set("cpuTime", static_cast<double>(stats.cpu_us.value()) / 1000);
    set("turns", stats.turns);
    set("poolBlocks", stats.pool_blocks);
    set("poolExhausted", stats.pool_exhausted);
    set("packetsSent", stats.packets_sent);
    set("packetsReceived", stats.packets_received);
    set("bytesSent", stats.bytes_sent);
    set("bytesReceived", stats.bytes_received);
    set("retransmitted", stats.retransmitted);
    set("notRetransmitted", stats.not_retransmitted);
    set("nacksReceived", stats.nacks_received);
    set("keyframeRequestsReceived", stats.keyframe_requests_received);
    set("sendDropped", stats.send_dropped);
    set("srtpFailures", stats.srtp_failures);
    set("foreignDatagrams", stats.foreign_datagrams);
    set("unexpectedDatagrams", stats.unexpected_datagrams);
    set("sourcePackets", stats.source_packets);
    set("sourceBytes", stats.source_bytes);
    set("sourceLost", stats.source_lost);
    set("sourceInvalid", stats.source_invalid);
    set("sourceDropped", stats.source_dropped);
    set("socketDrops", stats.kernel_drops);
    set("nacksSent", stats.nacks_sent);
    set("keyframeRequestsSent", stats.keyframe_requests_sent);
    thread.Set("gso", stats.gso.value() != 0);
    threads.Set(i, thread);
  }
  js.Set("threads", threads);
  return js;
}

void EngineWrap::Close(const Napi::CallbackInfo& info) {
  host_->Close(info.Env(), true);
}

}  // namespace hg
