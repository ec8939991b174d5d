// What two threads share of a peer that is captured: a ring of bytes that its
// plain RTP and RTCP packets are copied to by its media thread, and that the
// capture's file thread empties. The media thread never waits, and allocates
// nothing: what finds no room is dropped and counted.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/counter.h"
#include "base/mailbox.h"
#include "base/ring_reader.h"

namespace hg {

// As we see it.
enum class CaptureDirection : std::uint8_t { kIn, kOut };
enum class CaptureKind : std::uint8_t { kRtp, kRtcp };

struct CapturedPacket {
  Timestamp time{};        // of the turn it came or left in
  std::uint16_t size = 0;  // of the whole packet
  std::uint16_t kept = 0;  // the first bytes of it
  CaptureDirection direction = CaptureDirection::kIn;
  CaptureKind kind = CaptureKind::kRtp;
};

// How many rings an engine may have: 128 MB.
struct CaptureBudget {
  static constexpr std::size_t kMaxRings = 64;
  std::atomic<std::size_t> rings{0};
};

class CaptureQueue {
 public:
  // 3 s of 5 Mbit/s, both ways together; a minute, if only headers are kept.
  static constexpr std::size_t kRingBytes = 2 << 20;

  // Keeps the first `truncate` bytes of each packet, 0: all. `ring_bytes` is a
  // power of two. `budget` and `reader` must outlive it.
  CaptureQueue(std::size_t truncate, std::size_t ring_bytes,
               CaptureBudget& budget, RingReader& reader);
  ~CaptureQueue();
  CaptureQueue(const CaptureQueue&) = delete;
  CaptureQueue& operator=(const CaptureQueue&) = delete;

  // ---- the media thread -----------------------------------------------------

  void Push(CaptureDirection direction, CaptureKind kind, Bytes packet,
            Timestamp now);

  // ---- any thread -----------------------------------------------------------

  // Nothing is pushed any more.
  void End();
  // Found no room.
  std::uint64_t dropped() const { return dropped_.value(); }

  // ---- the file thread ------------------------------------------------------

  // To be asked before the ring is emptied.
  bool ended() const { return ended_.load(std::memory_order_acquire); }
  // The oldest; `bytes` become what was kept of it. Nothing: the ring is empty.
  std::optional<CapturedPacket> Pop(std::vector<std::uint8_t>& bytes);

 private:
  // At a place of the ring, around its end.
  void CopyIn(std::size_t at, Bytes bytes);
  void CopyOut(std::size_t at, MutableBytes bytes) const;

  const std::size_t truncate_;
  const std::size_t mask_;
  const std::unique_ptr<std::uint8_t[]> ring_;
  CaptureBudget& budget_;
  RingReader& reader_;
  std::atomic<bool> ended_{false};
  // Producer's line.
  alignas(kNoFalseSharing) std::atomic<std::size_t> tail_{0};
  std::size_t woken_at_ = 0;
  Counter dropped_;
  // Consumer's line.
  alignas(kNoFalseSharing) std::atomic<std::size_t> head_{0};
};

}  // namespace hg
