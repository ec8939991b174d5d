// Tells which incoming track, and which of its encodings, an RTP packet of a
// bundled transport belongs to (RFC 9143 s9.2, RFC 8852 s4): by the mid and rid
// in the packet; else as others of its SSRC did; else by the SSRCs in the SDP;
// else by its payload type, if only one track has that. Sans-IO.
//
// Bounds: what packets taught about SSRCs is kept for the last kMaxLearned of
// them. What the SDP says is never forgotten.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "rtp/packet.h"

namespace hg {

class IngressDemux {
 public:
  static constexpr std::size_t kMaxLearned = 64;

  // As negotiated; of simulcast in the order of the SDP.
  struct Encoding {
    std::string rid;             // empty: none
    std::uint32_t ssrc = 0;      // 0: not said
    std::uint32_t rtx_ssrc = 0;  // 0: not said
  };
  struct Track {
    std::string mid;
    // What the answer allows, RED among it.
    std::vector<std::uint8_t> payload_types;
    std::optional<std::uint8_t> rtx_payload_type;
    std::vector<Encoding> encodings;  // one at least
  };
  // Ids of the header extensions; 0: not negotiated.
  struct Extensions {
    std::uint8_t mid = 0;
    std::uint8_t rid = 0;
    std::uint8_t repaired_rid = 0;
  };
  struct Route {
    std::size_t track = 0;
    std::size_t encoding = 0;
    bool rtx = false;
    friend bool operator==(const Route&, const Route&) = default;
  };

  // Replaces all rules, and forgets what was learnt under the old ones.
  void SetTracks(std::vector<Track> tracks, const Extensions& extensions);

  // nullopt: nobody knows whose it is; to be dropped.
  std::optional<Route> Find(const RtpView& packet);

 private:
  struct Learned {
    std::uint32_t ssrc = 0;
    std::uint64_t used = 0;  // 0: free
    Route route;
  };

  Learned* Lookup(std::uint32_t ssrc);
  void Learn(std::uint32_t ssrc, const Route& route);
  std::optional<std::size_t> FindTrack(const RtpView& packet,
                                       const Learned* known) const;
  std::optional<std::size_t> FindEncoding(const RtpView& packet,
                                          const Track& track, bool rtx) const;

  std::vector<Track> tracks_;
  Extensions extensions_;
  std::array<Learned, kMaxLearned> learned_{};
  std::size_t last_ = 0;     // found: packets of one SSRC come in runs
  std::uint64_t clock_ = 0;  // packets so far
};

}  // namespace hg
