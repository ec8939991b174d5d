// The receiving half of a peer: takes decrypted RTP apart into its incoming
// tracks and their encodings, each of which is a Source; asks for what is
// missing, for keyframes and for less; reports what came. Sans-IO: RTCP leaves
// through its Owner, time comes in through OnDue().
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/pool.h"
#include "peer/ingress_demux.h"
#include "peer/ingress_stream.h"
#include "peer/packet_io.h"
#include "route/source_feed.h"
#include "rtp/rtcp/compound.h"
#include "rtp/rtcp/sr.h"
#include "rtp/rtcp/twcc_writer.h"

namespace hg {

// As negotiated.
struct IngressEncodingConfig {
  IngressDemux::Encoding ids;
  std::shared_ptr<const SourceInfo> source;
};
struct IngressTrackConfig {
  std::string mid;
  std::vector<std::uint8_t> payload_types;  // the codec's, then RED's
  std::optional<std::uint8_t> red_payload_type;
  std::optional<std::uint8_t> rtx_payload_type;
  bool nack = false;
  bool pli = false;
  bool fir = false;
  std::vector<IngressEncodingConfig> encodings;
};
struct IngressConfig {
  std::vector<IngressTrackConfig> tracks;
  IngressDemux::Extensions extensions;
  std::uint8_t transport_cc = 0;  // id of the header extension; 0: none
  ExtensionIds passed;            // those that viewers get too
};

class Ingress {
 public:
  // The peer.
  class Owner {
   public:
    // A plain compound is written to the buffer, and then sent.
    virtual MutableBytes BeginRtcp() = 0;
    virtual void EndRtcp(std::size_t size) = 0;
    // The shortest of late; nullopt: not known yet.
    virtual std::optional<Duration> RoundTrip() const = 0;
    // OnDue() is to be called then, if not before. Often no news: the owner
    // knows what its timer is set to.
    virtual void OnIngressDue(Timestamp due) = 0;

   protected:
    ~Owner() = default;
  };

  Ingress(PeerHost& host, Owner& owner);
  ~Ingress();
  Ingress(const Ingress&) = delete;
  Ingress& operator=(const Ingress&) = delete;

  // Tracks and encodings whose sources were there already go on; the sources of
  // others end.
  void Configure(const IngressConfig& config);
  // The peer is gone: so are its sources.
  void Close();

  // Changes the packet. False: nobody here knows whose it is.
  bool OnPacket(MutableBytes packet);
  // What came since the last call is handed on.
  void FinishBurst();
  void OnSenderReport(const SenderReport& report);

  // The peer shall send no more than this, bit/s; 0: as much as it likes (REMB,
  // draft-alvestrand-rmcat-remb-03).
  void SetMaxBitrate(std::uint64_t bitrate_bps);

  std::optional<Timestamp> NextDue() const;
  void OnDue();

  // Packets lost since the last call, of one track.
  std::uint64_t TakeNewlyLost(std::size_t track);
  std::size_t track_count() const { return tracks_.size(); }
  const std::string& mid(std::size_t track) const {
    return tracks_[track].config.mid;
  }

 private:
  class Encoding;
  class Compound;
  struct Track {
    IngressTrackConfig config;
    std::vector<std::unique_ptr<Encoding>> encodings;
  };

  void CollectNacks(Compound& out);
  void Report(Compound& out);
  void ReportLimit(Compound& out);
  // Within this time what was asked for should have come.
  Duration AnswerTime() const;
  void AnnounceDue();

  PeerHost& host_;
  Owner& owner_;
  const std::uint32_t ssrc_;  // of our RTCP
  std::vector<Track> tracks_;
  std::vector<Encoding*> in_burst_;
  IngressDemux demux_;
  std::uint8_t transport_cc_id_ = 0;
  std::uint32_t transport_cc_ssrc_ = 0;  // of the newest that has a number
  TransportCcWriter transport_cc_;
  std::optional<std::uint64_t> max_bitrate_bps_;  // nullopt: none ever was
  bool limit_changed_ = false;
  std::uint8_t fir_command_ = 0;
  std::optional<Timestamp> next_report_;
  std::optional<Timestamp> next_transport_cc_;
};

}  // namespace hg
