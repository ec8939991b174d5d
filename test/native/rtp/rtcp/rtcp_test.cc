#include <doctest/doctest.h>

#include <array>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "native/rtp/packets.h"
#include "rtp/rtcp/compound.h"
#include "rtp/rtcp/registry.h"
#include "rtp/rtcp/sdes.h"

namespace hg {
namespace {

// One datagram, as a helper of the tests below writes it.
struct Datagram {
  explicit Datagram(std::size_t capacity = 1400)
      : buffer(capacity), writer(buffer) {}
  Bytes bytes() const { return writer.bytes(); }
  // The only packet in it.
  RtcpPacket packet() const {
    RtcpReader reader(bytes());
    const auto packet = reader.Next();
    REQUIRE(packet);
    CHECK_FALSE(reader.Next());
    CHECK_FALSE(reader.malformed());
    return *packet;
  }

  ByteVector buffer;
  RtcpWriter writer;
};

const ReportBlock kBlock{.ssrc = 0x01020304,
                         .fraction_lost = 200,
                         .lost = -5,
                         .highest_seq = 0x0001ffff,
                         .jitter = 77,
                         .last_sr = 0xaabbccdd,
                         .delay_since_last_sr = 0x10000};

std::vector<std::uint16_t> SeqsOf(const Nack& nack) {
  std::vector<std::uint16_t> seqs;
  nack.ForEach([&](std::uint16_t seq) { seqs.push_back(seq); });
  return seqs;
}

// Remembers what it was told, as text.
struct Recorder : FeedbackHandler {
  void OnSenderReport(const SenderReport& report) override {
    Add("sr", report.sender_ssrc);
  }
  void OnReportBlock(std::uint32_t sender_ssrc, const ReportBlock&) override {
    Add("block", sender_ssrc);
  }
  void OnBye(std::uint32_t ssrc) override { Add("bye", ssrc); }
  void OnNack(const Nack& nack) override {
    Add("nack", nack.media_ssrc);
    nack.ForEach([&](std::uint16_t) { ++seqs; });
  }
  void OnPli(const Pli& pli) override { Add("pli", pli.media_ssrc); }
  void OnFir(std::uint32_t, const FirEntry& entry) override {
    Add("fir", entry.ssrc);
  }
  void OnRemb(const Remb& remb) override {
    Add("remb", static_cast<std::uint32_t>(remb.bitrate_bps));
  }
  void OnTransportCc(const TransportCc& feedback) override {
    Add("twcc", feedback.received);
    feedback.ForEach([&](std::uint16_t, std::optional<Duration>) { ++seqs; });
  }
  void Add(const char* what, std::uint32_t value) {
    calls.push_back(what + (" " + std::to_string(value)));
  }

