// Reads those header extensions of a source's packets that its viewers get too,
// once for all of them, and what the dependency descriptor says of layers.
//
// Invariant: frame numbers are normalised: those of a sender that started anew
// go on where the ones before ended.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "base/pool.h"
#include "rtp/ext/dependency_descriptor.h"
#include "rtp/ext/ids.h"
#include "rtp/packet.h"

namespace hg {

class PassedExtensions {
 public:
  void SetIds(const ExtensionIds& ids);
  // Nothing was negotiated: Read() finds nothing.
  bool empty() const { return !any_; }

  // `info` has the packet's normalised timestamp; what is found is added.
  // False: there is a descriptor that cannot be read.
  bool Read(const RtpView& packet, PacketInfo& info);
  // The sender started anew.
  void Restart();

 private:
  bool ReadDescriptor(const RtpView& packet, Bytes data, PacketInfo& info);
  std::uint16_t Normalise(std::uint16_t frame_number);

  ExtensionIds ids_;
  bool any_ = false;
  std::unique_ptr<DependencyDescriptorReader> descriptors_;
  std::uint16_t frame_offset_ = 0;
  std::optional<std::uint16_t> newest_frame_;  // normalised
  bool rebase_ = false;
};

}  // namespace hg
