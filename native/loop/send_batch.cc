#include "loop/send_batch.h"

#include <netinet/udp.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "base/check.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103  // linux/udp.h, since Linux 4.18
#endif

namespace hg {

SendBatch::SendBatch(LogSink& log) : log_(log), buffer_(kBufferBytes) {}

void SendBatch::Begin(int fd, const SocketAddress& remote) {
  HG_CHECK(fd_ < 0);
  fd_ = fd;
  remote_ = remote;
  used_ = 0;
  run_count_ = 0;
  result_ = {};
}

MutableBytes SendBatch::Reserve() {
  HG_CHECK(fd_ >= 0);
  if (buffer_.size() - used_ < kMaxDatagram || run_count_ == kMaxDatagrams)
    SendAll();
  return {buffer_.data() + used_, kMaxDatagram};
}

void SendBatch::Commit(std::size_t size) {
  HG_CHECK(size > 0 && size <= kMaxDatagram);
  AddToRuns(used_, size);
  used_ += size;
}

void SendBatch::AddToRuns(std::size_t offset, std::size_t size) {
  if (gso_ && run_count_ > 0) {
    Run& run = runs_[run_count_ - 1];
    if (run.open && size <= run.segment && run.count < kMaxSegments &&
        run.bytes + size <= kMaxRunBytes) {
      run.bytes += size;
      ++run.count;
      run.open = size == run.segment;
      return;
    }
  }
  // What is larger than the path's usual MTU has to be fragmented by IP, and
  // the kernel refuses to do that to a GSO message.
  runs_[run_count_++] = {offset, size, size, 1, size <= LargestUnfragmented()};
}

std::size_t SendBatch::LargestUnfragmented() const {
  constexpr std::size_t kEthernetMtu = 1500;
  const bool ipv6 = remote_.storage.ss_family == AF_INET6;
  return kEthernetMtu - (ipv6 ? 40 : 20) - 8;
}

DatagramBatch::Result SendBatch::End() {
  SendAll();
  fd_ = -1;
  return result_;
}

void SendBatch::SendAll() {
  std::size_t done = 0;
  while (done < run_count_) done += SendRuns(done);
  run_count_ = 0;
  used_ = 0;
}

// Sends runs from `first` on; returns how many are dealt with, at least one.
std::size_t SendBatch::SendRuns(std::size_t first) {
  const std::size_t count = run_count_ - first;
  for (std::size_t i = 0; i < count; ++i) {
    const Run& run = runs_[first + i];
    vectors_[i] = {buffer_.data() + run.offset, run.bytes};
    msghdr& message = messages_[i].msg_hdr;
    message = {};
    message.msg_name = &remote_.storage;
    message.msg_namelen = remote_.length;
    message.msg_iov = &vectors_[i];
    message.msg_iovlen = 1;
    if (run.count == 1) continue;
    message.msg_control = controls_[i].bytes.data();
    message.msg_controllen = controls_[i].bytes.size();
    cmsghdr* control = CMSG_FIRSTHDR(&message);
    control->cmsg_level = SOL_UDP;
    control->cmsg_type = UDP_SEGMENT;
    control->cmsg_len = CMSG_LEN(sizeof(std::uint16_t));
    const auto segment = static_cast<std::uint16_t>(run.segment);
    std::memcpy(CMSG_DATA(control), &segment, sizeof segment);
  }
  const int sent = sendmmsg(fd_, messages_.data(), static_cast<unsigned>(count),
                            MSG_DONTWAIT);
  if (sent > 0) {
    for (int i = 0; i < sent; ++i) {
      const auto packets = runs_[first + static_cast<std::size_t>(i)].count;
      result_.sent += packets;
      packets_sent_.Add(packets);
    }
    return static_cast<std::size_t>(sent);
  }
  const int error = errno;
  const Run& run = runs_[first];
  // EIO: no checksum offload; EINVAL, EMSGSIZE: larger than this path's MTU;
  // the others: the kernel does not know it.
  if (run.count > 1 && error != EAGAIN && error != ENOBUFS &&
      error != ECONNREFUSED && error != EPERM && error != ENETUNREACH &&
      error != EHOSTUNREACH) {
    const bool for_good = error == EIO || error == ENOPROTOOPT;
    if (for_good && gso_) {
      gso_ = false;
      log_.Log(LogLevel::kWarn, "media thread",
               "sending without GSO from now on: " +
                   std::string(std::strerror(error)));
    }
    SendOneByOne(run);
    return 1;
  }
  result_.dropped += run.count;
  return 1;
}

void SendBatch::SendOneByOne(const Run& run) {
  std::size_t offset = run.offset;
  for (std::uint32_t i = 0; i < run.count; ++i) {
    const std::size_t end = run.offset + run.bytes;
    const std::size_t size = std::min(run.segment, end - offset);
    const auto n = sendto(fd_, buffer_.data() + offset, size, MSG_DONTWAIT,
                          remote_.get(), remote_.length);
    offset += size;
    if (n >= 0) {
      ++result_.sent;
      packets_sent_.Add(1);
    } else {
      ++result_.dropped;
    }
  }
}

}  // namespace hg
