// A view of the bytes of one RTP packet (RFC 3550 s5.1) and of its header
// extensions (RFC 8285). Nothing is copied; a view is valid as long as the
// bytes are. What Parse() accepts is inside the packet, whoever sent it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/pool.h"

namespace hg {

enum class PacketKind : std::uint8_t { kRtp, kRtcp, kUnknown };

// Tells RTP from RTCP on one port, by the second byte (RFC 5761 s4): RTCP uses
// 192-223; RTP must not use payload types 64-95. kUnknown is to be dropped.
PacketKind Classify(Bytes packet);
inline bool IsRtcp(Bytes packet) {
  return Classify(packet) == PacketKind::kRtcp;
}

// RFC 8285 s4.2 and s4.3.
inline constexpr std::uint16_t kOneByteExtensions = 0xbede;
inline constexpr std::uint16_t kTwoByteExtensions = 0x1000;
inline constexpr std::uint16_t kTwoByteExtensionsMask = 0xfff0;
inline constexpr std::uint8_t kMaxOneByteExtensionId = 14;

struct ExtensionElement {
  std::uint8_t id;  // 1-14 in the one-byte form, 1-255 in the two-byte form
  Bytes data;       // may be empty in the two-byte form
};

// The elements of one extension block, for a range-based for. Padding is
// skipped; a malformed element ends the range.
class ExtensionRange {
 public:
  class Iterator {
   public:
    Iterator() = default;
    Iterator(Bytes rest, bool two_byte) : rest_(rest), two_byte_(two_byte) {
      Advance();
    }
    const ExtensionElement& operator*() const { return element_; }
    Iterator& operator++() {
      Advance();
      return *this;
    }
    // The end compares equal to any iterator that has nothing left.
    friend bool operator==(const Iterator& a, const Iterator& b) {
      return a.element_.id == b.element_.id &&
             (a.element_.id == 0 || a.rest_.size() == b.rest_.size());
    }

   private:
    void Advance();

    Bytes rest_;
    ExtensionElement element_{0, {}};
    bool two_byte_ = false;
  };

  // `profile` other than the two forms of RFC 8285 makes an empty range.
  ExtensionRange(std::uint16_t profile, Bytes block)
      : profile_(profile), block_(block) {}

  Iterator begin() const;
  Iterator end() const { return {}; }
  // The data of the first element with this id.
  std::optional<Bytes> Find(std::uint8_t id) const;

 private:
  std::uint16_t profile_;
  Bytes block_;
};

struct RtpView {
  static constexpr std::size_t kFixedHeaderSize = 12;

  // nullopt: not version 2, or lengths that do not fit the packet.
  static std::optional<RtpView> Parse(Bytes packet);

  bool marker = false;
  std::uint8_t payload_type = 0;
  std::uint16_t seq = 0;
  std::uint32_t timestamp = 0;
  std::uint32_t ssrc = 0;
  Bytes csrcs;  // 4 bytes each
  std::uint16_t extension_profile = 0;
  Bytes extension;  // the block behind its 4-byte header; empty if none
  std::size_t header_size = 0;    // fixed, csrcs and extension
  Bytes payload;                  // without padding; empty in pure padding
  std::uint8_t padding_size = 0;  // 0: none

  ExtensionRange extensions() const {
    return ExtensionRange(extension_profile, extension);
  }
};

// Fills what the bytes tell: offsets, ssrc, payload type, marker. Not arrival,
// the normalised numbers and what the codec knows.
void Describe(const RtpView& view, PacketInfo& info);

}  // namespace hg
