// Feeds a mountpoint: frames of B packets of 1200 bytes, a keyframe each
// second, each packet stamped with its number and the time it was sent.
//
//   feeder ADDRESS PORT PACKETS_PER_FRAME FRAMES_PER_SECOND
//
// Lines on stdin: "start", "stop", "count" (answered with a line of JSON). Ends
// with stdin. A frame that is late is sent late, never two at once.
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "bench/payload.h"
#include "ice/ice_transport.h"

namespace hg::bench {
namespace {

constexpr std::uint8_t kPayloadType = 96;
constexpr std::uint32_t kClockRate = 90'000;
constexpr std::uint8_t kMarker = 0x80;

class Feeder {
 public:
  Feeder(const SocketAddress& to, std::size_t packets_per_frame, int fps)
      : to_(to),
        fps_(fps),
        fd_(socket(to.storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0)),
        packets_(packets_per_frame),
        vectors_(packets_per_frame),
        messages_(packets_per_frame) {
    std::random_device random;
    ssrc_ = random();
    seq_ = static_cast<std::uint16_t>(random());
    timestamp_ = random();
    for (std::size_t i = 0; i < packets_.size(); ++i) {
      vectors_[i] = {packets_[i].data(), packets_[i].size()};
      msghdr& message = messages_[i].msg_hdr;
      message.msg_name = &to_.storage;
      message.msg_namelen = to_.length;
      message.msg_iov = &vectors_[i];
      message.msg_iovlen = 1;
    }
  }

  void SendFrame() {
    const bool keyframe = frame_ % static_cast<std::uint64_t>(fps_) == 0;
    for (std::size_t i = 0; i < packets_.size(); ++i) {
      std::uint8_t* out = packets_[i].data();
      out[0] = 0x80;
      out[1] = static_cast<std::uint8_t>(
          kPayloadType | (i + 1 == packets_.size() ? kMarker : 0));
      StoreU16(out + 2, seq_++);
      StoreU32(out + 4, timestamp_);
      StoreU32(out + 8, ssrc_);
      WritePayload({.keyframe = keyframe,
                    .first = i == 0,
                    .picture = static_cast<std::uint16_t>(frame_ & 0x7fff)},
                   {.number = ++number_, .sent = MonotonicNow()},
                   out + kRtpHeaderSize);
    }
    std::size_t done = 0;
    while (done < messages_.size()) {
      const int sent =
          sendmmsg(fd_, &messages_[done],
                   static_cast<unsigned>(messages_.size() - done), 0);
      // Refused: nobody listens yet. The rest of the frame is tried all the
      // same, packet by packet.
      done += sent > 0 ? static_cast<std::size_t>(sent) : 1;
      if (sent <= 0) ++refused_;
    }
    timestamp_ += kClockRate / static_cast<std::uint32_t>(fps_);
    ++frame_;
  }

  void Start(Timestamp now) {
    // From a keyframe on, with the clock where it would be.
    frame_ += static_cast<std::uint64_t>(fps_) -
              frame_ % static_cast<std::uint64_t>(fps_);
    next_ = now;
    running_ = true;
  }
  void Stop() { running_ = false; }

  void PrintCount() const {
    std::printf("{\"sent\":%llu,\"refused\":%llu,\"late\":%llu}\n",
                static_cast<unsigned long long>(number_),
                static_cast<unsigned long long>(refused_),
                static_cast<unsigned long long>(late_));
    std::fflush(stdout);
  }

  int MillisToNext(Timestamp now) const {
    if (!running_) return -1;
    return static_cast<int>(std::max<std::int64_t>(ToMillis(next_ - now), 0));
  }
  void SendIfDue(Timestamp now) {
    if (!running_ || now < next_) return;
    SendFrame();
    const Duration interval = Duration(1s) / fps_;
    next_ += interval;
    if (next_ < now) {
      next_ = now + interval;
      ++late_;
    }
  }

 private:
  SocketAddress to_;
  const int fps_;
  const int fd_;
  std::vector<std::array<std::uint8_t, kPacketSize>> packets_;
  std::vector<iovec> vectors_;
  std::vector<mmsghdr> messages_;
  std::uint32_t ssrc_;
  std::uint16_t seq_;
  std::uint32_t timestamp_;
  std::uint64_t frame_ = 0;
  std::uint64_t number_ = 0;
  std::uint64_t refused_ = 0;
  std::uint64_t late_ = 0;
  bool running_ = false;
  Timestamp next_{};
};

void Run(Feeder& feeder) {
  std::string line;
  for (;;) {
    pollfd input{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
    poll(&input, 1, feeder.MillisToNext(MonotonicNow()));
    if (input.revents != 0) {
      std::array<char, 256> text;
      const auto n = read(STDIN_FILENO, text.data(), text.size());
      if (n <= 0) return;
      for (const char c :
           std::string_view(text.data(), static_cast<std::size_t>(n))) {
        if (c != '\n') {
          line += c;
          continue;
        }
        if (line == "start") feeder.Start(MonotonicNow());
        if (line == "stop") feeder.Stop();
        if (line == "count") feeder.PrintCount();
        line.clear();
      }
    }
    feeder.SendIfDue(MonotonicNow());
  }
}

int Main(int argc, char** argv) {
  if (argc != 5) {
    std::fputs("feeder ADDRESS PORT PACKETS_PER_FRAME FRAMES_PER_SECOND\n",
               stderr);
    return 2;
  }
  const auto to = SocketAddress::Parse(
      argv[1], static_cast<std::uint16_t>(std::atoi(argv[2])));
  const int packets = std::atoi(argv[3]);
  const int fps = std::atoi(argv[4]);
  if (!to || packets < 1 || packets > 1024 || fps < 1 || fps > 1000) {
    std::fputs("feeder: an argument is out of range\n", stderr);
    return 2;
  }
  Feeder feeder(*to, static_cast<std::size_t>(packets), fps);
  Run(feeder);
  return 0;
}

}  // namespace
}  // namespace hg::bench

int main(int argc, char** argv) { return hg::bench::Main(argc, argv); }
