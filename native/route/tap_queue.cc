#include "route/tap_queue.h"

#include <utility>

namespace hg {

TapQueue::~TapQueue() {
  std::vector<PacketRef> rest;
  Read(rest);
}

void TapQueue::Push(std::span<const PacketRef> burst) {
  constexpr auto kRelaxed = std::memory_order_relaxed;
  const auto size = static_cast<std::int64_t>(burst.size());
  const bool fits = budget_.packets.fetch_add(size, kRelaxed) + size <=
                    TapBudget::kMaxPackets;
  std::int64_t pushed = 0;
  while (fits && pushed < size &&
         ring_.Push(burst[static_cast<std::size_t>(pushed)]))
    ++pushed;
  if (pushed < size) {
    budget_.packets.fetch_sub(size - pushed, kRelaxed);
    stats.dropped.Add(static_cast<std::uint64_t>(size - pushed));
  }
  if (pushed > 0) reader_.Wake();
}

std::size_t TapQueue::Read(std::vector<PacketRef>& out) {
  // No more than this, or a busy media thread would keep the reader for ever.
  const std::size_t count = ring_.size();
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < count; ++i) {
    auto packet = ring_.Pop();
    bytes += (*packet)->size();
    out.push_back(std::move(*packet));
  }
  budget_.packets.fetch_sub(static_cast<std::int64_t>(count),
                            std::memory_order_relaxed);
  stats.packets.Add(count);
  stats.bytes.Add(bytes);
  return count;
}

}  // namespace hg
