// Packets that many viewers share, and the pool their memory comes from.
//
// The life of one: the owner thread takes a PacketDraft from its PacketPool,
// reads a datagram into `buffer()`, fills `info`, and seals it to a PacketRef.
// From then on the packet is immutable; PacketRefs are copied to other threads
// freely, and whichever goes last sends the block back to its pool.
//
//   PacketDraft draft = pool.Allocate();
//   if (!draft) return;                        // exhausted, and counted
//   draft->set_size(Read(draft->buffer()));
//   draft->info.ssrc = …;
//   PacketRef packet = std::move(draft).Seal();
//
// Invariants: Allocate() is called by one thread only; no call but the growth
// of the pool by a slab allocates; memory never exceeds `max_packets` blocks;
// packets may outlive their pool.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/bytes.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/counter.h"

namespace hg {

class PacketBuffer;
class PacketDraft;
class PacketPool;
class PacketRef;

// What the source of a packet found out about it, once for all viewers.
struct PacketInfo {
  Timestamp arrival{};             // at the socket
  std::uint64_t extended_seq = 0;  // normalised: continuous across restarts of
  std::uint32_t timestamp = 0;     // the source, unlike the bytes of the packet
  std::uint32_t ssrc = 0;          // as in the packet
  // Offsets count from the start of the packet. `payload` is without padding.
  std::uint16_t payload_offset = 0;
  std::uint16_t payload_size = 0;
  std::uint16_t extension_offset = 0;   // the element block of RFC 8285
  std::uint16_t extension_size = 0;     // 0: none
  std::uint16_t extension_profile = 0;  // 0xBEDE or 0x100X
  std::uint8_t payload_type = 0;        // as in the packet
  std::uint8_t spatial_layer = 0;
  std::uint8_t temporal_layer = 0;
  bool marker = false;
  bool keyframe = false;       // a decoder can start with this packet
  bool frame_start = false;    // first packet of a codec frame
  bool discontinuity = false;  // the source restarted just before this packet
  bool truncated = false;      // the datagram was longer than the buffer
  bool late = false;           // packets after it came before it
  // Of the layers; rtp/codec/codec.h says what they mean.
  bool frame_end = false;
  bool layer_sync = false;
  bool temporal_switch = false;
  bool spatial_sync = false;
  bool not_for_upper = false;

  // Header extensions of the sender that viewers get too.
  enum Passed : std::uint8_t {
    kAudioLevel = 1,
    kVideoOrientation = 2,
    kPlayoutDelay = 4,
    kDependencyDescriptor = 8,
  };
  std::uint8_t passed = 0;  // which it has
  std::uint8_t audio_level = 0;
  std::uint8_t video_orientation = 0;
  std::uint8_t descriptor_size = 0;     // of the dependency descriptor
  std::uint16_t descriptor_offset = 0;  // from the start of the packet
  std::uint16_t frame_number = 0;       // of the descriptor, normalised
  std::uint32_t playout_delay = 0;      // 24 bit

  // RED (RFC 2198): where in the payload the primary encoding is; 0: not RED.
  std::uint16_t red_primary = 0;

  // The normalised 16-bit sequence number.
  std::uint16_t seq() const { return static_cast<std::uint16_t>(extended_seq); }
  // What SentMap and RetransmissionStore know it by.
  std::uint32_t seq32() const {
    return static_cast<std::uint32_t>(extended_seq);
  }
};

namespace internal {
class PoolCore;
}

// One block of a pool. Mutable only through a PacketDraft.
class alignas(64) PacketBuffer {
 public:
  // Holds any datagram of an Ethernet path, with room for SRTP in place.
  static constexpr std::size_t kCapacity = 2048;

  PacketBuffer(const PacketBuffer&) = delete;
  PacketBuffer& operator=(const PacketBuffer&) = delete;

  // The whole packet.
  Bytes bytes() const { return Bytes(data_.data(), size_); }
  std::size_t size() const { return size_; }
  std::size_t header_size() const { return info.payload_offset; }
  // Empty if `info` was never filled; never outside the packet.
  Bytes payload() const {
    return Range(info.payload_offset, info.payload_size);
  }
  Bytes extension() const {
    return Range(info.extension_offset, info.extension_size);
  }
  std::uint16_t seq() const { return info.seq(); }

