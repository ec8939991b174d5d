#include "peer/egress_layers.h"

#include <doctest/doctest.h>

#include <array>

#include "native/peer/egress_rig.h"
#include "rtp/seq_num.h"

namespace hg::test {
namespace {

SourceConfig EncodingConfig(std::uint32_t id) {
  SourceConfig config = VideoConfig();
  config.id = id;
  return config;
}

// A viewer of a simulcast of three, the lowest first.
class SimulcastRig : public EgressRig {
 public:
  SimulcastRig() : EgressRig(PlainVideo()) {
    std::vector<std::shared_ptr<const SourceInfo>> encodings;
    for (SourceStub& source : sources) {
      owner.replicas[source.info->config.id] = &source.replica;
      encodings.push_back(source.info);
    }
    track.Link(encodings);
  }
  ~SimulcastRig() { track.Link(nullptr); }

  // 100 ms, ten packets of each encoding that is on; `keyframes`: of whose
  // first one is.
  void Run(std::array<bool, 3> keyframes = {}) {
    for (int i = 0; i < 10; ++i) {
      for (std::size_t e = 0; e < sources.size(); ++e) {
        if (!on[e]) continue;
        SourceStub& source = sources[e];
        source.info->stats.packets.Add();
        source.info->stats.last_arrival_ns.Set(
            static_cast<std::uint64_t>(owner.time.time_since_epoch().count()));
        source.Send(owner.time, i == 0 && keyframes[e]);
      }
      owner.Flush();
      owner.time += 10ms;
    }
    track.layers()->Check();
  }
  // Which encoding the packets are of; they must follow each other.
  std::size_t TakeEncoding() {
    const auto packets = owner.Take();
    REQUIRE(!packets.empty());
    for (const WirePacket& packet : packets) {
      if (last_) {
        CHECK(packet.rtp().seq ==
              static_cast<std::uint16_t>(last_->rtp().seq + 1));
        CHECK(TimestampNewer(packet.rtp().timestamp, last_->rtp().timestamp));
      }
      last_ = packet;
    }
    return static_cast<std::size_t>(packets.back().id() / 1'000'000);
  }

  std::array<SourceStub, 3> sources{SourceStub(EncodingConfig(1), 0x10000),
                                    SourceStub(EncodingConfig(2), 0x25000),
                                    SourceStub(EncodingConfig(3), 0x39000)};
  std::array<bool, 3> on = {true, true, true};

 private:
  std::optional<WirePacket> last_;
};

TEST_CASE("sending begins at a keyframe, and changes without a break") {
  SimulcastRig rig;
  for (std::size_t e = 0; e < 3; ++e) rig.sources[e].next_id = e * 1'000'000;
  rig.Run();
  CHECK(rig.owner.Take().empty());
  CHECK(rig.sources[2].upstream.requests >= 1);

  rig.Run({true, true, true});
  CHECK(rig.TakeEncoding() == 2);

  rig.track.SetLayers({.substream = 0});
  rig.Run({false, true, true});
  CHECK(rig.TakeEncoding() == 2);  // until a keyframe of the wanted one comes
  rig.Run({true, false, false});
  CHECK(rig.TakeEncoding() == 0);
  CHECK(rig.owner.layer_changes >= 2);

  rig.track.SetLayers({.substream = 1});
  rig.Run({false, true, false});
  CHECK(rig.TakeEncoding() == 1);
}

TEST_CASE("only what is sent and what is wanted is subscribed to") {
  SimulcastRig rig;
  rig.Run();
  rig.Run({true, true, true});
  rig.Run();
  const auto subscribed = [&](std::size_t e) {
    return !rig.sources[e].replica.empty();
  };
  CHECK_FALSE(subscribed(0));
  CHECK_FALSE(subscribed(1));
  CHECK(subscribed(2));

  rig.track.SetLayers({.substream = 0});
  CHECK(subscribed(0));
  CHECK(subscribed(2));
  rig.Run({true, false, false});
  CHECK(subscribed(0));
  CHECK_FALSE(subscribed(2));
}

TEST_CASE("an encoding that falls silent is left, and taken up again") {
  SimulcastRig rig;
  for (std::size_t e = 0; e < 3; ++e) rig.sources[e].next_id = e * 1'000'000;
  rig.Run();
  rig.Run({true, true, true});
  CHECK(rig.TakeEncoding() == 2);

  rig.on[2] = false;
  for (int i = 0; i < 4; ++i) rig.Run();
  rig.Run({true, true, false});
  CHECK(rig.TakeEncoding() == 1);

  rig.on[2] = true;
  rig.Run();
  rig.Run({false, false, true});
  CHECK(rig.TakeEncoding() == 2);
}

TEST_CASE("a keyframe that does not come is asked for each second") {
  SimulcastRig rig;
  rig.Run();
  const int before = rig.sources[2].upstream.requests;
  for (int i = 0; i < 30; ++i) rig.Run();
  CHECK(rig.sources[2].upstream.requests >= before + 2);
  CHECK(rig.sources[2].upstream.requests <= before + 4);
}

TEST_CASE("encodings close one by one, and the viewer stays") {
  SimulcastRig rig;
  for (std::size_t e = 0; e < 3; ++e) rig.sources[e].next_id = e * 1'000'000;
  rig.Run();
  rig.Run({true, true, true});
  CHECK(rig.TakeEncoding() == 2);

  rig.sources[2].replica.OnSourceClosed();
  rig.on[2] = false;
  rig.Run();
  rig.Run({true, true, false});
  CHECK(rig.TakeEncoding() == 1);
  rig.sources[1].replica.OnSourceClosed();
  rig.sources[0].replica.OnSourceClosed();
  rig.Run({true, true, false});
  CHECK(rig.owner.Take().empty());
  rig.track.OnKeyframeRequest();
}

TEST_CASE("layers of a source that keeps a keyframe group: it comes at once") {
  SourceConfig config = EncodingConfig(1);
  config.keyframe_buffer_span = 10s;
  SourceStub source(config);
  EgressRig rig(PlainVideo());
  rig.owner.replicas[1] = &source.replica;
  source.Send(rig.owner.time, true);
  source.Send(rig.owner.time);
  source.info->stats.packets.Add(2);
  source.info->stats.last_arrival_ns.Set(
      static_cast<std::uint64_t>(rig.owner.time.time_since_epoch().count()));
  rig.track.Link(&source.replica);
  CHECK(rig.owner.Take().size() == 2);

  rig.track.SetLayers({.temporal = 0});

  CHECK(rig.owner.Take().size() == 2);
  CHECK(rig.track.layers() != nullptr);
  rig.track.Link(nullptr);
}

TEST_CASE("a pause of a simulcast ends at a keyframe of the same encoding") {
  SimulcastRig rig;
  for (std::size_t e = 0; e < 3; ++e) rig.sources[e].next_id = e * 1'000'000;
  rig.Run();
  rig.Run({true, true, true});
  CHECK(rig.TakeEncoding() == 2);

  rig.track.SetPaused(true);
  rig.Run({true, true, true});
  CHECK(rig.owner.Take().empty());
  rig.track.SetPaused(false);
  rig.Run();
  CHECK(rig.owner.Take().empty());
  rig.Run({false, false, true});
  CHECK(rig.TakeEncoding() == 2);
}

}  // namespace
}  // namespace hg::test
