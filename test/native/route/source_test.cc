#include "route/source.h"

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <vector>

#include "native/route/fakes.h"
#include "support/rtp_stream.h"

namespace hg::test {
namespace {

constexpr Timestamp kStart{1000s};
// Every test of a 16-bit counter starts on both sides of the wrap.
constexpr std::uint16_t kStarts[] = {0, 1, 32767, 32768, 65534, 65535};

struct HostStub final : Source::Host {
  void DeliverBurst(Source&, std::span<const PacketRef> burst) override {
    ++bursts;
    packets.insert(packets.end(), burst.begin(), burst.end());
  }
  void DeliverSenderClock(Source&, const SenderClock& clock) override {
    clocks.push_back(clock);
  }
  void SendKeyframeRequest(Source&) override { ++requests; }

  std::vector<PacketRef> packets;
  std::vector<SenderClock> clocks;
  int bursts = 0;
  int requests = 0;
};

struct Rig {
  explicit Rig(const SourceConfig& config = VideoConfig())
      : info(std::make_shared<SourceInfo>(config)),
        source(info, host, events, kStart) {}

  void Send(const RtpFields& fields) { SendRaw(MakeRtp(fields)); }
  void SendRaw(Bytes datagram) {
    source.OnDatagram(MakeDraft(pool, datagram), now);
    source.FinishBurst();
  }
  const SourceStats& stats() const { return info->stats; }

