#include "peer/egress_layers.h"

#include <doctest/doctest.h>

#include <array>

#include "native/peer/egress_rig.h"
#include "rtp/ext/dependency_descriptor.h"
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

// Of an encoding that is not sent yet, or not since a pause: nothing newer of
// it is known.
TEST_CASE("a switch to a keyframe whose first packet comes last is whole") {
  SimulcastRig rig;
  for (std::size_t e = 0; e < 3; ++e) rig.sources[e].next_id = e * 1'000'000;
  rig.Run();
  rig.track.SetLayers({.substream = 0});
  rig.Run({true, false, false});
  CHECK(rig.TakeEncoding() == 0);

  const auto start_last = [&](std::size_t e) {
    const PacketRef start = rig.sources[e].Make(rig.owner.time, true, true);
    rig.Run();
    const auto before = rig.owner.Take();
    rig.sources[e].Deliver(start);
    const auto sent = rig.owner.Take();
    // What came in 100 ms.
    REQUIRE(sent.size() == 11);
    for (std::size_t i = 0; i < sent.size(); ++i)
      CHECK(sent[i].id() == IdOf(start->payload()) + i);
    return before;
  };
  rig.track.SetLayers({.substream = 2});
  rig.Run();
  rig.TakeEncoding();
  CHECK(start_last(2).size() == 10);  // of the one before
  rig.Run();
  CHECK(rig.owner.Take().back().id() / 1'000'000 == 2);

  rig.track.SetPaused(true);
  rig.Run();
  rig.track.SetPaused(false);
  rig.Run();
  CHECK(start_last(2).empty());
}

// ---- layers in one stream
// ------------------------------------------------------

// A source of pictures of two spatial layers, a packet each, with dependency
// descriptors; each picture is 10 ms.
class ScalableSource : public SourceStub {
 public:
  explicit ScalableSource(std::uint32_t id, std::uint16_t first_frame)
      : SourceStub(Config(id)), next_frame(first_frame) {}

  // The first packet is kept back, for Deliver().
  PacketRef SendPictureStartLost(OwnerStub& owner) {
    lose_next_ = true;
    SendPicture(owner, true);
    return std::move(lost_);
  }
  void SendPicture(OwnerStub& owner, bool keyframe) {
    for (std::uint8_t spatial = 0; spatial < 2; ++spatial) {
      const bool key = keyframe && spatial == 0;
      PacketDraft draft = pool.Allocate();
      RtpFields fields;
      fields.seq = static_cast<std::uint16_t>(next_seq);
      fields.id = next_id++;
      const std::size_t size = WriteRtp(fields, draft->buffer());
      // The descriptor stands behind the payload, where nobody looks for it.
      draft->set_size(size + kLeastDependencyDescriptor);
      PacketInfo& packet = draft->info;
      hg::Describe(*RtpView::Parse(draft->bytes().first(size)), packet);
      packet.arrival = owner.time;
      packet.extended_seq = next_seq++;
      packet.timestamp = first_timestamp + frames_ * 900;
      packet.marker = spatial == 1;
      packet.keyframe = key;
      packet.frame_start = packet.frame_end = true;
      packet.spatial_layer = spatial;
      packet.spatial_sync = keyframe;
      packet.passed = PacketInfo::kDependencyDescriptor;
      packet.descriptor_offset = static_cast<std::uint16_t>(size);
      packet.descriptor_size = kLeastDependencyDescriptor;
      packet.frame_number = next_frame++;
      info->stats.packets.Add();
      info->stats.last_arrival_ns.Set(
          static_cast<std::uint64_t>(owner.time.time_since_epoch().count()));
      packet.late = lose_next_;
      PacketRef sent = std::move(draft).Seal();
      if (std::exchange(lose_next_, false))
        lost_ = std::move(sent);
      else
        Deliver(sent);
    }
    ++frames_;
    owner.Flush();
    owner.time += 10ms;
  }

  std::uint16_t next_frame;

 private:
  static SourceConfig Config(std::uint32_t id) {
    SourceConfig config = EncodingConfig(id);
    config.codec = "av1";
    return config;
  }

  std::uint32_t frames_ = 0;
  bool lose_next_ = false;
  PacketRef lost_;
};

EgressTrackConfig ScalableVideo(EgressTrackConfig config) {
  config.extensions.dependency_descriptor = 8;
  return config;
}

std::uint16_t FrameNumberOf(const WirePacket& packet) {
  return ReadFrameNumber(packet.rtp().extensions().Find(8).value());
}

