// IceTransport by libnice 0.1.21 (RFC 8445, full agent): one agent, one stream,
// one component, with a GMainContext of its own that is driven without waiting.
#pragma once

#include <memory>

#include "ice/ice_transport.h"

namespace hg {

// `observer` must outlive the transport, which lives on one thread.
std::unique_ptr<IceTransport> MakeNiceIceTransport(
    IceConfig config, IceTransport::Observer& observer);

}  // namespace hg