  PacketPool pool{{.slab_packets = 64, .max_packets = 4096}};
  HostStub host;
  EventList events;
  Timestamp now = kStart;
  const std::shared_ptr<SourceInfo> info;
  Source source;
};

TEST_CASE("a source hands on what it found out about a packet") {
  Rig rig;

  rig.Send({.ssrc = 5,
            .seq = 10,
            .timestamp = 3000,
            .payload_type = 100,
            .marker = true,
            .keyframe = true,
            .id = 77});

  REQUIRE(rig.host.packets.size() == 1);
  const PacketBuffer& packet = *rig.host.packets[0];
  CHECK(packet.info.ssrc == 5);
  CHECK(packet.info.payload_type == 100);
  CHECK(packet.info.marker);
  CHECK(packet.info.keyframe);
  CHECK(packet.info.frame_start);
  CHECK(packet.info.arrival == kStart);
  CHECK_FALSE(packet.info.discontinuity);
  CHECK(IdOf(packet.payload()) == 77);
  CHECK(rig.source.ssrc() == 5);
  CHECK(rig.stats().packets.value() == 1);
  CHECK(rig.stats().bytes.value() == packet.size());
  CHECK(rig.stats().keyframes.value() == 1);
}

TEST_CASE("a source keeps where a packet's own header extensions are") {
  Rig rig;
  std::vector<std::uint8_t> packet = MakeRtp({.seq = 1});
  packet[0] |= 0x10;
  const std::array<std::uint8_t, 8> block = {0xbe, 0xde, 0, 1, 0x10, 99, 0, 0};
  packet.insert(packet.begin() + kRtpHeader, block.begin(), block.end());

  rig.SendRaw(packet);

  REQUIRE(rig.host.packets.size() == 1);
  const PacketInfo& info = rig.host.packets[0]->info;
  CHECK(info.extension_profile == kOneByteExtensions);
  CHECK(info.extension_size == 4);
  CHECK(rig.host.packets[0]->extension()[1] == 99);
  CHECK(IdOf(rig.host.packets[0]->payload()) == 0);
}

TEST_CASE("packets of one burst are handed on together") {
  Rig rig;

  for (std::uint16_t i = 0; i < 5; ++i)
    rig.source.OnDatagram(MakeDraft(rig.pool, MakeRtp({.seq = i})), kStart);
  rig.source.FinishBurst();
  rig.source.FinishBurst();

  CHECK(rig.host.bursts == 1);
  CHECK(rig.host.packets.size() == 5);
}

TEST_CASE("datagrams that are no RTP are counted and gone") {
  Rig rig;
  rig.Send({.seq = 1});
  const std::vector<std::uint8_t> rtcp = {0x80, 200, 0, 6, 0, 0, 0, 1, 0, 0,
                                          0,    0,   0, 0, 0, 0, 0, 0, 0, 0,
                                          0,    0,   0, 0, 0, 0, 0, 0};
  std::vector<std::uint8_t> padded = MakeRtp({.seq = 2});
  padded[0] |= 0x20;
  padded.back() = 255;  // more padding than packet
  std::vector<std::uint8_t> version1 = MakeRtp({.seq = 2});
  version1[0] = 0x40;
  std::vector<std::uint8_t> csrcs = MakeRtp({.seq = 2, .payload_size = 20});
  csrcs[0] |= 0x0f;  // says more contributing sources than it has room for

  rig.SendRaw({});
  rig.SendRaw(std::vector<std::uint8_t>{0x80});
  rig.SendRaw(std::vector<std::uint8_t>(1400, 0x7e));
  rig.SendRaw(rtcp);
  rig.SendRaw(padded);
  rig.SendRaw(version1);
  rig.SendRaw(csrcs);
  rig.SendRaw(std::vector<std::uint8_t>(4000, 0x80));  // cut by the buffer

  CHECK(rig.stats().invalid.value() == 8);
  CHECK(rig.host.packets.size() == 1);
  CHECK(rig.stats().packets.value() == 1);
  rig.Send({.seq = 2});
  CHECK(rig.host.packets.size() == 2);
}

TEST_CASE("gaps, late packets and repeated ones are told apart") {
  for (const std::uint16_t start : kStarts) {
    CAPTURE(start);
    Rig rig;
    const auto seq = [&](int i) {
      return static_cast<std::uint16_t>(start + i);
    };
    rig.Send({.seq = seq(0), .id = 0});
    rig.Send({.seq = seq(3), .id = 3});
    rig.Send({.seq = seq(2), .id = 2});
    rig.Send({.seq = seq(2), .id = 99});
    rig.Send({.seq = seq(4), .id = 4});

    CHECK(rig.stats().lost.value() == 2);
    CHECK(rig.stats().dropped.value() == 1);
    REQUIRE(rig.host.packets.size() == 4);
    const std::uint64_t first = rig.host.packets[0]->info.extended_seq;
    for (const PacketRef& packet : rig.host.packets) {
      CHECK(packet->info.extended_seq - first == IdOf(packet->payload()));
      CHECK(packet->info.late == (IdOf(packet->payload()) == 2));
    }
  }
}

TEST_CASE(
    "a restart of the sender is marked, numbered on, and a keyframe asked"
    " for") {
  for (const std::uint16_t start : kStarts) {
    CAPTURE(start);
    Rig rig;
    rig.Send({.ssrc = 1, .seq = start, .timestamp = 1000, .keyframe = true});
    const std::uint64_t before = rig.host.packets[0]->info.extended_seq;
    rig.now += 40ms;

    rig.Send({.ssrc = 2, .seq = 50000, .timestamp = 77});

    REQUIRE(rig.host.packets.size() == 2);
    const PacketInfo& info = rig.host.packets[1]->info;
    CHECK(info.discontinuity);
    CHECK(info.extended_seq == before + 1);
    CHECK(info.timestamp == rig.host.packets[0]->info.timestamp + 3600);
    CHECK(rig.host.requests == 1);
    CHECK(rig.stats().restarts.value() == 1);
    CHECK(rig.stats().ssrc.value() == 2);
  }
}

TEST_CASE("a restart that begins with a keyframe needs no other") {
  Rig rig;
  rig.Send({.ssrc = 1, .seq = 5});

  rig.Send({.ssrc = 2, .seq = 5, .keyframe = true});

  CHECK(rig.stats().restarts.value() == 1);
  CHECK(rig.host.requests == 0);
}

TEST_CASE("the first packet of all is no restart") {
  Rig rig;

  rig.Send({.ssrc = 1, .seq = 5});

  CHECK_FALSE(rig.host.packets[0]->info.discontinuity);
  CHECK(rig.stats().restarts.value() == 0);
  CHECK(rig.host.requests == 0);
}

TEST_CASE("a source without keyframes is never asked for one") {
  Rig rig(AudioConfig());
  rig.Send({.ssrc = 1, .seq = 5});
  rig.Send({.ssrc = 2, .seq = 5});

  rig.source.RequestKeyframe(rig.now);

  CHECK(rig.host.packets[1]->info.discontinuity);
  CHECK(rig.host.requests == 0);
}

TEST_CASE(
    "with collision protection another sender waits for the silence of"
    " the first") {
  SourceConfig config = VideoConfig();
  config.collision = 2s;
  Rig rig(config);
  rig.Send({.ssrc = 1, .seq = 1, .timestamp = 0});

  rig.now += 1s;
  rig.Send({.ssrc = 2, .seq = 1});
  CHECK(rig.stats().dropped.value() == 1);
  CHECK(rig.host.packets.size() == 1);
  CHECK(rig.source.ssrc() == 1);

  rig.now += 1s;
  rig.Send({.ssrc = 2, .seq = 2});
  CHECK(rig.host.packets.size() == 2);
  CHECK(rig.source.ssrc() == 2);
}

TEST_CASE(
    "keyframe requests are merged, and the waiting one is sent when due") {
  Rig rig;
  rig.Send({.seq = 1});

  for (int i = 0; i < 50; ++i) {
    rig.source.RequestKeyframe(rig.now);
    rig.now += 10ms;
  }

  CHECK(rig.host.requests == 1);
  REQUIRE(rig.source.NextDue());
  CHECK(*rig.source.NextDue() == kStart + 1s);
  rig.source.OnDue(kStart + 999ms);
  CHECK(rig.host.requests == 1);
  rig.source.OnDue(kStart + 1s);
  CHECK(rig.host.requests == 2);
  CHECK(rig.stats().keyframe_requests.value() == 2);
  CHECK_FALSE(rig.source.NextDue());
}

TEST_CASE("a keyframe counts once, in however many packets it comes") {
  Rig rig;

  rig.Send({.seq = 1, .timestamp = 100, .keyframe = true});
  rig.Send({.seq = 2, .timestamp = 100, .keyframe = true});
  rig.Send({.seq = 3, .timestamp = 200, .keyframe = true});

  CHECK(rig.stats().keyframes.value() == 2);
}

// H.264 (RFC 6184): parameter sets, slices of a keyframe and of another frame.
enum class Nal : std::uint8_t { kSps = 0x67, kIdr = 0x65, kSlice = 0x41 };

class H264Rig : public Rig {
 public:
  H264Rig() : Rig(Config()) {}

