// What one JavaScript environment shares with its media threads: the engine,
// the event queue, and the thread-safe function that wakes JavaScript. Kept
// alive by every wrapped object, stopped when the engine is closed or the
// environment goes (a worker ends, too).
#pragma once

#include <napi.h>

#include <memory>
#include <optional>

#include "addon/event_queue.h"
#include "ice/ice_log.h"
#include "loop/engine.h"

namespace hg {

class EngineHost : private EventQueue::Waker {
 public:
  // Throws what Engine throws.
  static std::shared_ptr<EngineHost> Open(Napi::Env env,
                                          const EngineOptions& options,
                                          Napi::Function on_events);
  ~EngineHost() override;

  // Throws HG_ERR_CLOSED (a Napi::Error) after Close().
  Engine& engine(Napi::Env env);
  bool closed() const { return closed_; }
  // Joins the threads. `deliver`: JavaScript can still be called, and hears of
  // what the stop caused.
  void Close(Napi::Env env, bool deliver);
  // libnice's own account of its work, as log events.
  void SetIceDebug(bool on);
  std::uint64_t dropped_events() const { return events_.dropped(); }

 private:
  // What the thread-safe function holds, so that a call on its way to
  // JavaScript never finds its host gone.
  using Context = std::shared_ptr<EngineHost>;
  static void CallJs(Napi::Env env, Napi::Function callback, Context* context,
                     void*);
  using Wake = Napi::TypedThreadSafeFunction<Context, void, CallJs>;

  EngineHost() : events_(*this) {}
  void WakeReader() override;
  void Deliver(Napi::Env env);

  EventQueue events_;
  std::optional<IceLog> ice_log_;
  Napi::FunctionReference on_events_;
  Wake wake_;
  std::unique_ptr<Engine> engine_;
  bool closed_ = false;
  napi_env env_ = nullptr;

  static void OnEnvironmentCleanup(void* host);
};

}  // namespace hg
