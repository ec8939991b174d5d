#include "addon/peer_wrap.h"

#include <utility>

#include "addon/addon.h"
#include "addon/convert.h"
#include "addon/source_wrap.h"

namespace hg {

Napi::Function PeerWrap::Define(Napi::Env env) {
  return DefineClass(
      env, "NativePeer",
      {InstanceAccessor<&PeerWrap::GetId>("id"),
       InstanceMethod<&PeerWrap::SetRemote>("setRemote"),
       InstanceMethod<&PeerWrap::AddCandidate>("addCandidate"),
       InstanceMethod<&PeerWrap::EndOfCandidates>("endOfCandidates"),
       InstanceMethod<&PeerWrap::AddTrack>("addTrack"),
       InstanceMethod<&PeerWrap::Link>("link"),
       InstanceMethod<&PeerWrap::SetPaused>("setPaused"),
       InstanceMethod<&PeerWrap::GetStats>("stats"),
       InstanceMethod<&PeerWrap::Close>("close")});
}

Napi::Object PeerWrap::Create(Napi::Env env, std::shared_ptr<EngineHost> host,
                              bool controlling) {
  Engine& engine = host->engine(env);
  Napi::Object js = env.GetInstanceData<AddonData>()->peer.New({});
  PeerWrap* wrap = Unwrap(js);
  wrap->peer_ = engine.CreatePeer(controlling);
  wrap->host_ = std::move(host);
  return js;
}

PeerWrap::PeerWrap(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<PeerWrap>(info) {}

Napi::Value PeerWrap::GetId(const Napi::CallbackInfo& info) {
  return ToNumber(info.Env(), peer_.id);
}

void PeerWrap::SetRemote(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsObject())
    throw MakeError(env, "HG_ERR_ARGUMENT", "setRemote takes an object");
  const auto js = info[0].As<Napi::Object>();
  PeerRemote remote;
  remote.ice.ufrag = GetString(js, "ufrag");
  remote.ice.pwd = GetString(js, "pwd");
  remote.dtls_role = GetString(js, "dtlsRole") == "client" ? DtlsRole::kClient
                                                           : DtlsRole::kServer;
  const Napi::Array fingerprints = GetArray(js, "fingerprints");
  for (std::uint32_t i = 0; i < fingerprints.Length(); ++i) {
    const Napi::Value entry = fingerprints.Get(i);
    if (!entry.IsObject()) continue;
    const auto object = entry.As<Napi::Object>();
    auto fingerprint = Fingerprint::Parse(GetString(object, "algorithm"),
                                          GetString(object, "value"));
    if (fingerprint) remote.fingerprints.push_back(std::move(*fingerprint));
  }
  host_->engine(env).SetRemote(peer_, std::move(remote));
}

void PeerWrap::AddCandidate(const Napi::CallbackInfo& info) {
  host_->engine(info.Env()).AddCandidate(peer_, info[0].ToString().Utf8Value());
}

void PeerWrap::EndOfCandidates(const Napi::CallbackInfo& info) {
  host_->engine(info.Env()).EndOfCandidates(peer_);
}

Napi::Value PeerWrap::AddTrack(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsObject())
    throw MakeError(env, "HG_ERR_ARGUMENT", "addTrack takes an object");
  const auto js = info[0].As<Napi::Object>();
  const auto payload_type = [&](const char* name) {
    return static_cast<std::uint8_t>(GetInteger(js, name, 0, 127));
  };
  const auto ssrc = [&](const char* name) {
    return static_cast<std::uint32_t>(GetInteger(js, name, 0, UINT32_MAX));
  };
  const Napi::Object extensions = GetObject(js, "extensions");
  const auto extension = [&](const char* name) {
    return static_cast<std::uint8_t>(GetInteger(extensions, name, 0, 255));
  };
  EgressTrackConfig config;
  config.mid = GetString(js, "mid");
  config.video = GetString(js, "kind") == "video";
  config.ssrc = ssrc("ssrc");
  config.payload_type = payload_type("payloadType");
  config.clock_rate =
      static_cast<std::uint32_t>(GetInteger(js, "clockRate", 1, 1'000'000));
  config.rtx_ssrc = ssrc("rtxSsrc");
  config.rtx_payload_type = payload_type("rtxPayloadType");
  config.nack = GetBool(js, "nack");
  config.extensions.mid = extension("mid");
  config.extensions.abs_send_time = extension("absSendTime");
  config.extensions.transport_wide_cc = extension("transportWideCc");
  config.extensions.playout_delay = extension("playoutDelay");
  if (config.mid.size() > HeaderRewrite::kMaxMidSize)
    throw MakeError(env, "HG_ERR_ARGUMENT", "mid is longer than 32 bytes");
  tracks_.push_back(
      {config.mid, config.ssrc, host_->engine(env).AddTrack(peer_, config)});
  return ToNumber(env, tracks_.size() - 1);
}