void Attach(ScalableSource& source, EgressRig& rig) {
  rig.owner.replicas[source.info->config.id] = &source.replica;
}

TEST_CASE("the lower of two spatial layers is whole by itself") {
  EgressRig rig(ScalableVideo(PlainVideo()));
  ScalableSource source(1, 100);
  Attach(source, rig);
  rig.track.Link(&source.replica);
  rig.track.SetLayers({.spatial = 0});
  for (int i = 0; i < 10; ++i) source.SendPicture(rig.owner, i == 0);

  const auto packets = rig.owner.Take();
  REQUIRE(packets.size() == 10);
  for (std::size_t i = 0; i < packets.size(); ++i) {
    const RtpView rtp = packets[i].rtp();
    CHECK(rtp.marker);
    CHECK(rtp.seq == static_cast<std::uint16_t>(packets[0].rtp().seq + i));
    CHECK(FrameNumberOf(packets[i]) == 100 + 2 * i);
  }

  // And a keyframe is asked for once more is wanted.
  rig.track.SetLayers({.spatial = 1});
  const int asked = source.upstream.requests;
  for (int i = 0; i < 150; ++i) {
    source.SendPicture(rig.owner, false);
    rig.track.layers()->Check();
  }
  CHECK(source.upstream.requests > asked);
  rig.owner.Take();
  source.SendPicture(rig.owner, true);
  const auto both = rig.owner.Take();
  REQUIRE(both.size() == 2);
  CHECK_FALSE(both[0].rtp().marker);
  CHECK(both[1].rtp().marker);
  CHECK(rig.owner.layer_changes >= 2);
  rig.track.Link(nullptr);
}

TEST_CASE("layers begin with a keyframe whose first packet comes last, too") {
  EgressRig rig(ScalableVideo(PlainVideo()));
  ScalableSource source(1, 100);
  Attach(source, rig);
  rig.track.Link(&source.replica);
  rig.track.SetLayers({.spatial = 1});
  source.SendPicture(rig.owner, false);
  const PacketRef start = source.SendPictureStartLost(rig.owner);
  for (int i = 0; i < 3; ++i) source.SendPicture(rig.owner, false);
  CHECK(rig.owner.Take().empty());

  source.Deliver(start);

  const auto sent = rig.owner.Take();
  REQUIRE(sent.size() == 8);
  for (std::size_t i = 0; i < sent.size(); ++i) {
    CHECK(FrameNumberOf(sent[i]) == 102 + i);
    CHECK(sent[i].rtp().marker == (i % 2 == 1));
  }
  CHECK(rig.track.layers()->selector().spatial() == 1);
  rig.track.Link(nullptr);
}

TEST_CASE("a resend has the marker and the frame number of the first sending") {
  for (const bool rtx : {false, true}) {
    CAPTURE(rtx);
    EgressRig rig(ScalableVideo(rtx ? RtxVideo() : PlainVideo()));
    ScalableSource one(1, 100);
    ScalableSource other(2, 40'000);
    Attach(one, rig);
    Attach(other, rig);
    rig.track.SetLayers({.spatial = 0});
    const std::shared_ptr<const SourceInfo> first[] = {one.info};
    const std::shared_ptr<const SourceInfo> second[] = {other.info};
    rig.track.Link(first);
    for (int i = 0; i < 3; ++i) one.SendPicture(rig.owner, i == 0);
    CHECK(FrameNumberOf(rig.owner.Take().back()) == 104);

    // Numbers go on through a switch.
    rig.track.Link(second);
    for (int i = 0; i < 3; ++i) other.SendPicture(rig.owner, i == 0);
    const auto sent = rig.owner.Take();
    REQUIRE(sent.size() == 3);
    CHECK(FrameNumberOf(sent[0]) == 105);
    CHECK(FrameNumberOf(sent[2]) == 109);

    // More is wanted now; what was sent stays what it was.
    rig.track.SetLayers({.spatial = 1});
    rig.owner.time += 100ms;
    rig.Nack({sent[1].rtp().seq});
    const auto resent = rig.owner.Take();
    REQUIRE(resent.size() == 1);
    CHECK(resent[0].rtp().marker);
    CHECK(FrameNumberOf(resent[0]) == 107);
    if (!rtx) CHECK(resent[0].bytes == sent[1].bytes);
    rig.track.Link(nullptr);
  }
}

}  // namespace
}  // namespace hg::test
