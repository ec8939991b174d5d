#include "peer/ingress_demux.h"

#include <algorithm>
#include <utility>

#include "rtp/ext/mid.h"
#include "rtp/ext/rid.h"

namespace hg {
namespace {

bool Has(const IngressDemux::Track& track, std::uint8_t payload_type) {
  return track.rtx_payload_type == payload_type ||
         std::ranges::find(track.payload_types, payload_type) !=
             track.payload_types.end();
}

bool Names(const IngressDemux::Track& track, std::uint32_t ssrc) {
  return std::ranges::any_of(track.encodings, [&](const auto& encoding) {
    return ssrc != 0 && (encoding.ssrc == ssrc || encoding.rtx_ssrc == ssrc);
  });
}

// Empty: the packet has none, or it was not negotiated.
Bytes Extension(const RtpView& packet, std::uint8_t id) {
  if (id == 0 || packet.extension.empty()) return {};
  return packet.extensions().Find(id).value_or(Bytes());
}

// Of the first that matches.
template <typename T, typename Matches>
std::optional<std::size_t> IndexOf(const std::vector<T>& list,
                                   Matches matches) {
  const auto found = std::ranges::find_if(list, matches);
  if (found == list.end()) return std::nullopt;
  return static_cast<std::size_t>(found - list.begin());
}

}  // namespace

void IngressDemux::SetTracks(std::vector<Track> tracks,
                             const Extensions& extensions) {
  tracks_ = std::move(tracks);
  extensions_ = extensions;
  learned_.fill({});
}

std::optional<IngressDemux::Route> IngressDemux::Find(const RtpView& packet) {
  ++clock_;
  Learned* known = Lookup(packet.ssrc);
  const auto track = FindTrack(packet, known);
  // A track does not take what was not negotiated for it.
  if (!track || !Has(tracks_[*track], packet.payload_type)) return std::nullopt;
  const bool rtx = tracks_[*track].rtx_payload_type == packet.payload_type;

  auto encoding = FindEncoding(packet, tracks_[*track], rtx);
  const bool is_same = known != nullptr && known->route.track == *track &&
                       known->route.rtx == rtx;
  if (!encoding && is_same) encoding = known->route.encoding;
  if (!encoding && tracks_[*track].encodings.size() == 1) encoding = 0;
  if (!encoding) return std::nullopt;

  const Route route{*track, *encoding, rtx};
  if (known == nullptr) {
    Learn(packet.ssrc, route);
  } else {
    known->used = clock_;
    known->route = route;
  }
  return route;
}

IngressDemux::Learned* IngressDemux::Lookup(std::uint32_t ssrc) {
  const auto is_it = [&](const Learned& learned) {
    return learned.used != 0 && learned.ssrc == ssrc;
  };
  if (is_it(learned_[last_])) return &learned_[last_];
  const auto found = std::ranges::find_if(learned_, is_it);
  if (found == learned_.end()) return nullptr;
  last_ = static_cast<std::size_t>(found - learned_.begin());
  return &*found;
}

// In the place of the one that was not heard for longest.
void IngressDemux::Learn(std::uint32_t ssrc, const Route& route) {
  Learned& place = *std::ranges::min_element(learned_, {}, &Learned::used);
  place = {ssrc, clock_, route};
}

std::optional<std::size_t> IngressDemux::FindTrack(const RtpView& packet,
                                                   const Learned* known) const {
  const auto mid = ReadMid(Extension(packet, extensions_.mid));
  if (!mid.empty()) {
    return IndexOf(tracks_,
                   [&](const Track& track) { return track.mid == mid; });
  }
  if (known != nullptr) return known->route.track;
  if (const auto named = IndexOf(tracks_, [&](const Track& track) {
        return Names(track, packet.ssrc);
      }))
    return named;
  const auto takes = [&](const Track& track) {
    return Has(track, packet.payload_type);
  };
  if (std::ranges::count_if(tracks_, takes) != 1) return std::nullopt;
  return IndexOf(tracks_, takes);
}

// By what the packet says, else by what the SDP says of its SSRC.
std::optional<std::size_t> IngressDemux::FindEncoding(const RtpView& packet,
                                                      const Track& track,
                                                      bool rtx) const {
  const auto rid = ReadRid(
      Extension(packet, rtx ? extensions_.repaired_rid : extensions_.rid));
  if (!rid.empty()) {
    return IndexOf(track.encodings, [&](const Encoding& encoding) {
      return encoding.rid == rid;
    });
  }
  return IndexOf(track.encodings, [&](const Encoding& encoding) {
    const std::uint32_t ssrc = rtx ? encoding.rtx_ssrc : encoding.ssrc;
    return ssrc != 0 && ssrc == packet.ssrc;
  });
}

}  // namespace hg