  std::vector<std::string> calls;
  std::size_t seqs = 0;
};

}  // namespace

TEST_CASE("a compound is walked packet by packet") {
  Datagram out;
  CHECK(WriteReceiverReport(out.writer, 1, {}));
  CHECK(WriteCname(out.writer, 1, "headgate"));
  CHECK(WritePli(out.writer, {.sender_ssrc = 1, .media_ssrc = 2}));

  RtcpReader reader(out.bytes());

  CHECK(reader.Next()->type == RtcpType::kReceiverReport);
  CHECK(reader.Next()->type == RtcpType::kSdes);
  const auto pli = reader.Next();
  CHECK(pli->type == RtcpType::kPayloadFeedback);
  CHECK(pli->count == kPliFormat);
  CHECK_FALSE(reader.Next());
  CHECK_FALSE(reader.malformed());
}

TEST_CASE("what is broken ends a compound, what came before it counts") {
  Datagram out;
  CHECK(WritePli(out.writer, {.sender_ssrc = 1, .media_ssrc = 2}));
  CHECK(WritePli(out.writer, {.sender_ssrc = 1, .media_ssrc = 3}));
  ByteVector bytes(out.bytes().begin(), out.bytes().end());
  SUBCASE("cut short") { bytes.pop_back(); }
  SUBCASE("a length beyond the end") { bytes[12 + 3] = 3; }
  SUBCASE("a wrong version") { bytes[12] = 0x01; }
  SUBCASE("three bytes of nothing") { bytes.resize(12 + 3); }
  SUBCASE("padding of no bytes") { bytes[12] |= 0x20; }

  RtcpReader reader(bytes);

  const auto first = reader.Next();
  REQUIRE(first);
  CHECK(Pli::Parse(*first)->media_ssrc == 2);
  CHECK_FALSE(reader.Next());
  CHECK(reader.malformed());
  CHECK_FALSE(reader.Next());
}

TEST_CASE("padding is only at the very end") {
  const ByteVector padded{0xa0, 201, 0, 2, 0, 0, 0, 9, 0, 0, 0, 4};
  RtcpReader reader(padded);
  const auto packet = reader.Next();
  REQUIRE(packet);
  CHECK(packet->body.size() == 4);
  CHECK_FALSE(reader.malformed());

  ByteVector two = padded;
  Append(two, padded);
  RtcpReader wrong(two);
  CHECK_FALSE(wrong.Next());
  CHECK(wrong.malformed());
}

TEST_CASE("a packet that does not fit is left out whole") {
  for (std::size_t capacity = 0; capacity < 24; ++capacity) {
    CAPTURE(capacity);
    Datagram out(capacity);
    const bool fits = capacity >= 12;
    CHECK(WritePli(out.writer, {}) == fits);
    CHECK_FALSE(WritePli(out.writer, {}));
    CHECK(WriteNack(out.writer, 1, 2, std::array<std::uint16_t, 1>{3}) == 0);
    CHECK(out.writer.size() == (fits ? 12 : 0));
  }
}

TEST_CASE("a sender report comes out as it went in") {
  const SenderInfo info{.ntp = 0x1122334455667788,
                        .rtp_timestamp = 0xfffffff0,
                        .packets = 1000,
                        .octets = 1'000'000};
  Datagram out;

  CHECK(WriteSenderReport(out.writer, 42, info, std::array{kBlock, kBlock}));

  const auto report = SenderReport::Parse(out.packet());
  REQUIRE(report);
  CHECK(report->sender_ssrc == 42);
  CHECK(report->info == info);
  CHECK(report->blocks.size() == 2);
  for (const ReportBlock& block : report->blocks) CHECK(block == kBlock);
}

TEST_CASE("a receiver report comes out as it went in") {
  Datagram out;

  CHECK(WriteReceiverReport(out.writer, 42, std::array{kBlock}));

  const auto report = ReceiverReport::Parse(out.packet());
  REQUIRE(report);
  CHECK(report->sender_ssrc == 42);
  REQUIRE(report->blocks.size() == 1);
  CHECK(*report->blocks.begin() == kBlock);
}

TEST_CASE("losses are limited to their 24 bits") {
  for (const auto& [lost, expected] :
       {std::pair{0x800000, 0x7fffff}, std::pair{-0x800001, -0x800000},
        std::pair{-1, -1}}) {
    Datagram out;
    CHECK(WriteReceiverReport(out.writer, 1,
                              std::array{ReportBlock{.lost = lost}}));
    const auto report = ReceiverReport::Parse(out.packet());
    CHECK((*report->blocks.begin()).lost == expected);
  }
}

TEST_CASE("a report that counts more blocks than it has is refused") {
  Datagram out;
  CHECK(WriteReceiverReport(out.writer, 1, std::array{kBlock}));
  RtcpPacket packet = out.packet();

  packet.count = 2;
  CHECK_FALSE(ReceiverReport::Parse(packet));
  CHECK_FALSE(SenderReport::Parse(packet));
}

TEST_CASE("more than 31 blocks are not written") {
  Datagram out(4000);
  const std::vector<ReportBlock> blocks(32, kBlock);

  CHECK_FALSE(WriteReceiverReport(out.writer, 1, blocks));
  CHECK_FALSE(WriteSenderReport(out.writer, 1, {}, blocks));
  CHECK(WriteReceiverReport(out.writer, 1, std::span(blocks).first(31)));
}

TEST_CASE("a CNAME chunk ends with a zero and fills whole words") {
  for (std::size_t size = 0; size < 9; ++size) {
    CAPTURE(size);
    Datagram out;
    CHECK(WriteCname(out.writer, 7, std::string(size, 'x')));
    const RtcpPacket packet = out.packet();
    CHECK(packet.type == RtcpType::kSdes);
    CHECK(packet.count == 1);
    CHECK(packet.body[4] == 1);
    CHECK(packet.body[5] == size);
    CHECK(packet.body.back() == 0);
    CHECK(packet.body.size() > 6 + size);
    CHECK(packet.body.size() <= 6 + size + 4);
  }
  Datagram out;
  CHECK_FALSE(WriteCname(out.writer, 7, std::string(256, 'x')));
}

TEST_CASE("a BYE names the SSRCs that go") {
  Datagram out;
  CHECK(WriteBye(out.writer, std::array<std::uint32_t, 2>{5, 6}));

  const auto bye = Bye::Parse(out.packet());

  REQUIRE(bye);
  REQUIRE(bye->size() == 2);
  CHECK(bye->ssrc(1) == 6);
}

TEST_CASE("a NACK names what was asked for, packed") {
  for (const std::uint16_t seq : kStarts) {
    CAPTURE(seq);
    const std::vector<std::uint16_t> seqs{seq, Plus(seq, 1), Plus(seq, 16),
                                          Plus(seq, 17), Plus(seq, 300)};
    Datagram out;

    CHECK(WriteNack(out.writer, 1, 2, seqs) == 5);

    const auto nack = Nack::Parse(out.packet());
    REQUIRE(nack);
    CHECK(nack->sender_ssrc == 1);
    CHECK(nack->media_ssrc == 2);
    CHECK(nack->items.size() == 3 * 4);
    CHECK(SeqsOf(*nack) == seqs);
  }
}

TEST_CASE("a NACK that is too long is written as far as it fits") {
  std::vector<std::uint16_t> seqs;
  for (int i = 0; i < 1000; ++i)
    seqs.push_back(static_cast<std::uint16_t>(i * 17));  // one item each

  Datagram out(4 + 8 + 10 * 4 + 3);
  CHECK(WriteNack(out.writer, 1, 2, seqs) == 10);
  CHECK(SeqsOf(*Nack::Parse(out.packet())).back() == 9 * 17);

  Datagram large;
  CHECK(WriteNack(large.writer, 1, 2, seqs) == 64);
  CHECK(WriteNack(large.writer, 1, 2, {}) == 0);
}

TEST_CASE("a FIR carries its command number") {
  Datagram out;
  CHECK(WriteFir(out.writer, 1, {.ssrc = 9, .command = 255}));

  const auto fir = Fir::Parse(out.packet());

  REQUIRE(fir);
  REQUIRE(fir->size() == 1);
  CHECK(fir->entry(0).ssrc == 9);
  CHECK(fir->entry(0).command == 255);
}

TEST_CASE("a repeated FIR is one request") {
  FirFilter filter;

  CHECK(filter.IsNew(1, 255));
  CHECK_FALSE(filter.IsNew(1, 255));
  CHECK(filter.IsNew(1, 0));
  CHECK(filter.IsNew(2, 0));
}

TEST_CASE("a REMB keeps 18 bits of the bitrate") {
  constexpr auto kMax = std::numeric_limits<std::uint64_t>::max();
  for (const auto& [bitrate, expected] :
       {std::pair<std::uint64_t, std::uint64_t>{0, 0},
        {262'143, 262'143},
        {262'145, 262'144},
        {2'500'000, 2'500'000},
        {kMax, kMax - ((std::uint64_t{1} << 46) - 1)}}) {
    CAPTURE(bitrate);
    Datagram out;
    CHECK(WriteRemb(out.writer, 1, bitrate,
                    std::array<std::uint32_t, 2>{10, 11}));
    const auto remb = Remb::Parse(out.packet());
    REQUIRE(remb);
    CHECK(remb->bitrate_bps == expected);
    REQUIRE(remb->size() == 2);
    CHECK(remb->ssrc(1) == 11);
  }
}

TEST_CASE("a bitrate beyond 64 bits is the largest, other AFB is no REMB") {
  Datagram out;
  CHECK(WriteRemb(out.writer, 1, 1, {}));
  StoreU24(&out.buffer[4 + 13], 0xffffff);  // 262143 << 63
  CHECK(Remb::Parse(out.packet())->bitrate_bps ==
        std::numeric_limits<std::uint64_t>::max());
  StoreU24(&out.buffer[4 + 13], 63u << 18);  // 0 << 63
  CHECK(Remb::Parse(out.packet())->bitrate_bps == 0);

  out.buffer[4 + 8] = 'X';
  CHECK_FALSE(Remb::Parse(out.packet()));
}

TEST_CASE("the handler hears of everything we know") {
  Datagram out;
  CHECK(WriteSenderReport(out.writer, 1, {}, std::array{kBlock, kBlock}));
  CHECK(WriteReceiverReport(out.writer, 2, std::array{kBlock}));
  CHECK(WriteCname(out.writer, 1, "x"));
  CHECK(WriteBye(out.writer, std::array<std::uint32_t, 2>{3, 4}));
  CHECK(WriteNack(out.writer, 1, 5, std::array<std::uint16_t, 1>{1}));
  CHECK(WritePli(out.writer, {.sender_ssrc = 1, .media_ssrc = 6}));
  CHECK(WriteFir(out.writer, 1, {.ssrc = 7}));
  CHECK(WriteRemb(out.writer, 1, 8, {}));
  out.writer.Begin(RtcpType::kExtendedReport, 0, 4);
  out.writer.Begin(RtcpType::kPayloadFeedback, 2, 8);  // SLI
  out.writer.Begin(static_cast<RtcpType>(210), 0, 0);
  Recorder recorder;

  const RtcpDispatch result = DispatchRtcp(out.bytes(), recorder);

  CHECK(recorder.calls == std::vector<std::string>{
                              "sr 1", "block 1", "block 1", "block 2", "bye 3",
                              "bye 4", "nack 5", "pli 6", "fir 7", "remb 8"});
  CHECK(result.packets == 11);
  CHECK(result.unknown == 2);
  CHECK(result.ignored == 2);
  CHECK_FALSE(result.malformed);
}

// Run under ASan.
TEST_CASE("damaged compounds are survived") {
  Datagram out;
  CHECK(WriteSenderReport(out.writer, 1, {}, std::array{kBlock}));
  CHECK(WriteBye(out.writer, std::array<std::uint32_t, 2>{3, 4}));
  CHECK(WriteNack(out.writer, 1, 5, std::array<std::uint16_t, 2>{1, 100}));
  CHECK(WriteFir(out.writer, 1, {.ssrc = 7}));
  CHECK(WriteRemb(out.writer, 1, 8, std::array<std::uint32_t, 1>{1}));
  const ByteVector good(out.bytes().begin(), out.bytes().end());
  std::mt19937 random(1);
  std::size_t calls = 0;
  std::size_t malformed = 0;
  for (int i = 0; i < 20'000; ++i) {
    ByteVector bytes = good;
    for (int n = 0; n < 3; ++n)
      bytes[random() % bytes.size()] = static_cast<std::uint8_t>(random());
    // Feedback formats and types that are near, more often than by chance.
    if (random() % 4 == 0) {
      bytes[0] = static_cast<std::uint8_t>(0x80 | random() % 32);
      bytes[1] = static_cast<std::uint8_t>(200 + random() % 8);
    }
    if (random() % 4 == 0) bytes.resize(random() % bytes.size());
    Recorder recorder;
    const RtcpDispatch result = DispatchRtcp(bytes, recorder);
    calls += recorder.calls.size();
    malformed += result.malformed ? 1 : 0;
  }
  CHECK(calls > 20'000);
  CHECK(malformed > 2'000);
}

}  // namespace hg
