// Takes datagrams off a socket, many at a time. With UDP_GRO those of one
// sender that followed each other, or that a sender on this machine gave away
// as one GSO message, are one message: of one size, but for the last, which may
// be shorter.
#pragma once

#include <netinet/udp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>

#include "base/bytes.h"
#include "ice/ice_transport.h"

#ifndef UDP_GRO
#define UDP_GRO 104  // linux/udp.h, since Linux 5.0
#endif

namespace hg {

// Where the kernel has no UDP_GRO, nothing changes.
inline void SetUdpGro(int fd, bool on) {
  const int value = on ? 1 : 0;
  setsockopt(fd, SOL_UDP, UDP_GRO, &value, sizeof value);
}

// Calls `take(MutableBytes)` for each datagram of a message, which are of
// `segment_size` bytes, but for the last; 0: it is one. Returns their number.
template <typename Take>
std::size_t ForEachDatagram(MutableBytes message, std::size_t segment_size,
                            Take take) {
  const std::size_t size = segment_size == 0 ? message.size() : segment_size;
  std::size_t count = 0;
  for (; !message.empty(); ++count) {
    const MutableBytes datagram = message.first(std::min(size, message.size()));
    message = message.subspan(datagram.size());
    take(datagram);
  }
  return count;
}

class GroReader {
 public:
  static constexpr std::size_t kBatch = 16;

  GroReader() : buffers_(std::make_unique_for_overwrite<Buffer[]>(kBatch)) {
    for (std::size_t i = 0; i < kBatch; ++i) {
      vectors_[i] = {buffers_[i].bytes.data(), kMaxMessage};
      messages_[i].msg_hdr.msg_iov = &vectors_[i];
      messages_[i].msg_hdr.msg_iovlen = 1;
    }
  }
  GroReader(const GroReader&) = delete;
  GroReader& operator=(const GroReader&) = delete;

  // Reads at most kBatch messages, without waiting; returns how many.
  std::size_t Read(int fd) {
    for (std::size_t i = 0; i < kBatch; ++i) {
      msghdr& header = messages_[i].msg_hdr;
      header.msg_name = &from_[i].storage;
      header.msg_namelen = sizeof from_[i].storage;
      header.msg_control = controls_[i].bytes.data();
      header.msg_controllen = controls_[i].bytes.size();
    }
    const int got =
        recvmmsg(fd, messages_.data(), kBatch, MSG_DONTWAIT, nullptr);
    return got < 0 ? 0 : static_cast<std::size_t>(got);
  }

  // Of the messages of the last Read().
  MutableBytes message(std::size_t i) {
    return MutableBytes(buffers_[i].bytes).first(messages_[i].msg_len);
  }
  const SocketAddress& from(std::size_t i) {
    from_[i].length = messages_[i].msg_hdr.msg_namelen;
    return from_[i];
  }
  // Of the datagrams in a message; 0: it is one.
  std::size_t SegmentSize(std::size_t i) const {
    const cmsghdr* control = CMSG_FIRSTHDR(&messages_[i].msg_hdr);
    if (control == nullptr || control->cmsg_type != UDP_GRO) return 0;
    int size = 0;
    std::memcpy(&size, CMSG_DATA(control), sizeof size);
    return static_cast<std::size_t>(std::max(size, 0));
  }

 private:
  static constexpr std::size_t kMaxMessage = 65536;
  // Not a power of two apart: the same bytes of all would share a cache set.
  struct Buffer {
    std::array<std::uint8_t, kMaxMessage> bytes;
    std::array<std::uint8_t, 1344> gap;
  };
  struct alignas(cmsghdr) Control {
    std::array<unsigned char, CMSG_SPACE(sizeof(int))> bytes;
  };

  std::unique_ptr<Buffer[]> buffers_;  // touched as far as messages reach
  std::array<Control, kBatch> controls_{};
  std::array<SocketAddress, kBatch> from_;
  std::array<iovec, kBatch> vectors_{};
  std::array<mmsghdr, kBatch> messages_{};
};

}  // namespace hg
