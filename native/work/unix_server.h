// A Unix domain socket that clients send texts to, one per packet:
// SOCK_SEQPACKET, where each client has a connection, or SOCK_DGRAM, where a
// client is the address its packets come from (unix(7)).
// Nothing here blocks and nothing has a thread: fd() is readable when Serve()
// has something to do. All calls come from the owner's thread.
// Invariant: a client's file is watched for writing only while packets wait
// for it.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"

namespace hg {

// A file descriptor that closes itself.
class OwnedFd {
 public:
  explicit OwnedFd(int fd = -1) : fd_(fd) {}
  OwnedFd(OwnedFd&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  OwnedFd& operator=(OwnedFd&& other) noexcept;
  ~OwnedFd();
  int get() const { return fd_; }

 private:
  int fd_;
};

// The socket cannot be made.
class UnixServerError : public std::runtime_error {
 public:
  UnixServerError(int error, const std::string& what);
  // The name of the errno: EADDRINUSE when somebody listens at the path, EEXIST
  // when what is there is no socket.
  const std::string& code() const { return code_; }

 private:
  std::string code_;
};

struct UnixEvent {
  enum class Type {
    kConnected,  // a client that was not known
    kMessage,
    kTooLong,  // a packet of `size` bytes, which was dropped
    kGone      // nothing more comes of it or goes to it
  };
  Type type;
  std::uint64_t client;
  std::string text;
  std::size_t size = 0;
};

class UnixServer {
 public:
  enum class Type { kSeqPacket, kDatagram };
  struct Limits {
    std::size_t max_message;   // bytes of a packet that comes in
    std::size_t max_buffered;  // bytes that may wait for one client
  };
  enum class Sent {
    kYes,      // or it will be
    kTooSlow,  // too much waits already
    kTooLong,  // more than the system lets into one packet
    kGone      // there is no such client, or it went away
  };

  // Listens at once. Replaces the file of a socket that nobody has open any
  // more. Throws UnixServerError.
  UnixServer(const std::string& path, Type type, const Limits& limits);
  ~UnixServer();  // the file goes, unless it is another's by now
  UnixServer(const UnixServer&) = delete;
  UnixServer& operator=(const UnixServer&) = delete;

  int fd() const { return epoll_.get(); }
  // What came since; a bounded part of it, when there is much.
  std::vector<UnixEvent> Serve(Timestamp now);
  Sent Send(std::uint64_t client, std::string_view text, Timestamp now);
  // Ends a connection; no kGone follows. The client of a kDatagram is forgotten
  // when what waits for it is sent; when it comes again that is a kConnected.
  void Release(std::uint64_t client);

  // The longest text that Send() takes, bytes.
  std::size_t max_packet() const { return max_packet_; }
  std::size_t clients() const { return clients_.size(); }
  // Packets that nobody can answer: they came from a socket without an address.
  std::uint64_t unanswerable() const { return unanswerable_; }

 private:
  // A datagram socket cannot be watched for room at the other end: it is tried
  // again, ever less often, and given up when nothing moved for so long.
  static constexpr Duration kFirstRetry = 2ms;
  static constexpr Duration kLastRetry = 100ms;
  static constexpr Duration kPatience = 10s;
  // For how long nobody is let in when the process has no file left to open.
  static constexpr Duration kFullPause = 100ms;
  // One call of Serve() takes no more than this.
  static constexpr std::size_t kMaxEvents = 256;
  static constexpr std::size_t kMaxBytes = 1 << 20;

  struct Client {
    OwnedFd fd;           // kSeqPacket
    std::string address;  // kDatagram
    std::deque<std::string> waiting;
    std::size_t waiting_bytes = 0;
    Timestamp stuck_since{};
    bool released = false;
  };
  using Clients = std::unordered_map<std::uint64_t, Client>;

  void Listen(const std::string& path);
  bool IsAbandoned(const std::string& path) const;
  bool Watch(int operation, int fd, std::uint32_t events, std::uint64_t key);
  void WakeAfter(Duration delay);

  void Accept();
  void Receive(std::uint64_t id, std::uint32_t ready, Timestamp now);
  void ReceiveDatagram();
  void OnTimer(Timestamp now);
  void Take(std::uint64_t id, std::size_t size);
  std::uint64_t ClientAt(std::string_view address);

  int Transmit(const Client& client, std::string_view text) const;  // an errno
  int Flush(Client& client, Timestamp now);  // what stopped it; 0: all is sent
  void Forget(Clients::iterator client);

  const Type type_;
  const Limits limits_;
  OwnedFd epoll_;
  OwnedFd timer_;
  OwnedFd socket_;
  std::string path_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
  std::size_t max_packet_ = 0;
  std::vector<char> buffer_;
  Clients clients_;
  std::unordered_map<std::string, std::uint64_t> by_address_;
  std::vector<std::uint64_t> stuck_;  // kDatagram: packets wait for them
  Duration retry_ = kFirstRetry;
  std::uint64_t next_client_;
  std::vector<UnixEvent> events_;  // of this call of Serve()
  std::size_t taken_bytes_ = 0;
  std::uint64_t unanswerable_ = 0;
};

}  // namespace hg
