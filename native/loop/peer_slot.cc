#include "loop/peer_slot.h"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace hg {

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
  if (fd.kind != FdKind::kMedia) return peer_.IterateIce();
  // One batch in a turn: a busy peer does not hold up the others.
  GroReader& reader = turn_.reader;
  const std::size_t count = reader.Read(fd.fd);
  for (std::size_t i = 0; i < count; ++i)
    turn_.packets_received.Add(peer_.OnDatagrams(
        fd.fd, reader.from(i), reader.message(i), reader.SegmentSize(i)));
  peer_.FinishBurst();
}

}  // namespace hg