std::size_t PeerWrap::TrackIndex(const Napi::CallbackInfo& info) const {
  const double index = info[0].ToNumber().DoubleValue();
  if (!(index >= 0) || index >= static_cast<double>(tracks_.size()))
    throw MakeError(info.Env(), "HG_ERR_ARGUMENT", "there is no such track");
  return static_cast<std::size_t>(index);
}

void PeerWrap::Link(const Napi::CallbackInfo& info) {
  host_->engine(info.Env())
      .Link(peer_, TrackIndex(info),
            info[1].IsNull() ? nullptr : SourceWrap::InfoOf(info[1]));
}

void PeerWrap::SetPaused(const Napi::CallbackInfo& info) {
  host_->engine(info.Env())
      .SetPaused(peer_, TrackIndex(info), info[1].ToBoolean().Value());
}

Napi::Value PeerWrap::GetStats(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const PeerStats& stats = *peer_.stats;
  Napi::Object js = Napi::Object::New(env);
  const auto set = [&](const char* name, const auto& counter) {
    js.Set(name, ToNumber(env, counter.value()));
  };
  js.Set("iceState", IceStateName(stats.ice_state.value()));
  js.Set("dtlsState", DtlsStateName(stats.dtls_state.value()));
  set("dtlsRetransmissions", stats.dtls_retransmissions);
  if (const auto profile = stats.srtp_profile.value(); profile != 0)
    js.Set("srtpProfile",
           std::string(SrtpProfileName(static_cast<SrtpProfile>(profile))));
  if (const auto pair = stats.pair.load();
      pair != nullptr && !pair->local.empty()) {
    js.Set("localCandidate", pair->local);
    js.Set("remoteCandidate", pair->remote);
  }
  set("bytesSent", stats.bytes_sent);
  set("packetsSent", stats.packets_sent);
  set("bytesReceived", stats.bytes_received);
  set("packetsReceived", stats.packets_received);
  set("foreignDatagrams", stats.foreign_datagrams);
  set("srtpFailures", stats.srtp_failures);
  set("unexpectedDatagrams", stats.unexpected);
  set("sendDropped", stats.send_dropped);
  set("remb", stats.remb);
  set("transportCcReports", stats.transport_cc_reports);
  set("transportCcLost", stats.transport_cc_lost);

  Napi::Array tracks = Napi::Array::New(env, tracks_.size());
  for (std::uint32_t i = 0; i < tracks_.size(); ++i) {
    const EgressStats& egress = *tracks_[i].stats;
    Napi::Object track = Napi::Object::New(env);
    const auto set_track = [&](const char* name, std::uint64_t value) {
      track.Set(name, ToNumber(env, value));
    };
    track.Set("mid", tracks_[i].mid);
    set_track("ssrc", tracks_[i].ssrc);
    set_track("packets", egress.packets.value());
    set_track("bytes", egress.bytes.value());
    set_track("retransmitted", egress.retransmitted.value());
    set_track("notRetransmitted", egress.not_retransmitted.value());
    set_track("nacks", egress.nacks.value());
    set_track("plis", egress.plis.value());
    set_track("firs", egress.firs.value());
    set_track("remoteLost", egress.remote_lost.value());
    track.Set("remoteFractionLost",
              static_cast<double>(egress.remote_fraction_lost.value()) / 256);
    set_track("remoteJitter", egress.remote_jitter.value());
    if (const auto us = egress.round_trip_us.value(); us != 0)
      track.Set("roundTripTime", static_cast<double>(us) / 1000);
    tracks.Set(i, track);
  }
  js.Set("tracks", tracks);
  return js;
}

void PeerWrap::Close(const Napi::CallbackInfo& info) {
  if (!host_->closed()) host_->engine(info.Env()).ClosePeer(peer_);
}

}  // namespace hg
