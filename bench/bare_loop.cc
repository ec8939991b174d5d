// The limit: what a packet costs that is only encrypted and sent. A thread that
// sends each of N sockets a burst of B packets of 1200 bytes at the feeder's
// pace, by the gateway's own SrtpSession and SendBatch, and nothing else.
//
// It is an addon so that it runs on the same libsrtp and the same libcrypto as
// the gateway: node's own, which outside node is not to be had.
//
//   const { start, stop } = require('…/bare_loop.node');
//   start({ address, ports, packetsPerFrame, framesPerSecond });
//   stop();  // { sent, dropped, gso, openssl, srtp }
#include <node_api.h>
#include <openssl/crypto.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <ctime>
#include <memory>
#include <numeric>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/log.h"
#include "ice/ice_transport.h"
#include "loop/send_batch.h"
#include "srtp/srtp_session.h"

namespace hg::bench {
namespace {

constexpr std::size_t kPacketSize = 1200;
constexpr std::size_t kHeaderSize = 12;

class NoLog final : public LogSink {
 public:
  void Log(LogLevel, std::string_view, std::string_view) override {}
};

// One viewer: a socket and keys of its own, as a gateway's has.
class Viewer {
 public:
  Viewer(const SocketAddress& local, const SocketAddress& remote,
         std::uint32_t ssrc)
      : remote_(remote),
        ssrc_(ssrc),
        fd_(socket(local.storage.ss_family,
                   SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)),
        srtp_(Keys(ssrc)) {
    bound_ = bind(fd_, local.get(), local.length) == 0;
  }
  ~Viewer() { close(fd_); }
  Viewer(const Viewer&) = delete;
  Viewer& operator=(const Viewer&) = delete;

  bool bound() const { return bound_; }

  DatagramBatch::Result Send(std::size_t packets, std::uint32_t timestamp,
                             Bytes payload, SendBatch& batch) {
    batch.Begin(fd_, remote_);
    for (std::size_t i = 0; i < packets; ++i) {
      const MutableBytes out = batch.Reserve();
      out[0] = 0x80;
      out[1] = 96;
      StoreU16(out.data() + 2, seq_++);
      StoreU32(out.data() + 4, timestamp);
      StoreU32(out.data() + 8, ssrc_);
      std::ranges::copy(payload, out.begin() + kHeaderSize);
      if (const auto size = srtp_.ProtectRtp(out, kPacketSize))
        batch.Commit(*size);
    }
    return batch.End();
  }

 private:
  static SrtpKeys Keys(std::uint32_t ssrc) {
    std::vector<std::uint8_t> key(16 + 12);
    std::iota(key.begin(), key.end(), static_cast<std::uint8_t>(ssrc));
    return {SrtpProfile::kAeadAes128Gcm, key, key};
  }

  const SocketAddress remote_;
  const std::uint32_t ssrc_;
  const int fd_;
  bool bound_ = false;
  SrtpSession srtp_;
  std::uint16_t seq_ = 0;
};

class Loop {
 public:
  Loop(const std::string& address, const std::vector<std::uint16_t>& ports,
       std::size_t packets_per_frame, int fps)
      : packets_per_frame_(packets_per_frame), fps_(fps), batch_(log_) {
    const auto local = SocketAddress::Parse(address, 0);
    if (!local) return;
    for (const std::uint16_t port : ports) {
      viewers_.push_back(std::make_unique<Viewer>(
          *local, *SocketAddress::Parse(address, port),
          static_cast<std::uint32_t>(viewers_.size() + 1)));
      if (!viewers_.back()->bound()) return;
    }
    ready_ = !viewers_.empty();
  }
  ~Loop() { Stop(); }

  bool ready() const { return ready_; }
  void Start() {
    thread_ = std::thread([this] { Run(); });
  }
  void Stop() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
  }
  const DatagramBatch::Result& result() const { return result_; }
  bool gso() const { return batch_.gso(); }

