#include "loop/shard_mesh.h"

#include <utility>

#include "loop/poller.h"

namespace hg {

ShardMesh::ShardMesh(unsigned shards) : shards_(shards), pollers_(shards) {
  for (unsigned i = 0; i < shards * shards; ++i)
    ways_.push_back(std::make_unique<Way>());
}

ShardMesh::~ShardMesh() = default;

void ShardMesh::SetPoller(unsigned index, Poller& poller) {
  pollers_[index] = &poller;
}

void ShardMesh::Post(unsigned from, unsigned to, ShardMessage message) {
  Way& w = way(from, to);
  w.wake = true;
  const bool packet = message.kind == ShardMessage::Kind::kPacket;
  if (w.waiting.empty() && w.ring.Push(std::move(message))) return;
  if (packet) {
    w.dropped.Add(1);
  } else {
    w.waiting.push_back(std::move(message));
  }
}

bool ShardMesh::Flush(unsigned from) {
  bool still_waiting = false;
  for (unsigned to = 0; to < shards_; ++to) {
    if (to == from) continue;
    Way& w = way(from, to);
    while (!w.waiting.empty() && w.ring.Push(std::move(w.waiting.front())))
      w.waiting.pop_front();
    still_waiting |= !w.waiting.empty();
    if (std::exchange(w.wake, false)) pollers_[to]->Wake();
  }
  return still_waiting;
}

std::optional<ShardMessage> ShardMesh::Take(unsigned from, unsigned to) {
  return way(from, to).ring.Pop();
}

std::uint64_t ShardMesh::dropped(unsigned from) const {
  std::uint64_t sum = 0;
  for (unsigned to = 0; to < shards_; ++to) sum += way(from, to).dropped.value();
  return sum;
}

}  // namespace hg
