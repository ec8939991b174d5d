// Half a viewer: ICE and, if wished, DTLS by OpenSSL itself, for what no proper
// client does.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "ice/gro_reader.h"
#include "ice/nice_agent.h"
#include "loop/engine.h"
#include "native/loop/engine_rig.h"

namespace hg::test {

class BareClient final : private IceTransport::Observer {
 public:
  // `handshake`: it shakes hands, but offers no SRTP.
  BareClient(Engine& engine, bool handshake);
  ~BareClient() override;

  const Engine::PeerHandle& peer() const { return peer_; }
  void OnEvent(const Event& event);
  void Run(Duration duration);  // on this thread
  bool ice_connected() const { return ice_connected_; }
  bool dtls_connected() const {
    return ssl_ && SSL_is_init_finished(ssl_.get());
  }

 private:
  void OnIceGathered(const std::vector<std::string>& candidates) override;
  void OnIceGatheringFailed(const std::string&) override {}
  void OnIceState(IceState state) override;
  void OnIceChanged() override {}
  void OnIceDatagram(Bytes datagram) override;
  void Introduce();
  void ReadMedia();
  void Pump();

  struct SslDeleter {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
    void operator()(SSL_CTX* ctx) const { SSL_CTX_free(ctx); }
  };

  Engine& engine_;
  const bool handshake_;
  Engine::PeerHandle peer_;
  std::unique_ptr<IceTransport> ice_;
  GroReader reader_;
  std::vector<std::string> candidates_;
  Event gathered_;
  bool introduced_ = false;
  bool ice_connected_ = false;
  std::string fingerprint_;
  std::unique_ptr<SSL_CTX, SslDeleter> ctx_;
  std::unique_ptr<SSL, SslDeleter> ssl_;
  BIO* in_ = nullptr;  // owned by ssl_
  BIO* out_ = nullptr;
};

}  // namespace hg::test
