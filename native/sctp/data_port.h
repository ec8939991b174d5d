// What a peer says to its SCTP association, which lives on another thread.
// Implemented in work/.
#pragma once

#include <cstddef>

#include "base/bytes.h"

namespace hg {

// The media thread's. Its end is the association's.
class DataPort {
 public:
  virtual ~DataPort() = default;
  // DTLS is done. `dtls_client`: we are; it decides who uses which stream ids
  // (RFC 8832 s6). `max_packet`: the largest that will be sent, bytes.
  virtual void OnConnected(bool dtls_client, std::size_t max_packet) = 0;
  // One SCTP packet from the peer (RFC 8261).
  virtual void OnPacket(Bytes packet) = 0;
};

}  // namespace hg
