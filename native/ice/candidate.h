// A remote candidate's text (RFC 8839 s5.1), as far as ICE over UDP with one
// component can use it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ice/ice_transport.h"

namespace hg {

enum class CandidateType : std::uint8_t { kHost, kSrflx, kPrflx, kRelay };

struct RemoteCandidate {
  std::string foundation;
  std::uint32_t priority = 0;
  SocketAddress address;
  CandidateType type = CandidateType::kHost;
  std::string ufrag;  // of the ICE generation it belongs to; empty: not said
};

// `line` with or without "a=" in front. Nothing for what cannot be used: not
// UDP, another component, a name instead of an address (mDNS), a port of 0, an
// address that no peer can have (unspecified, multicast, broadcast), garbage.
std::optional<RemoteCandidate> ParseRemoteCandidate(std::string_view line);

}  // namespace hg