 private:
  void Run() {
    const std::vector<std::uint8_t> payload(kPacketSize - kHeaderSize, 0x55);
    Timestamp next = MonotonicNow();
    std::uint32_t timestamp = 0;
    while (!stopping_) {
      for (const auto& viewer : viewers_) {
        const auto sent =
            viewer->Send(packets_per_frame_, timestamp, payload, batch_);
        result_.sent += sent.sent;
        result_.dropped += sent.dropped;
      }
      timestamp += 90'000u / static_cast<std::uint32_t>(fps_);
      next = std::max<Timestamp>(next + Duration(1s) / fps_,
                                 MonotonicNow() - Duration(1s) / fps_);
      std::this_thread::sleep_until(next);
    }
  }

  const std::size_t packets_per_frame_;
  const int fps_;
  NoLog log_;
  SendBatch batch_;
  std::vector<std::unique_ptr<Viewer>> viewers_;
  bool ready_ = false;
  DatagramBatch::Result result_;  // of the thread, until it is joined
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

std::unique_ptr<Loop>& TheLoop() {
  static std::unique_ptr<Loop> loop;
  return loop;
}

// ---- Node-API ---------------------------------------------------------------

napi_value Member(napi_env env, napi_value object, const char* name) {
  napi_value value = nullptr;
  napi_get_named_property(env, object, name, &value);
  return value;
}

std::uint32_t ToNumber(napi_env env, napi_value value) {
  std::uint32_t number = 0;
  napi_get_value_uint32(env, value, &number);
  return number;
}

napi_value Start(napi_env env, napi_callback_info info) {
  std::size_t count = 1;
  napi_value options = nullptr;
  napi_get_cb_info(env, info, &count, &options, nullptr, nullptr);

  std::array<char, 64> address{};
  napi_get_value_string_utf8(env, Member(env, options, "address"),
                             address.data(), address.size(), nullptr);
  std::vector<std::uint16_t> ports;
  const napi_value list = Member(env, options, "ports");
  std::uint32_t length = 0;
  napi_get_array_length(env, list, &length);
  for (std::uint32_t i = 0; i < length; ++i) {
    napi_value port = nullptr;
    napi_get_element(env, list, i, &port);
    ports.push_back(static_cast<std::uint16_t>(ToNumber(env, port)));
  }
  const auto packets = ToNumber(env, Member(env, options, "packetsPerFrame"));
  const auto fps = ToNumber(env, Member(env, options, "framesPerSecond"));

  auto loop = std::make_unique<Loop>(address.data(), ports, packets,
                                     static_cast<int>(fps));
  if (!loop->ready() || packets == 0 || fps == 0) {
    napi_throw_error(env, nullptr, "the bare loop cannot be started");
    return nullptr;
  }
  loop->Start();
  TheLoop() = std::move(loop);
  return nullptr;
}

napi_value Stop(napi_env env, napi_callback_info) {
  napi_value result = nullptr;
  napi_create_object(env, &result);
  const auto loop = std::move(TheLoop());
  if (!loop) return result;
  loop->Stop();
  const auto number = [&](const char* name, std::uint32_t number_value) {
    napi_value value = nullptr;
    napi_create_uint32(env, number_value, &value);
    napi_set_named_property(env, result, name, value);
  };
  const auto text = [&](const char* name, const std::string& text_value) {
    napi_value value = nullptr;
    napi_create_string_utf8(env, text_value.data(), text_value.size(), &value);
    napi_set_named_property(env, result, name, value);
  };
  number("sent", loop->result().sent);
  number("dropped", loop->result().dropped);
  number("gso", loop->gso() ? 1 : 0);
  text("openssl", OpenSSL_version(OPENSSL_VERSION));
  text("srtp", SrtpSession::LibraryVersion());
  return result;
}

napi_value Init(napi_env env, napi_value exports) {
  const auto method = [&](const char* name, napi_callback callback) {
    napi_value function = nullptr;
    napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, nullptr,
                         &function);
    napi_set_named_property(env, exports, name, function);
  };
  method("start", Start);
  method("stop", Stop);
  return exports;
}

NAPI_MODULE(bare_loop, Init)

}  // namespace
}  // namespace hg::bench
