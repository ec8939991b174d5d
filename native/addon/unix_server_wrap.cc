#include "addon/unix_server_wrap.h"

#include <string>
#include <utility>

#include "addon/convert.h"
#include "work/ready_thread.h"
#include "work/unix_server.h"

namespace hg {

// The socket is served on JavaScript's thread; the other one only tells when
// there is something to do. Both end when it is closed or the environment goes.
class UnixServerHost {
 public:
  static std::shared_ptr<UnixServerHost> Open(
      Napi::Env env, std::unique_ptr<UnixServer> server,
      Napi::Function on_events) {
    std::shared_ptr<UnixServerHost> host(new UnixServerHost);
    host->env_ = env;
    host->server_ = std::move(server);
    host->on_events_ = Napi::Persistent(on_events);
    host->wake_ = Wake::New(
        env, on_events, "headgate unix socket", 0, 1, new Context(host),
        [](Napi::Env, void*, Context* context) { delete context; });
    try {
      host->thread_ = std::make_unique<ReadyThread>(
          host->server_->fd(), "hg-unix",
          [waiting = host.get()] { waiting->wake_.NonBlockingCall(); });
    } catch (...) {
      host->server_.reset();
      host->wake_.Release();
      throw;
    }
    // Hooks run last first: ours, which joins the thread, before that of the
    // thread-safe function that it uses.
    napi_add_env_cleanup_hook(env, OnEnvironmentCleanup, host.get());
    return host;
  }

  // nullptr: closed.
  UnixServer* server() { return server_.get(); }

  void Close() {
    if (!server_) return;
    Stop();
    wake_.Release();
    napi_remove_env_cleanup_hook(env_, OnEnvironmentCleanup, this);
    on_events_.Reset();
  }

 private:
  // What the thread-safe function holds, so that a call on its way to
  // JavaScript never finds its host gone.
  using Context = std::shared_ptr<UnixServerHost>;
  static void CallJs(Napi::Env env, Napi::Function, Context* context, void*);
  using Wake = Napi::TypedThreadSafeFunction<Context, void, CallJs>;

  UnixServerHost() = default;

  static void OnEnvironmentCleanup(void* data) {
    auto* host = static_cast<UnixServerHost*>(data);
    host->Stop();
    // JavaScript is gone; so are the references into it.
    host->on_events_.SuppressDestruct();
  }

  void Stop() {
    thread_.reset();
    server_.reset();
  }

  void Serve(Napi::Env env) {
    const Napi::HandleScope scope(env);
    const auto events = server_->Serve(MonotonicNow());
    thread_->Resume();
    if (events.empty()) return;
    Napi::Array js = Napi::Array::New(env, events.size());
    for (std::uint32_t i = 0; i < events.size(); ++i)
      js.Set(i, ToJs(env, events[i]));
    on_events_.Call({js});
  }

  static Napi::Object ToJs(Napi::Env env, const UnixEvent& event) {
    Napi::Object js = Napi::Object::New(env);
    js.Set("client", ToNumber(env, event.client));
    switch (event.type) {
      case UnixEvent::Type::kConnected:
        js.Set("type", "connected");
        break;
      case UnixEvent::Type::kMessage:
        js.Set("type", "message");
        js.Set("text", Napi::String::New(env, event.text));
        break;
      case UnixEvent::Type::kTooLong:
        js.Set("type", "too-long");
        js.Set("size", ToNumber(env, event.size));
        break;
      case UnixEvent::Type::kGone:
        js.Set("type", "gone");
        break;
    }
    return js;
  }

  napi_env env_ = nullptr;
  std::unique_ptr<UnixServer> server_;
  std::unique_ptr<ReadyThread> thread_;
  Napi::FunctionReference on_events_;
  Wake wake_;
};

// Not within the class: under UBSan the address of an inline function is no
// constant to GCC 12.
void UnixServerHost::CallJs(Napi::Env env, Napi::Function, Context* context,
                            void*) {
  if (env == nullptr || context == nullptr) return;
  const Context host = *context;
  if (host->server_) host->Serve(env);
}

Napi::Function UnixServerWrap::Define(Napi::Env env) {
  return DefineClass(env, "UnixServer",
                     {InstanceMethod<&UnixServerWrap::Send>("send"),
                      InstanceMethod<&UnixServerWrap::Release>("release"),
                      InstanceMethod<&UnixServerWrap::Close>("close")});
}

UnixServerWrap::UnixServerWrap(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<UnixServerWrap>(info) {
  const Napi::Env env = info.Env();
  if (info.Length() < 2 || !info[0].IsObject() || !info[1].IsFunction())
    throw MakeError(env, "HG_ERR_ARGUMENT",
                    "UnixServer takes an options object and a function");
  const auto options = info[0].As<Napi::Object>();
  constexpr std::int64_t kGibibyte = 1 << 30;
  const UnixServer::Limits limits = {
      static_cast<std::size_t>(GetInteger(options, "maxMessage", 1, kGibibyte)),
      static_cast<std::size_t>(
          GetInteger(options, "maxBuffered", 0, kGibibyte * kGibibyte))};
  try {
    host_ = UnixServerHost::Open(
        env,
        std::make_unique<UnixServer>(GetString(options, "path"),
                                     GetBool(options, "datagrams")
                                         ? UnixServer::Type::kDatagram
                                         : UnixServer::Type::kSeqPacket,
                                     limits),
        info[1].As<Napi::Function>());
  } catch (const UnixServerError& error) {
    throw MakeError(env, error.code().c_str(), error.what());
  } catch (const std::system_error& error) {
    throw MakeError(env, "HG_ERR_NATIVE", error.what());
  }
}

Napi::Value UnixServerWrap::Send(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  UnixServer* server = host_->server();
  if (server == nullptr) return Napi::String::New(env, "gone");
  const auto client =
      static_cast<std::uint64_t>(info[0].ToNumber().Int64Value());
  const std::string text = info[1].ToString().Utf8Value();
  switch (server->Send(client, text, MonotonicNow())) {
    case UnixServer::Sent::kYes:
      return Napi::String::New(env, "sent");
    case UnixServer::Sent::kTooSlow:
      return Napi::String::New(env, "too-slow");
    case UnixServer::Sent::kTooLong:
      return Napi::String::New(env, "too-long");
    case UnixServer::Sent::kGone:
      break;
  }
  return Napi::String::New(env, "gone");
}

void UnixServerWrap::Release(const Napi::CallbackInfo& info) {
  if (UnixServer* server = host_->server())
    server->Release(
        static_cast<std::uint64_t>(info[0].ToNumber().Int64Value()));
}

void UnixServerWrap::Close(const Napi::CallbackInfo&) { host_->Close(); }

}  // namespace hg
