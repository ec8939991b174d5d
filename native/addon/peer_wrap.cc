#include "addon/peer_wrap.h"

#include <optional>
#include <system_error>
#include <utility>

#include "addon/addon.h"
#include "addon/capture_wrap.h"
#include "addon/channel_wrap.h"
#include "addon/convert.h"
#include "addon/source_wrap.h"

namespace hg {
namespace {

std::uint8_t GetPayloadType(const Napi::Object& js, const char* name) {
  return static_cast<std::uint8_t>(GetInteger(js, name, 0, 127));
}

std::uint32_t GetSsrc(const Napi::Object& js, const char* name) {
  return static_cast<std::uint32_t>(GetInteger(js, name, 0, UINT32_MAX));
}

std::uint8_t GetExtensionId(const Napi::Object& js, const char* name) {
  return static_cast<std::uint8_t>(GetInteger(js, name, 0, 255));
}

// Of an array; throws HG_ERR_ARGUMENT if it is none.
Napi::Object ObjectAt(const Napi::Array& array, std::uint32_t i) {
  const Napi::Value value = array.Get(i);
  if (!value.IsObject())
    throw MakeError(array.Env(), "HG_ERR_ARGUMENT", "an object is missing");
  return value.As<Napi::Object>();
}

IngressEncodingConfig ReadEncoding(const Napi::Object& js, std::uint32_t peer) {
  IngressEncodingConfig encoding;
  encoding.ids.rid = GetString(js, "rid");
  encoding.ids.ssrc = GetSsrc(js, "ssrc");
  encoding.ids.rtx_ssrc = GetSsrc(js, "rtxSsrc");
  encoding.source = SourceWrap::InfoOf(js.Get("source"));
  if (encoding.source->config.peer != peer)
    throw MakeError(js.Env(), "HG_ERR_ARGUMENT",
                    "the source is not one of this peer's");
  return encoding;
}

IngressTrackConfig ReadIncomingTrack(const Napi::Object& js,
                                     std::uint32_t peer) {
  IngressTrackConfig track;
  track.mid = GetString(js, "mid");
  const Napi::Array payload_types = GetArray(js, "payloadTypes");
  for (std::uint32_t i = 0; i < payload_types.Length(); ++i) {
    track.payload_types.push_back(static_cast<std::uint8_t>(
        payload_types.Get(i).ToNumber().Uint32Value() & 127));
  }
  if (!js.Get("rtxPayloadType").IsUndefined())
    track.rtx_payload_type = GetPayloadType(js, "rtxPayloadType");
  if (!js.Get("redPayloadType").IsUndefined())
    track.red_payload_type = GetPayloadType(js, "redPayloadType");
  track.nack = GetBool(js, "nack");
  track.pli = GetBool(js, "pli");
  track.fir = GetBool(js, "fir");
  const Napi::Array encodings = GetArray(js, "encodings");
  for (std::uint32_t i = 0; i < encodings.Length(); ++i)
    track.encodings.push_back(ReadEncoding(ObjectAt(encodings, i), peer));
  if (track.payload_types.empty() || track.encodings.empty())
    throw MakeError(js.Env(), "HG_ERR_ARGUMENT",
                    "a track needs a payload type and an encoding");
  return track;
}

// Those that a source's packets have and viewers get.
ExtensionIds ReadPassed(const Napi::Object& js) {
  ExtensionIds ids;
  ids.playout_delay = GetExtensionId(js, "playoutDelay");
  ids.audio_level = GetExtensionId(js, "audioLevel");
  ids.video_orientation = GetExtensionId(js, "videoOrientation");
  ids.dependency_descriptor = GetExtensionId(js, "dependencyDescriptor");
  return ids;
}

Napi::Object DataStatsOf(Napi::Env env, const DataEndpoint::Stats& stats) {
  Napi::Object js = Napi::Object::New(env);
  const auto set = [&](const char* name, std::uint64_t value) {
    js.Set(name, ToNumber(env, value));
  };
  set("channels", stats.channels.value());
  set("messagesReceived", stats.messages_received.value());
  set("bytesReceived", stats.bytes_received.value());
  set("messagesSent", stats.messages_sent.value());
  set("bytesSent", stats.bytes_sent.value());
  set("oversize", stats.oversize.value());
  set("unexpected", stats.unexpected.value());
  set("refused", stats.refused.load());
  set("pipeDropped", stats.pipe_dropped.value());
  set("packetsDropped", stats.packets_dropped.load());
  return js;
}

EgressTrackConfig GetTrack(const Napi::CallbackInfo& info, std::size_t at) {
  const Napi::Env env = info.Env();
  if (!info[at].IsObject())
    throw MakeError(env, "HG_ERR_ARGUMENT", "a track is an object");
  const auto js = info[at].As<Napi::Object>();
  const Napi::Object extensions = GetObject(js, "extensions");
  EgressTrackConfig config;
  config.mid = GetString(js, "mid");
  config.video = GetString(js, "kind") == "video";
  config.ssrc = GetSsrc(js, "ssrc");
  config.payload_type = GetPayloadType(js, "payloadType");
  config.clock_rate =
      static_cast<std::uint32_t>(GetInteger(js, "clockRate", 1, 1'000'000));
  config.rtx_ssrc = GetSsrc(js, "rtxSsrc");
  config.rtx_payload_type = GetPayloadType(js, "rtxPayloadType");
  if (!js.Get("redPayloadType").IsUndefined())
    config.red_payload_type = GetPayloadType(js, "redPayloadType");
  config.nack = GetBool(js, "nack");
  config.extensions = ReadPassed(extensions);
  config.extensions.mid = GetExtensionId(extensions, "mid");
  config.extensions.abs_send_time = GetExtensionId(extensions, "absSendTime");
  config.extensions.transport_wide_cc =
      GetExtensionId(extensions, "transportWideCc");
  if (config.mid.size() > HeaderRewrite::kMaxMidSize)
    throw MakeError(env, "HG_ERR_ARGUMENT", "mid is longer than 32 bytes");
  return config;
}

}  // namespace

Napi::Function PeerWrap::Define(Napi::Env env) {
  return DefineClass(
      env, "NativePeer",
      {InstanceAccessor<&PeerWrap::GetId>("id"),
       InstanceMethod<&PeerWrap::SetRemote>("setRemote"),
       InstanceMethod<&PeerWrap::RestartIce>("restartIce"),
       InstanceMethod<&PeerWrap::AddCandidate>("addCandidate"),
       InstanceMethod<&PeerWrap::EndOfCandidates>("endOfCandidates"),
       InstanceMethod<&PeerWrap::AddTrack>("addTrack"),
       InstanceMethod<&PeerWrap::SetTrack>("setTrack"),
       InstanceMethod<&PeerWrap::CreateSource>("createSource"),
       InstanceMethod<&PeerWrap::SetIncoming>("setIncoming"),
       InstanceMethod<&PeerWrap::SetMaxBitrate>("setMaxBitrate"),
       InstanceMethod<&PeerWrap::Link>("link"),
       InstanceMethod<&PeerWrap::SetLayers>("setLayers"),
       InstanceMethod<&PeerWrap::SetPaused>("setPaused"),
       InstanceMethod<&PeerWrap::EnableData>("enableData"),
       InstanceMethod<&PeerWrap::CreateChannel>("createChannel"),
       InstanceMethod<&PeerWrap::SetDataPaused>("setDataPaused"),
       InstanceMethod<&PeerWrap::GetStats>("stats"),
       InstanceMethod<&PeerWrap::Capture>("capture"),
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
  remote.needs_srtp = GetBool(js, "media");
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

void PeerWrap::RestartIce(const Napi::CallbackInfo& info) {
  host_->engine(info.Env()).RestartIce(peer_);
}

void PeerWrap::AddCandidate(const Napi::CallbackInfo& info) {
  host_->engine(info.Env()).AddCandidate(peer_, info[0].ToString().Utf8Value());
}

void PeerWrap::EndOfCandidates(const Napi::CallbackInfo& info) {
  host_->engine(info.Env()).EndOfCandidates(peer_);
}

Napi::Value PeerWrap::AddTrack(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const EgressTrackConfig config = GetTrack(info, 0);
  tracks_.push_back(
      {config.mid, config.ssrc, host_->engine(env).AddTrack(peer_, config)});
  return ToNumber(env, tracks_.size() - 1);
}

void PeerWrap::SetTrack(const Napi::CallbackInfo& info) {
  const std::size_t index = TrackIndex(info);
  const EgressTrackConfig config = GetTrack(info, 1);
  auto stats = host_->engine(info.Env()).SetTrack(peer_, index, config);
  Track& track = tracks_[index];
  if (track.ssrc != config.ssrc) track.stats = std::move(stats);
  track.ssrc = config.ssrc;
  track.mid = config.mid;
}

Napi::Value PeerWrap::CreateSource(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsObject())
    throw MakeError(env, "HG_ERR_ARGUMENT", "createSource takes an object");
  const auto js = info[0].As<Napi::Object>();
  SourceConfig config;
  config.video = GetString(js, "kind") == "video";
  config.codec = GetString(js, "codec");
  config.clock_rate =
      static_cast<std::uint32_t>(GetInteger(js, "clockRate", 1, 1'000'000));
  Engine& engine = host_->engine(env);
  return SourceWrap::Create(env, host_,
                            engine.CreatePeerSource(peer_, std::move(config)));
}

void PeerWrap::SetIncoming(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsObject())
    throw MakeError(env, "HG_ERR_ARGUMENT", "setIncoming takes an object");
  const auto js = info[0].As<Napi::Object>();
  const Napi::Object extensions = GetObject(js, "extensions");
  IngressConfig config;
  config.extensions.mid = GetExtensionId(extensions, "mid");
  config.extensions.rid = GetExtensionId(extensions, "rid");
  config.extensions.repaired_rid = GetExtensionId(extensions, "repairedRid");
  config.transport_cc = GetExtensionId(extensions, "transportWideCc");
  config.passed = ReadPassed(extensions);
  const Napi::Array tracks = GetArray(js, "tracks");
  for (std::uint32_t i = 0; i < tracks.Length(); ++i)
    config.tracks.push_back(ReadIncomingTrack(ObjectAt(tracks, i), peer_.id));
  host_->engine(env).SetIngress(peer_, std::move(config));
}

void PeerWrap::SetMaxBitrate(const Napi::CallbackInfo& info) {
  const double bps = info[0].ToNumber().DoubleValue();
  if (!(bps >= 0 && bps <= 1e12))
    throw MakeError(info.Env(), "HG_ERR_ARGUMENT", "that is no bitrate");
  host_->engine(info.Env())
      .SetMaxBitrate(peer_, static_cast<std::uint64_t>(bps));
}

std::size_t PeerWrap::TrackIndex(const Napi::CallbackInfo& info) const {
  const double index = info[0].ToNumber().DoubleValue();
  if (!(index >= 0) || index >= static_cast<double>(tracks_.size()))
    throw MakeError(info.Env(), "HG_ERR_ARGUMENT", "there is no such track");
  return static_cast<std::size_t>(index);
}

void PeerWrap::Link(const Napi::CallbackInfo& info) {
  if (!info[1].IsArray())
    throw MakeError(info.Env(), "HG_ERR_ARGUMENT", "link takes an array");
  const auto js = info[1].As<Napi::Array>();
  std::vector<std::shared_ptr<const SourceInfo>> encodings;
  for (std::uint32_t i = 0; i < js.Length(); ++i)
    encodings.push_back(SourceWrap::InfoOf(js.Get(i)));
  host_->engine(info.Env()).Link(peer_, TrackIndex(info), std::move(encodings));
}

void PeerWrap::SetLayers(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[1].IsObject())
    throw MakeError(env, "HG_ERR_ARGUMENT", "setLayers takes an object");
  const auto js = info[1].As<Napi::Object>();
  LayerTarget target;
  target.substream =
      static_cast<std::uint8_t>(GetInteger(js, "substream", 0, 255));
  target.spatial = static_cast<std::uint8_t>(GetInteger(js, "spatial", 0, 255));
  target.temporal =
      static_cast<std::uint8_t>(GetInteger(js, "temporal", 0, 255));
  target.fallback = GetMillis(js, "fallback");
  host_->engine(env).SetLayers(peer_, TrackIndex(info), target);
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
  const auto candidates = stats.candidates.load();
  if (candidates != nullptr && !candidates->local.empty()) {
    js.Set("localCandidate", candidates->local);
    js.Set("remoteCandidate", candidates->remote);
  }
  js.Set("remoteCandidates", candidates == nullptr
                                 ? Napi::Array::New(env)
                                 : ToJs(env, candidates->all_remote));
  if (const auto us = stats.round_trip_us.value(); us != 0)
    js.Set("roundTripTime", static_cast<double>(us) / 1000);
  set("gatheredAt", stats.gathered_us);
  set("iceConnectedAt", stats.ice_connected_us);
  set("dtlsStartedAt", stats.dtls_started_us);
  set("dtlsConnectedAt", stats.dtls_connected_us);
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
    set_track("bytesLastSecond", egress.bytes_last_second.value());
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
  if (data_) js.Set("data", DataStatsOf(env, data_->stats()));
  return js;
}

DataEndpoint& PeerWrap::Data(Napi::Env env) {
  Engine& engine = host_->engine(env);
  if (data_) return *data_;
  try {
    data_ = engine.Data(peer_);
  } catch (const std::system_error& error) {
    throw MakeError(env, "HG_ERR_NATIVE", error.what());
  }
  return *data_;
}

void PeerWrap::EnableData(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsObject())
    throw MakeError(env, "HG_ERR_ARGUMENT", "enableData takes an object");
  Data(env).SetRemotePort(GetPort(info[0].As<Napi::Object>(), "port"));
}

