#include "addon/addon.h"

#include <napi.h>
#include <nice/nice-version.h>
#include <openssl/crypto.h>

#include <memory>
#include <string>

#include "addon/capture_wrap.h"
#include "addon/channel_wrap.h"
#include "addon/convert.h"
#include "addon/engine_wrap.h"
#include "addon/injector_wrap.h"
#include "addon/peer_wrap.h"
#include "addon/recorder_wrap.h"
#include "addon/source_wrap.h"
#include "addon/tap_wrap.h"
#include "addon/unix_server_wrap.h"
#include "srtp/srtp_session.h"

namespace hg {
namespace {

// The OpenSSL that runs is node's own; the headers we were compiled with are
// of the same major version, which keeps its ABI.
void CheckOpenSsl(Napi::Env env) {
  const unsigned major = static_cast<unsigned>(OpenSSL_version_num() >> 28);
  if (major == 3) return;
  throw MakeError(env, "HG_ERR_OPENSSL",
                  "headgate was built for OpenSSL 3 and this node runs on " +
                      std::string(OpenSSL_version(OPENSSL_VERSION)) +
                      "; use Node 20, 22 or 24");
}

Napi::Object Versions(Napi::Env env) {
  Napi::Object versions = Napi::Object::New(env);
  versions.Set("srtp", SrtpSession::LibraryVersion());
  versions.Set("srtpBackend", HG_SRTP_BACKEND);
  versions.Set("openssl", OpenSSL_version(OPENSSL_VERSION));
  versions.Set("libnice", std::to_string(NICE_VERSION_MAJOR) + "." +
                              std::to_string(NICE_VERSION_MINOR) + "." +
                              std::to_string(NICE_VERSION_MICRO));
  return versions;
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  CheckOpenSsl(env);
  auto data = std::make_unique<AddonData>();
  data->peer = Napi::Persistent(PeerWrap::Define(env));
  data->source = Napi::Persistent(SourceWrap::Define(env));
  data->recorder = Napi::Persistent(RecorderWrap::Define(env));
  data->capture = Napi::Persistent(CaptureWrap::Define(env));
  data->channel = Napi::Persistent(ChannelWrap::Define(env));
  data->tap = Napi::Persistent(TapWrap::Define(env));
  data->injector = Napi::Persistent(InjectorWrap::Define(env));
  env.SetInstanceData(data.release());
  exports.Set("Engine", EngineWrap::Define(env));
  exports.Set("UnixServer", UnixServerWrap::Define(env));
  exports.Set("versions", Versions(env));
  return exports;
}

NODE_API_MODULE(headgate, Init)

}  // namespace
}  // namespace hg
