#include "loop/peer_slot.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "peer/demux.h"

namespace hg {
namespace {

// A turn takes at most this many datagrams off one socket, so that one busy
// peer does not hold up the others.
constexpr int kMaxDatagramsPerTurn = 64;

}  // namespace

class PeerSlot::Watch final : public FdHandler {
 public:
  Watch(PeerSlot& slot, const IceFd& fd) : slot_(&slot), fd_(fd) {}
  void OnFdReady(std::uint32_t) override {
    if (slot_ != nullptr) slot_->OnReadable(fd_);
  }
  void Detach() { slot_ = nullptr; }
  const IceFd& fd() const { return fd_; }

 private:
  PeerSlot* slot_;
  IceFd fd_;
};

PeerSlot::PeerSlot(const PeerConfig& config,
                   std::shared_ptr<const DtlsContext> dtls,
                   std::shared_ptr<PeerStats> stats, ReplicaTable& sources,
                   Turn& turn)
    : sources_(sources),
      turn_(turn),
      peer_(config, std::move(dtls), std::move(stats), *this) {}

PeerSlot::~PeerSlot() {
  WatchFds({});
  std::erase(turn_.dirty, this);
  std::erase(turn_.handshakes, this);
}

void PeerSlot::Flush() {
  dirty_ = false;
  peer_.Flush();
}

void PeerSlot::HandshakeStep() {
  wants_step_ = false;
  peer_.HandshakeStep();
}

void PeerSlot::FlushAtEndOfTurn() {
  if (dirty_) return;
  dirty_ = true;
  turn_.dirty.push_back(this);
}

void PeerSlot::SetTimer(Timestamp due) { turn_.timers.Set(*this, due); }

void PeerSlot::OnTimer(Timestamp now) { peer_.OnTimer(now); }

void PeerSlot::WantHandshakeStep() {
  if (wants_step_) return;
  wants_step_ = true;
  turn_.handshakes.push_back(this);
}

void PeerSlot::Remove() {
  if (std::exchange(removed_, true)) return;
  turn_.removed.push_back(peer_.id());
}

void PeerSlot::WatchFds(std::span<const IceFd> fds) {
  std::erase_if(watches_, [&](const std::shared_ptr<Watch>& watch) {
    if (std::ranges::find(fds, watch->fd()) != fds.end()) return false;
    turn_.poller.Remove(watch->fd().fd);
    watch->Detach();
    turn_.graveyard.push_back(watch);
    return true;
  });
  for (const IceFd& fd : fds) {
    const auto known = std::ranges::find_if(
        watches_, [&](const auto& watch) { return watch->fd() == fd; });
    Watch& watch =
        known != watches_.end()
            ? **known
            : *watches_.emplace_back(std::make_shared<Watch>(*this, fd));
    // The number may belong to a new socket since the last time (epoll forgets
    // a closed one by itself), so a known fd is registered again as well.
    if (!turn_.poller.Add(fd.fd, fd.epoll_events, watch) && errno == EEXIST)
      turn_.poller.Modify(fd.fd, fd.epoll_events, watch);
  }
}

void PeerSlot::OnReadable(const IceFd& fd) {
  const bool more = fd.kind != FdKind::kMedia || TakeOurs(fd.fd);
  peer_.FinishBurst();
  if (!more) return;
  if (!removed_) peer_.IterateIce();
}

bool PeerSlot::TakeOurs(int fd) {
  for (int i = 0; i < kMaxDatagramsPerTurn && !removed_; ++i) {
    std::uint8_t first = 0;
    auto n = recv(fd, &first, 1, MSG_PEEK | MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN) return false;
    // An error (an ICMP answer, say) and an empty datagram are ICE's to take.
    if (n != 1 || !IsOurs(first)) return true;

    SocketAddress from;
    from.length = sizeof from.storage;
    n = recvfrom(fd, turn_.receive_buffer.data(), turn_.receive_buffer.size(),
                 MSG_DONTWAIT, reinterpret_cast<sockaddr*>(&from.storage),
                 &from.length);
    if (n <= 0) return n < 0 && errno != EAGAIN;
    turn_.packets_received.Add(1);
    peer_.OnDatagram(
        fd, from,
        MutableBytes(turn_.receive_buffer).first(static_cast<std::size_t>(n)));
  }
  return false;
}

}  // namespace hg