Napi::Value PeerWrap::CreateChannel(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsObject())
    throw MakeError(env, "HG_ERR_ARGUMENT", "createChannel takes an object");
  const auto js = info[0].As<Napi::Object>();
  ChannelConfig config;
  config.label = GetString(js, "label");
  config.protocol = GetString(js, "protocol");
  config.ordered = GetBool(js, "ordered");
  const auto optional = [&](const char* name) -> std::optional<std::uint32_t> {
    if (js.Get(name).IsUndefined()) return std::nullopt;
    return static_cast<std::uint32_t>(GetInteger(js, name, 0, 65535));
  };
  config.max_retransmits = optional("maxRetransmits");
  config.max_packet_life_time = optional("maxPacketLifeTime");
  if (config.label.size() > kMaxChannelName ||
      config.protocol.size() > kMaxChannelName)
    throw MakeError(env, "HG_ERR_ARGUMENT", "a name is too long");
  return ChannelWrap::Create(env, Data(env).Open(std::move(config)));
}

void PeerWrap::SetDataPaused(const Napi::CallbackInfo& info) {
  Data(info.Env()).SetPaused(info[0].ToBoolean().Value());
}

Napi::Value PeerWrap::Capture(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Captures::Handle& capture = CaptureWrap::HandleOf(info[0]);
  return Napi::Boolean::New(
      env, host_->engine(env).captures().Add(capture, peer_.shard, peer_.id));
}

void PeerWrap::Close(const Napi::CallbackInfo& info) {
  if (!host_->closed()) host_->engine(info.Env()).ClosePeer(peer_);
}

}  // namespace hg
