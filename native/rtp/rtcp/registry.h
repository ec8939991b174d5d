// Takes a compound RTCP datagram apart and calls a handler for what we know.
// A new kind of feedback: its file here, a method below, one line in
// registry.cc.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "rtp/rtcp/bye.h"
#include "rtp/rtcp/fir.h"
#include "rtp/rtcp/nack.h"
#include "rtp/rtcp/pli.h"
#include "rtp/rtcp/remb.h"
#include "rtp/rtcp/rr.h"
#include "rtp/rtcp/sr.h"
#include "rtp/rtcp/twcc.h"

namespace hg {

// Override what you need. The views are valid during the call only.
class FeedbackHandler {
 public:
  virtual ~FeedbackHandler() = default;

  virtual void OnSenderReport(const SenderReport&) {}
  // Each block of a sender or receiver report.
  virtual void OnReportBlock(std::uint32_t /*sender_ssrc*/,
                             const ReportBlock&) {}
  virtual void OnBye(std::uint32_t /*ssrc*/) {}
  virtual void OnNack(const Nack&) {}
  virtual void OnPli(const Pli&) {}
  virtual void OnFir(std::uint32_t /*sender_ssrc*/, const FirEntry&) {}
  virtual void OnRemb(const Remb&) {}
  virtual void OnTransportCc(const TransportCc&) {}
};

struct RtcpDispatch {
  std::size_t packets = 0;  // of the compound that were well-formed
  std::size_t unknown = 0;  // of these, nobody here knows
  std::size_t ignored = 0;  // of these, known and deliberately not read (SDES,
                            // APP, XR), or with a body that does not parse
  bool malformed = false;   // the compound itself ended in garbage
};

RtcpDispatch DispatchRtcp(Bytes compound, FeedbackHandler& handler);

}  // namespace hg
