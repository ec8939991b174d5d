// The way out of a media thread: datagrams of one destination gathered in one
// buffer and sent with as few system calls as the kernel allows. A run of
// equal sizes (the last may be shorter) is one UDP_SEGMENT message; all runs
// of a batch go in one sendmmsg. A GSO error turns GSO off for good.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <vector>

#include "base/counter.h"
#include "base/log.h"
#include "peer/packet_io.h"

namespace hg {

class SendBatch : public DatagramBatch {
 public:
  explicit SendBatch(LogSink& log);

  void Begin(int fd, const SocketAddress& remote) override;
  MutableBytes Reserve() override;
  void Commit(std::size_t size) override;
  Result End() override;

  bool gso() const { return gso_; }
  std::uint64_t packets_sent() const { return packets_sent_.value(); }

 private:
  // The kernel's UDP_MAX_SEGMENTS, and the largest UDP payload over IPv4.
  static constexpr std::size_t kMaxSegments = 64;
  static constexpr std::size_t kMaxRunBytes = 65507;
  static constexpr std::size_t kMaxDatagrams = 256;
  static constexpr std::size_t kBufferBytes = 128 * 1024;

  // Datagrams that may leave as one message.
  struct Run {
    std::size_t offset;
    std::size_t bytes;
    std::size_t segment;  // size of each but the last
    std::uint32_t count;
    bool open;  // a last, shorter one has not been added
  };

  void SendAll();
  void AddToRuns(std::size_t offset, std::size_t size);
  std::size_t SendRuns(std::size_t first);
  void SendOneByOne(const Run& run);
  std::size_t LargestUnfragmented() const;

  LogSink& log_;
  int fd_ = -1;
  SocketAddress remote_;
  std::vector<std::uint8_t> buffer_;
  std::size_t used_ = 0;
  std::array<Run, kMaxDatagrams> runs_;
  std::size_t run_count_ = 0;
  std::array<mmsghdr, kMaxDatagrams> messages_{};
  std::array<iovec, kMaxDatagrams> vectors_{};
  struct alignas(cmsghdr) Control {
    std::array<unsigned char, CMSG_SPACE(sizeof(std::uint16_t))> bytes;
  };
  std::array<Control, kMaxDatagrams> controls_{};
  Result result_;
  bool gso_ = true;
  Counter packets_sent_;
};

}  // namespace hg
