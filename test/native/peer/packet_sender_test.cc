#include "peer/packet_sender.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "native/peer/sender_rig.h"
#include "rtp/rtcp/compound.h"
#include "rtp/rtcp/rr.h"
#include "support/rtp_stream.h"

namespace hg::test {
namespace {

const std::vector<std::uint8_t> kHandshake = {22, 1, 2, 3};

void WritePacket(SenderRig& rig, std::uint16_t seq) {
  const MutableBytes room = rig.sender.Reserve();
  rig.sender.CommitRtp(WriteRtp({.seq = seq}, room));
}
std::size_t WriteReport(MutableBytes room) {
  RtcpWriter writer(room);
  WriteReceiverReport(writer, 1, {});
  return writer.size();
}

TEST_CASE("media needs keys and consent, and consent can be lost") {
  SenderRig rig;
  CHECK_FALSE(rig.sender.CanSendMedia());
  rig.sender.set_consent(true);
  CHECK_FALSE(rig.sender.CanSendMedia());

  rig.sender.set_srtp(rig.srtp);
  CHECK(rig.sender.CanSendMedia());

  rig.sender.set_consent(false);
  CHECK_FALSE(rig.sender.CanSendMedia());
}

TEST_CASE("what is sent between begin and end leaves together, and counted") {
  SenderRig rig;
  rig.sender.set_srtp(rig.srtp);

  rig.sender.Begin();
  WritePacket(rig, 1);
  WritePacket(rig, 2);
  rig.sender.Send(kHandshake);
  rig.sender.CommitRtcp(WriteReport(rig.sender.Reserve()));
  rig.sender.Reserve();  // and not used
  CHECK(rig.thread.wire.batches == 0);
  CHECK(rig.stats.packets_sent.value() == 0);
  rig.sender.End();

  CHECK(rig.thread.wire.batches == 1);
  std::size_t bytes = 0;
  for (const auto& one : rig.thread.wire.datagrams) bytes += one.size();
  CHECK(rig.stats.packets_sent.value() == 4);
  CHECK(rig.stats.bytes_sent.value() == bytes);
  const auto left = rig.Take();
  REQUIRE(left.rtp.size() == 2);
  CHECK(left.rtp[1] == MakeRtp({.seq = 2}));
  CHECK(left.rtcp.size() == 1);
  REQUIRE(left.other.size() == 1);
  CHECK(left.other[0] == kHandshake);
}

TEST_CASE("a datagram by itself leaves at once") {
  SenderRig rig;
  rig.sender.set_srtp(rig.srtp);

  rig.sender.Send(kHandshake);
  const MutableBytes buffer = rig.thread.scratch();
  rig.sender.SendRtcp(buffer, WriteReport(buffer));
  rig.sender.End();  // of nothing

  CHECK(rig.thread.wire.batches == 2);
  CHECK_FALSE(rig.sender.open());
  CHECK(rig.stats.packets_sent.value() == 2);
  const auto left = rig.Take();
  CHECK(left.other.size() == 1);
  CHECK(left.rtcp.size() == 1);
}

TEST_CASE("over a pair that is no socket of ours ICE sends one by one") {
  SenderRig rig;
  rig.sender.set_srtp(rig.srtp);
  rig.ice.pair.fd = -1;

  rig.sender.Begin();
  WritePacket(rig, 1);
  CHECK(rig.ice.datagrams.size() == 1);
  rig.sender.CommitRtcp(WriteReport(rig.sender.Reserve()));
  rig.sender.End();
  rig.sender.Send(kHandshake);
  CHECK(rig.ice.datagrams.size() == 3);
  CHECK(rig.stats.packets_sent.value() == 3);
  rig.ice.can_send = false;
  rig.sender.Send(kHandshake);

  CHECK(rig.stats.packets_sent.value() == 3);
  CHECK(rig.stats.send_dropped.value() == 1);
  CHECK(rig.thread.wire.datagrams.empty());
  const auto left = rig.Take();
  CHECK(left.rtp.size() == 1);
  CHECK(left.rtcp.size() == 1);
  CHECK(left.other.size() == 1);
}

TEST_CASE("what cannot be written, protected or sent whole is dropped") {
  SenderRig rig;
  rig.sender.set_srtp(rig.srtp);
  rig.sender.Begin();

  rig.sender.CommitRtp(0);
  CHECK(rig.stats.send_dropped.value() == 1);
  std::ranges::fill(rig.sender.Reserve(), 0);
  rig.sender.CommitRtp(100);  // no RTP
  CHECK(rig.stats.send_dropped.value() == 2);
  rig.sender.Send(std::vector<std::uint8_t>(DatagramBatch::kMaxDatagram + 1));
  CHECK(rig.stats.send_dropped.value() == 3);
  WritePacket(rig, 1);
  rig.sender.End();

  CHECK(rig.Take().kinds.size() == 1);
  CHECK(rig.stats.packets_sent.value() == 1);
}

class NoReader final : public RingReader {
 public:
  void Wake() override {}
};

TEST_CASE("what leaves is captured as it was before SRTP, while it is wished") {
  SenderRig rig;
  NoReader reader;
  CaptureBudget budget;
  CaptureQueue capture(0, 1 << 16, budget, reader);
  rig.sender.set_srtp(rig.srtp);
  rig.sender.Begin();
  WritePacket(rig, 1);
  rig.sender.set_capture(&capture);

  WritePacket(rig, 2);
  rig.sender.CommitRtcp(WriteReport(rig.sender.Reserve()));
  rig.sender.Send(kHandshake);  // not media
  rig.sender.CommitRtp(0);      // could not be written
  rig.sender.End();
  rig.thread.time += 1s;
  const MutableBytes buffer = rig.thread.scratch();
  rig.sender.SendRtcp(buffer, WriteReport(buffer));
  rig.sender.set_capture(nullptr);
  rig.sender.Begin();
  WritePacket(rig, 3);
  rig.sender.End();

  const auto left = rig.Take();
  REQUIRE(left.rtp.size() == 3);
  std::vector<std::uint8_t> bytes;
  const auto check = [&](CaptureKind kind, Timestamp time,
                         const std::vector<std::uint8_t>& plain) {
    const auto packet = capture.Pop(bytes);
    REQUIRE(packet);
    CHECK(packet->direction == CaptureDirection::kOut);
    CHECK(packet->kind == kind);
    CHECK(packet->time == time);
    CHECK(bytes == plain);
  };
  check(CaptureKind::kRtp, rig.thread.time - 1s, left.rtp[1]);
  check(CaptureKind::kRtcp, rig.thread.time - 1s, left.rtcp[0]);
  check(CaptureKind::kRtcp, rig.thread.time, left.rtcp[1]);
  CHECK_FALSE(capture.Pop(bytes));
}

}  // namespace
}  // namespace hg::test
