#include "addon/engine_host.h"

#include <utility>

#include "addon/convert.h"

namespace hg {

std::shared_ptr<EngineHost> EngineHost::Open(Napi::Env env,
                                             const EngineOptions& options,
                                             Napi::Function on_events) {
  std::shared_ptr<EngineHost> host(new EngineHost);
  host->env_ = env;
  host->on_events_ = Napi::Persistent(on_events);
  host->wake_ =
      Wake::New(env, on_events, "headgate events", 0, 1, new Context(host),
                [](Napi::Env, void*, Context* context) { delete context; });
  try {
    host->engine_ = std::make_unique<Engine>(options, host->events_);
  } catch (...) {
    host->closed_ = true;
    host->wake_.Release();
    throw;
  }
  // Hooks run last first: ours, which joins the threads, before that of the
  // thread-safe function that they use.
  napi_add_env_cleanup_hook(env, OnEnvironmentCleanup, host.get());
  return host;
}

EngineHost::~EngineHost() = default;

Engine& EngineHost::engine(Napi::Env env) {
  if (closed_) throw MakeError(env, "HG_ERR_CLOSED", "the engine is closed");
  return *engine_;
}

void EngineHost::Close(Napi::Env env, bool deliver) {
  if (std::exchange(closed_, true)) return;
  ice_log_.reset();
  engine_->Stop();
  if (deliver) Deliver(env);
  wake_.Release();
  napi_remove_env_cleanup_hook(env_, OnEnvironmentCleanup, this);
  on_events_.Reset();
}

void EngineHost::SetIceDebug(bool on) {
  if (!on) {
    ice_log_.reset();
  } else if (!ice_log_) {
    ice_log_.emplace(events_);
  }
}

void EngineHost::OnEnvironmentCleanup(void* data) {
  auto* host = static_cast<EngineHost*>(data);
  host->closed_ = true;
  host->ice_log_.reset();
  host->engine_->Stop();
  // JavaScript is gone; so are the references into it.
  host->on_events_.SuppressDestruct();
}

void EngineHost::WakeReader() { wake_.NonBlockingCall(); }

void EngineHost::CallJs(Napi::Env env, Napi::Function, Context* context,
                        void*) {
  if (env == nullptr || context == nullptr) return;
  const Context host = *context;
  if (!host->closed_) host->Deliver(env);
}

void EngineHost::Deliver(Napi::Env env) {
  const Napi::HandleScope scope(env);
  const auto events = events_.Take();
  if (events.empty()) return;
  Napi::Array js = Napi::Array::New(env, events.size());
  for (std::uint32_t i = 0; i < events.size(); ++i) {
    // Its load counts until the closing is known here.
    if (events[i].type == EventType::kPeerClosed)
      engine_->ForgetPeer(events[i].object);
    js.Set(i, ToJs(env, events[i]));
  }
  on_events_.Call({js});
}

}  // namespace hg
