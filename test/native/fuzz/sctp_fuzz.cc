// What a peer may send as SCTP once DTLS is up: a row of packets, each with two
// bytes of length in front. They get the association's ports and, most of them,
// its verification tag, which guards little where the peer knows it.
#include <algorithm>
#include <array>
#include <deque>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "native/fuzz/records.h"
#include "sctp/association.h"
#include "sctp/dcep.h"

namespace {

using namespace hg;
using hg::test::Require;

class Side final : public Association::Observer {
 public:
  Side(SctpStack& stack, bool client)
      : association_(stack, {.dtls_client = client}, *this, stats_) {}

  Association& association() { return association_; }
  std::deque<std::vector<std::uint8_t>> sent;
  std::size_t channels = 0;

 private:
  void OnAssociationSend(Bytes packet) override {
    Require(packet.size() <= 1200);
    if (sent.size() < 64) sent.emplace_back(packet.begin(), packet.end());
  }
  void OnChannelOpen(Association::ChannelKey, std::uint16_t,
                     const ChannelConfig& config) override {
    Require(config.label.size() <= kMaxChannelName);
    Require(++channels <= 1024);
  }
  void OnChannelMessage(Association::ChannelKey key, bool text,
                        Bytes message) override {
    Require(message.size() <= kMaxDataMessage);
    association_.Send(key, text, {message.begin(), message.end()});
  }
  void OnChannelSent(Association::ChannelKey, std::size_t,
                     std::size_t) override {}
  void OnChannelClosed(Association::ChannelKey) override { --channels; }
  void OnAssociationEnded() override {}

  AssociationStats stats_;
  Association association_;
};

void Exchange(Side& a, Side& b) {
  for (int i = 0; i < 100 && !(a.sent.empty() && b.sent.empty()); ++i) {
    for (const auto& packet : std::exchange(a.sent, {}))
      b.association().OnPacket(packet);
    for (const auto& packet : std::exchange(b.sent, {}))
      a.association().OnPacket(packet);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  ParseDcep(Bytes(data, size));
  Timestamp now{1s};
  SctpStack stack(now);
  Side peer(stack, true);
  Side ours(stack, false);
  Exchange(peer, ours);
  peer.association().Open(1, {.label = "fuzz"});
  std::vector<std::uint8_t> header;
  if (!peer.sent.empty())
    header.assign(peer.sent[0].begin(), peer.sent[0].begin() + 12);
  Exchange(peer, ours);

  Bytes rest(data, size);
  while (rest.size() > 2) {
    const std::uint16_t word = LoadU16(rest.data());
    const std::size_t length =
        std::min<std::size_t>(word & 0x7ff, rest.size() - 2);
    std::vector<std::uint8_t> packet(rest.begin() + 2,
                                     rest.begin() + 2 + length);
    if ((word & 0x8000) == 0)
      packet.insert(packet.begin(), header.begin(), header.end());
    ours.association().OnPacket(packet);
    rest = rest.subspan(2 + length);
    now += 50ms;
    stack.Advance(now);
    if ((word & 0x4000) != 0) Exchange(peer, ours);
    ours.sent.clear();
  }
  return 0;
}
