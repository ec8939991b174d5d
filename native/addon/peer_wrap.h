// `NativePeer` of lib/native/types.ts.
#pragma once

#include <napi.h>

#include <memory>
#include <string>
#include <vector>

#include "addon/engine_host.h"

namespace hg {

class PeerWrap : public Napi::ObjectWrap<PeerWrap> {
 public:
  static Napi::Function Define(Napi::Env env);
  static Napi::Object Create(Napi::Env env, std::shared_ptr<EngineHost> host,
                             bool controlling);
  explicit PeerWrap(const Napi::CallbackInfo& info);

 private:
  struct Track {
    std::string mid;
    std::uint32_t ssrc;
    std::shared_ptr<const EgressStats> stats;
  };

  Napi::Value GetId(const Napi::CallbackInfo& info);
  void SetRemote(const Napi::CallbackInfo& info);
  void RestartIce(const Napi::CallbackInfo& info);
  void AddCandidate(const Napi::CallbackInfo& info);
  void EndOfCandidates(const Napi::CallbackInfo& info);
  Napi::Value AddTrack(const Napi::CallbackInfo& info);
  void SetTrack(const Napi::CallbackInfo& info);
  Napi::Value CreateSource(const Napi::CallbackInfo& info);
  void SetIncoming(const Napi::CallbackInfo& info);
  void SetMaxBitrate(const Napi::CallbackInfo& info);
  void Link(const Napi::CallbackInfo& info);
  void SetLayers(const Napi::CallbackInfo& info);
  void SetPaused(const Napi::CallbackInfo& info);
  void EnableData(const Napi::CallbackInfo& info);
  Napi::Value CreateChannel(const Napi::CallbackInfo& info);
  void SetDataPaused(const Napi::CallbackInfo& info);
  Napi::Value GetStats(const Napi::CallbackInfo& info);
  Napi::Value Capture(const Napi::CallbackInfo& info);
  void Close(const Napi::CallbackInfo& info);

  DataEndpoint& Data(Napi::Env env);
  std::size_t TrackIndex(const Napi::CallbackInfo& info) const;

  std::shared_ptr<EngineHost> host_;
  Engine::PeerHandle peer_;
  std::vector<Track> tracks_;
  std::shared_ptr<DataEndpoint> data_;  // null: it has no data channels
};

}  // namespace hg
