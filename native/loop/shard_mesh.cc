#include "loop/shard_mesh.h"

#include <utility>

#include "loop/poller.h"

namespace hg {

ShardMesh::ShardMesh(unsigned shards)
    : shards_(shards),
      ways_(std::make_unique<std::atomic<Way*>[]>(shards * shards)),
      pollers_(shards) {}

ShardMesh::~ShardMesh() {
  for (unsigned i = 0; i < shards_ * shards_; ++i) delete ways_[i].load();
}

ShardMesh::Way& ShardMesh::Make(unsigned from, unsigned to) {
  auto way = std::make_unique<Way>();
  Way& made = *way;
  ways_[from * shards_ + to].store(way.release(), std::memory_order_release);
  return made;
}

void ShardMesh::SetPoller(unsigned index, Poller& poller) {
  pollers_[index] = &poller;
}

void ShardMesh::Post(unsigned from, unsigned to, ShardMessage message) {
  Way* const found = Find(from, to);
  Way& w = found != nullptr ? *found : Make(from, to);
  w.wake = true;
  const bool packet = message.kind == ShardMessage::Kind::kPacket;
  if (w.waiting.empty() && w.ring.Push(std::move(message))) return;
  if (packet) {
    w.dropped.Add(1);
  } else {
    // A ring that is full leaves the message as it was.
    // NOLINTNEXTLINE(bugprone-use-after-move)
    w.waiting.push_back(std::move(message));
  }
}

bool ShardMesh::Flush(unsigned from) {
  bool still_waiting = false;
  for (unsigned to = 0; to < shards_; ++to) {
    Way* const w = Find(from, to);
    if (w == nullptr) continue;
    while (!w->waiting.empty() && w->ring.Push(std::move(w->waiting.front())))
      w->waiting.pop_front();
    still_waiting |= !w->waiting.empty();
    if (std::exchange(w->wake, false)) pollers_[to]->Wake();
  }
  return still_waiting;
}

std::optional<ShardMessage> ShardMesh::Take(unsigned from, unsigned to) {
  Way* const w = Find(from, to);
  return w == nullptr ? std::nullopt : w->ring.Pop();
}

std::uint64_t ShardMesh::dropped(unsigned from) const {
  std::uint64_t sum = 0;
  for (unsigned to = 0; to < shards_; ++to) {
    if (const Way* w = Find(from, to)) sum += w->dropped.value();
  }
  return sum;
}

unsigned ShardMesh::ways() const {
  unsigned count = 0;
  for (unsigned i = 0; i < shards_ * shards_; ++i)
    count += ways_[i].load(std::memory_order_relaxed) != nullptr;
  return count;
}

}  // namespace hg