  // Is the packet one to begin with?
  bool Begins(std::uint16_t seq, std::uint32_t timestamp, Nal nal) {
    std::vector<std::uint8_t> packet =
        MakeRtp({.seq = seq, .timestamp = timestamp});
    packet[kRtpHeader] = static_cast<std::uint8_t>(nal);
    packet[kRtpHeader + 1] = 0x88;  // the first of its picture
    SendRaw(packet);
    return host.packets.back()->info.keyframe;
  }

 private:
  static SourceConfig Config() {
    SourceConfig config = VideoConfig();
    config.codec = "h264";
    return config;
  }
};

TEST_CASE("a keyframe begins with its parameter sets, if they come late too") {
  H264Rig rig;
  CHECK(rig.Begins(1, 3000, Nal::kSps));
  CHECK(rig.Begins(2, 3000, Nal::kIdr));
  CHECK_FALSE(rig.Begins(3, 6000, Nal::kSlice));

  CHECK_FALSE(rig.Begins(5, 9000, Nal::kIdr));
  CHECK_FALSE(rig.Begins(6, 9000, Nal::kIdr));
  CHECK(rig.stats().keyframes.value() == 1);
  CHECK(rig.Begins(4, 9000, Nal::kSps));

  CHECK(rig.stats().keyframes.value() == 2);
  CHECK(rig.Begins(7, 9000, Nal::kIdr));
}

TEST_CASE("a keyframe whose sender leaves out parameter sets begins with it") {
  H264Rig rig;
  // Never any: they are in the session description.
  CHECK(rig.Begins(2, 3000, Nal::kIdr));
  CHECK(rig.Begins(5, 6000, Nal::kIdr));
  // Not this time: nothing is missing.
  CHECK(rig.Begins(6, 9000, Nal::kSps));
  CHECK(rig.Begins(7, 12000, Nal::kIdr));
  CHECK_FALSE(rig.Begins(9, 15000, Nal::kSlice));
  CHECK(rig.Begins(10, 18000, Nal::kIdr));
}

TEST_CASE("a packet too large for the path is reported once") {
  Rig rig;
  const std::size_t fits = Source::kLargestForPath - kRtpHeader;

  rig.Send({.seq = 1, .payload_size = fits});
  CHECK(rig.events.Of(EventType::kSourceOversize).empty());
  rig.Send({.seq = 2, .payload_size = fits + 1});
  rig.Send({.seq = 3, .payload_size = fits + 100});

  const auto events = rig.events.Of(EventType::kSourceOversize);
  REQUIRE(events.size() == 1);
  CHECK(events[0].object == 7);
  CHECK(events[0].a == 1413);
  CHECK(events[0].b == 1412);
  CHECK(rig.stats().largest_packet.value() == 1512);
  CHECK(rig.host.packets.size() == 3);  // passed on all the same
}

TEST_CASE("silence is reported after its time, and the end of it at once") {
  Rig rig;
  rig.Send({.seq = 1});
  REQUIRE(rig.events.Take().size() == 1);
  CHECK(rig.info->receiving->value == 1);

  rig.source.OnSecond(kStart + 999ms);
  CHECK(rig.events.events.empty());
  rig.source.OnSecond(kStart + 1s);
  rig.source.OnSecond(kStart + 2s);

  const auto silent = rig.events.Take();
  REQUIRE(silent.size() == 1);
  CHECK(silent[0].type == EventType::kSourceReceiving);
  CHECK(silent[0].object == 7);
  CHECK(silent[0].a == 0);
  rig.now = kStart + 3s;
  rig.Send({.seq = 2});
  const auto again = rig.events.Take();
  REQUIRE(again.size() == 1);
  CHECK(again[0].a == 1);
}

TEST_CASE("silence is not reported when it is switched off") {
  SourceConfig config = VideoConfig();
  config.tuning = TunedTo({});
  Rig rig(config);
  rig.Send({.seq = 1});
  rig.events.Take();

  rig.source.OnSecond(kStart + 60s);

  CHECK(rig.events.events.empty());
}

TEST_CASE("a disabled source drops and counts, and goes on when enabled") {
  Rig rig;
  rig.source.SetEnabled(false);
  rig.Send({.seq = 1});
  CHECK(rig.stats().dropped.value() == 1);

  rig.source.SetEnabled(true);
  rig.Send({.seq = 2});

  CHECK(rig.host.packets.size() == 1);
}

TEST_CASE("the bitrate is that of the last second") {
  Rig rig;
  rig.Send({.seq = 1, .payload_size = 988});  // 1000 bytes

  rig.source.OnSecond(kStart + 1s);
  CHECK(rig.stats().bitrate.value() == 8000);
  rig.source.OnSecond(kStart + 3s);
  CHECK(rig.stats().bitrate.value() == 0);
}

TEST_CASE("the sender's clock is passed on in the source's own timestamps") {
  Rig rig;
  rig.Send({.ssrc = 1, .seq = 1, .timestamp = 5000});
  rig.now += 1s;
  rig.Send({.ssrc = 2, .seq = 9, .timestamp = 100});
  SenderReport report;
  report.sender_ssrc = 2;
  report.info.ntp = 42;
  report.info.rtp_timestamp = 100;

  rig.source.OnSenderReport(report, 43);
  report.sender_ssrc = 1;  // of the stream before
  rig.source.OnSenderReport(report, 44);

  REQUIRE(rig.host.clocks.size() == 1);
  CHECK(rig.host.clocks[0].ntp == 42);
  CHECK(rig.host.clocks[0].arrival == 43);
  CHECK(rig.host.clocks[0].rtp_timestamp ==
        rig.host.packets[1]->info.timestamp);
}

// ---- what packets say in their header extensions
// ------------------------------

constexpr SourceFormat kFormat{.extensions = {.playout_delay = 5,
                                              .audio_level = 1,
                                              .video_orientation = 3,
                                              .dependency_descriptor = 8},
                               .red_payload_type = 63};

// With elements in the one-byte form (RFC 8285 s4.2).
std::vector<std::uint8_t> WithExtensions(const RtpFields& fields,
                                         std::vector<std::uint8_t> elements) {
  elements.resize((elements.size() + 3) / 4 * 4);
  std::vector<std::uint8_t> packet = MakeRtp(fields);
  packet[0] |= 0x10;
  const std::uint8_t head[] = {0xbe, 0xde, 0,
                               static_cast<std::uint8_t>(elements.size() / 4)};
  elements.insert(elements.begin(), std::begin(head), std::end(head));
  packet.insert(packet.begin() + kRtpHeader, elements.begin(), elements.end());
  return packet;
}

// A dependency descriptor (RTP Payload Format for AV1, appendix A), as the
// element 8: of template 0, and with it, if it is to be: one decode target.
std::vector<std::uint8_t> DescriptorElement(std::uint16_t frame_number,
                                            bool with_template) {
  std::vector<std::uint8_t> element = {0x82, 0xc0, 0, 0};
  StoreU16(&element[2], frame_number);
  if (!with_template) return element;
  element[0] = 0x86;
  // Flags: a structure. First id 0, one target; no more templates; a switch
  // indication; no reference; no chains; no resolutions.
  element.insert(element.end(), {0x80, 0x00, 0xe0, 0x00});
  return element;
}

TEST_CASE("a source reads what viewers shall get of a packet's extensions") {
  Rig rig;
  rig.source.SetFormat(kFormat);

  rig.SendRaw(WithExtensions({.seq = 1}, {0x10, 0x85, 0x30, 0x02, 0x52, 0x00,
                                          0xa0, 0x28, 0xf0, 0x00}));
  rig.SendRaw(MakeRtp({.seq = 2}));

  const PacketInfo& info = rig.host.packets.at(0)->info;
  CHECK(info.passed ==
        (PacketInfo::kAudioLevel | PacketInfo::kVideoOrientation |
         PacketInfo::kPlayoutDelay));
  CHECK(info.audio_level == 0x85);
  CHECK(info.video_orientation == 2);
  CHECK(info.playout_delay == 0x00a028);
  CHECK(rig.host.packets.at(1)->info.passed == 0);

  // What was not negotiated is not looked at.
  rig.source.SetFormat({});
  rig.SendRaw(WithExtensions({.seq = 3}, {0x10, 0x85}));
  CHECK(rig.host.packets.at(2)->info.passed == 0);
}

TEST_CASE("frame numbers go on when the sender starts anew") {
  Rig rig;
  rig.source.SetFormat(kFormat);
  const auto send = [&](RtpFields fields, std::uint16_t number, bool key) {
    rig.now += 33ms;
    rig.SendRaw(WithExtensions(fields, DescriptorElement(number, key)));
    return rig.host.packets.back()->info.frame_number;
  };
  CHECK(send({.ssrc = 1, .seq = 1, .keyframe = true}, 65534, true) == 65534);
  CHECK(send({.ssrc = 1, .seq = 2, .timestamp = 3000}, 65535, false) == 65535);
  CHECK(send({.ssrc = 2, .seq = 9, .keyframe = true}, 700, true) == 0);
  CHECK(send({.ssrc = 2, .seq = 11, .timestamp = 6000}, 702, false) == 2);
  CHECK(send({.ssrc = 2, .seq = 10, .timestamp = 3000}, 701, false) == 1);
  CHECK(rig.host.packets.back()->info.descriptor_offset == 12 + 4 + 1);
}

TEST_CASE("descriptors that cannot be read are counted, and go to viewers") {
  Rig rig;
  rig.source.SetFormat(kFormat);
  rig.SendRaw(WithExtensions({.seq = 1}, {0x82, 0xc5, 0, 7}));  // no templates
  rig.SendRaw(WithExtensions({.seq = 2}, {0x81, 0xc5, 0}));     // cut

  CHECK(rig.stats().invalid_descriptors.value() == 2);
  CHECK(rig.stats().packets.value() == 2);
  CHECK(rig.host.packets.at(0)->info.passed ==
        PacketInfo::kDependencyDescriptor);
  CHECK(rig.host.packets.at(0)->info.frame_number == 7);
  CHECK(rig.host.packets.at(1)->info.passed == 0);
}

TEST_CASE("RED is told from what is none") {
  Rig rig(AudioConfig());
  rig.source.SetFormat(kFormat);
  std::vector<std::uint8_t> packet = MakeRtp({.seq = 1, .payload_type = 63});
  packet[12] = 111;
  rig.SendRaw(packet);
  CHECK(rig.host.packets.at(0)->info.red_primary == 1);

  packet = MakeRtp({.seq = 2, .payload_type = 63});
  for (std::size_t i = 12; i < packet.size(); ++i) packet[i] = 0xff;
  rig.SendRaw(packet);
  CHECK(rig.stats().invalid.value() == 1);

  rig.SendRaw(MakeRtp({.seq = 3, .payload_type = 111}));
  CHECK(rig.host.packets.at(1)->info.red_primary == 0);
}

TEST_CASE("talking is told once it begins and once it ends") {
  Rig rig(AudioConfig());
  rig.source.SetFormat(kFormat);
  std::uint16_t seq = 0;
  const auto send = [&](int packets, std::uint8_t level) {
    for (; packets > 0; --packets, rig.now += 20ms)
      rig.SendRaw(WithExtensions({.seq = ++seq}, {0x10, level}));
  };
  send(100, 0x80 | 5);
  CHECK(rig.events.Of(EventType::kSourceTalking).empty());  // nobody asked

  rig.source.DetectTalking(TalkDetector::Limits{.packets = 50, .level = 25});
  send(200, 0x80 | 5);
  rig.source.DetectTalking(TalkDetector::Limits{.packets = 50, .level = 25});
  send(10, 0x80 | 5);
  auto events = rig.events.Take();
  std::erase_if(events, [](const Event& event) {
    return event.type != EventType::kSourceTalking;
  });
  REQUIRE(events.size() == 1);
  const auto talking = Talking::Unpack(static_cast<std::uint32_t>(events[0].a));
  CHECK(talking.talking);
  CHECK(talking.level == 50);
  rig.source.OnSecond(rig.now);
  CHECK(rig.stats().audio_level.value() == 51);

  // It falls silent altogether.
  rig.now += 10s;
  rig.source.OnSecond(rig.now);
  events = rig.events.Take();
  std::erase_if(events, [](const Event& event) {
    return event.type != EventType::kSourceTalking;
  });
  REQUIRE(events.size() == 1);
  CHECK_FALSE(Talking::Unpack(static_cast<std::uint32_t>(events[0].a)).talking);

  rig.source.DetectTalking(std::nullopt);
  send(200, 0x80 | 5);
  CHECK(rig.events.Of(EventType::kSourceTalking).empty());
}

}  // namespace
}  // namespace hg::test
