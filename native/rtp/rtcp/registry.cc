#include "rtp/rtcp/registry.h"

#include <array>

namespace hg {
namespace {

// Tells the handler; false if the body does not parse or is not ours.
using Dispatch = bool (*)(const RtcpPacket&, FeedbackHandler&);

struct Entry {
  RtcpType type;
  int format;  // or kAnyFormat, where the 5 bits are a count
  Dispatch dispatch;
};
constexpr int kAnyFormat = -1;

template <typename T, void (FeedbackHandler::*Method)(const T&)>
bool Whole(const RtcpPacket& packet, FeedbackHandler& handler) {
  const std::optional<T> parsed = T::Parse(packet);
  if (parsed) (handler.*Method)(*parsed);
  return parsed.has_value();
}

bool DispatchSenderReport(const RtcpPacket& packet, FeedbackHandler& handler) {
  const auto report = SenderReport::Parse(packet);
  if (!report) return false;
  handler.OnSenderReport(*report);
  for (const ReportBlock& block : report->blocks)
    handler.OnReportBlock(report->sender_ssrc, block);
  return true;
}

bool DispatchReceiverReport(const RtcpPacket& packet,
                            FeedbackHandler& handler) {
  const auto report = ReceiverReport::Parse(packet);
  if (!report) return false;
  for (const ReportBlock& block : report->blocks)
    handler.OnReportBlock(report->sender_ssrc, block);
  return true;
}

bool DispatchBye(const RtcpPacket& packet, FeedbackHandler& handler) {
  const auto bye = Bye::Parse(packet);
  if (!bye) return false;
  for (std::size_t i = 0; i < bye->size(); ++i) handler.OnBye(bye->ssrc(i));
  return true;
}

bool DispatchFir(const RtcpPacket& packet, FeedbackHandler& handler) {
  const auto fir = Fir::Parse(packet);
  if (!fir) return false;
  for (std::size_t i = 0; i < fir->size(); ++i)
    handler.OnFir(fir->sender_ssrc, fir->entry(i));
  return true;
}

bool Ignore(const RtcpPacket&, FeedbackHandler&) { return false; }

constexpr std::array kEntries = {
    Entry{RtcpType::kSenderReport, kAnyFormat, DispatchSenderReport},
    Entry{RtcpType::kReceiverReport, kAnyFormat, DispatchReceiverReport},
    Entry{RtcpType::kBye, kAnyFormat, DispatchBye},
    Entry{RtcpType::kTransportFeedback, kNackFormat,
          Whole<Nack, &FeedbackHandler::OnNack>},
    Entry{RtcpType::kTransportFeedback, kTransportCcFormat,
          Whole<TransportCc, &FeedbackHandler::OnTransportCc>},
    Entry{RtcpType::kPayloadFeedback, kPliFormat,
          Whole<Pli, &FeedbackHandler::OnPli>},
    Entry{RtcpType::kPayloadFeedback, kFirFormat, DispatchFir},
    Entry{RtcpType::kPayloadFeedback, kApplicationFormat,
          Whole<Remb, &FeedbackHandler::OnRemb>},
    // Known, and of no use to us.
    Entry{RtcpType::kSdes, kAnyFormat, Ignore},
    Entry{RtcpType::kApp, kAnyFormat, Ignore},
    Entry{RtcpType::kExtendedReport, kAnyFormat, Ignore},
};

const Entry* Find(const RtcpPacket& packet) {
  for (const Entry& entry : kEntries)
    if (entry.type == packet.type &&
        (entry.format == kAnyFormat || entry.format == packet.count))
      return &entry;
  return nullptr;
}

}  // namespace

RtcpDispatch DispatchRtcp(Bytes compound, FeedbackHandler& handler) {
  RtcpDispatch result;
  RtcpReader reader(compound);
  while (const auto packet = reader.Next()) {
    ++result.packets;
    const Entry* const entry = Find(*packet);
    if (entry == nullptr)
      ++result.unknown;
    else if (!entry->dispatch(*packet, handler))
      ++result.ignored;
  }
  result.malformed = reader.malformed();
  return result;
}

}  // namespace hg
