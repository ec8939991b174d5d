#include "route/capture_queue.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <type_traits>

#include "base/check.h"

namespace hg {

static_assert(std::is_trivially_copyable_v<CapturedPacket>);

CaptureQueue::CaptureQueue(std::size_t truncate, std::size_t ring_bytes,
                           CaptureBudget& budget, RingReader& reader)
    : truncate_(truncate == 0 ? std::numeric_limits<std::size_t>::max()
                              : truncate),
      mask_(ring_bytes - 1),
      ring_(std::make_unique_for_overwrite<std::uint8_t[]>(ring_bytes)),
      budget_(budget),
      reader_(reader) {
  HG_CHECK(std::has_single_bit(ring_bytes));
  budget_.rings.fetch_add(1, std::memory_order_relaxed);
}

CaptureQueue::~CaptureQueue() {
  budget_.rings.fetch_sub(1, std::memory_order_relaxed);
}

void CaptureQueue::CopyIn(std::size_t at, Bytes bytes) {
  const std::size_t from = at & mask_;
  const std::size_t first = std::min(bytes.size(), mask_ + 1 - from);
  std::memcpy(&ring_[from], bytes.data(), first);
  std::memcpy(&ring_[0], bytes.data() + first, bytes.size() - first);
}

void CaptureQueue::CopyOut(std::size_t at, MutableBytes bytes) const {
  const std::size_t from = at & mask_;
  const std::size_t first = std::min(bytes.size(), mask_ + 1 - from);
  std::memcpy(bytes.data(), &ring_[from], first);
  std::memcpy(bytes.data() + first, &ring_[0], bytes.size() - first);
}

void CaptureQueue::Push(CaptureDirection direction, CaptureKind kind,
                        Bytes packet, Timestamp now) {
  constexpr std::size_t kMost = std::numeric_limits<std::uint16_t>::max();
  const std::size_t size = std::min(packet.size(), kMost);
  const std::size_t kept = std::min(size, truncate_);
  const std::size_t tail = tail_.load(std::memory_order_relaxed);
  const std::size_t room =
      mask_ + 1 - (tail - head_.load(std::memory_order_acquire));
  if (room < sizeof(CapturedPacket) + kept) return dropped_.Add();

  CapturedPacket head;
  head.time = now;
  head.size = static_cast<std::uint16_t>(size);
  head.kept = static_cast<std::uint16_t>(kept);
  head.direction = direction;
  head.kind = kind;
  CopyIn(tail, {reinterpret_cast<const std::uint8_t*>(&head), sizeof head});
  CopyIn(tail + sizeof head, packet.first(kept));
  const std::size_t next = tail + sizeof head + kept;
  tail_.store(next, std::memory_order_release);
  // The reader comes by itself now and then; a ring that fills calls it.
  if (next - woken_at_ > mask_ / 4) {
    woken_at_ = next;
    reader_.Wake();
  }
}

void CaptureQueue::End() {
  ended_.store(true, std::memory_order_release);
  reader_.Wake();
}

std::optional<CapturedPacket> CaptureQueue::Pop(
    std::vector<std::uint8_t>& bytes) {
  const std::size_t at = head_.load(std::memory_order_relaxed);
  if (at == tail_.load(std::memory_order_acquire)) return std::nullopt;
  CapturedPacket head;
  CopyOut(at, {reinterpret_cast<std::uint8_t*>(&head), sizeof head});
  bytes.resize(head.kept);
  CopyOut(at + sizeof head, bytes);
  head_.store(at + sizeof head + head.kept, std::memory_order_release);
  return head;
}

}  // namespace hg