  // For drafts: all the room there is, and how much of it is used.
  MutableBytes buffer() { return data_; }
  void set_size(std::size_t size) {
    HG_CHECK(size <= kCapacity);
    size_ = static_cast<std::uint16_t>(size);
  }

  PacketInfo info;

 private:
  friend class PacketDraft;
  friend class PacketPool;
  friend class PacketRef;
  friend class internal::PoolCore;
  PacketBuffer() = default;

  Bytes Range(std::size_t offset, std::size_t size) const {
    if (offset + size > size_) return {};
    return Bytes(data_.data() + offset, size);
  }
  void AddRef() const { refs_.fetch_add(1, std::memory_order_relaxed); }
  void Release() const;
  void ReturnToPool() const;

  mutable std::atomic<std::uint32_t> refs_{0};
  std::uint16_t size_ = 0;
  internal::PoolCore* core_ = nullptr;
  mutable const PacketBuffer* next_free_ = nullptr;   // of its chain
  mutable const PacketBuffer* next_chain_ = nullptr;  // of the head of one
  std::array<std::uint8_t, kCapacity> data_;          // left uninitialised
};

// A counted reference to an immutable packet. Copies may live on any thread;
// one PacketRef object belongs to one thread at a time. Empty after a move.
class PacketRef {
 public:
  PacketRef() = default;
  PacketRef(const PacketRef& other) : packet_(other.packet_) {
    if (packet_ != nullptr) packet_->AddRef();
  }
  PacketRef(PacketRef&& other) noexcept
      : packet_(std::exchange(other.packet_, nullptr)) {}
  PacketRef& operator=(PacketRef other) noexcept {
    std::swap(packet_, other.packet_);
    return *this;
  }
  ~PacketRef() {
    if (packet_ != nullptr) packet_->Release();
  }

  explicit operator bool() const { return packet_ != nullptr; }
  const PacketBuffer& operator*() const { return *packet_; }
  const PacketBuffer* operator->() const { return packet_; }
  const PacketBuffer* get() const { return packet_; }
  void reset() { *this = PacketRef(); }

 private:
  friend class PacketDraft;
  explicit PacketRef(const PacketBuffer* packet) : packet_(packet) {}

  const PacketBuffer* packet_ = nullptr;
};

// The only owner of a packet that is still being filled.
class PacketDraft {
 public:
  PacketDraft() = default;
  PacketDraft(PacketDraft&& other) noexcept
      : packet_(std::exchange(other.packet_, nullptr)) {}
  PacketDraft& operator=(PacketDraft&& other) noexcept {
    std::swap(packet_, other.packet_);
    return *this;
  }
  ~PacketDraft() {
    if (packet_ != nullptr) packet_->Release();
  }

  explicit operator bool() const { return packet_ != nullptr; }
  PacketBuffer& operator*() const { return *packet_; }
  PacketBuffer* operator->() const { return packet_; }

  // Immutable from here on. The draft is empty afterwards.
  PacketRef Seal() && { return PacketRef(std::exchange(packet_, nullptr)); }

 private:
  friend class PacketPool;
  explicit PacketDraft(PacketBuffer* packet) : packet_(packet) {}

  PacketBuffer* packet_ = nullptr;
};

class PacketPool {
 public:
  struct Limits {
    std::size_t slab_packets = 64;    // how many blocks it grows by at a time
    std::size_t max_packets = 65536;  // 65536 are 140 MB
  };

  explicit PacketPool(const Limits& limits);  // allocates the first slab
  ~PacketPool();
  PacketPool(const PacketPool&) = delete;
  PacketPool& operator=(const PacketPool&) = delete;

  // Owner thread only. Empty when `max_packets` are in use, and counted.
  // `info` is as new; size() is 0.
  PacketDraft Allocate();

  // Any thread.
  std::size_t blocks() const;       // that exist, in use or free
  std::uint64_t exhausted() const;  // how often Allocate() returned empty

 private:
  internal::PoolCore* core_;  // deletes itself when the last packet is gone
};

inline void PacketBuffer::Release() const {
  // The last reference needs no locked operation: nobody else can add one.
  if (refs_.load(std::memory_order_acquire) == 1 ||
      refs_.fetch_sub(1, std::memory_order_acq_rel) == 1)
    ReturnToPool();
}

}  // namespace hg
