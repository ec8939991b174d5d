// usrsctp (RFC 9260 in user space), which is global to the process: at most one
// stack exists at a time, and everything of it and of its associations happens
// on one thread. Timers are run by Advance(); round trips and life times it
// takes from the wall clock (it offers no other): where that is set back, a
// lost packet is sent again that much later.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"

struct socket;

namespace hg {

class Association;
// The C library has a function of that name.
using SctpSocket = struct ::socket;

class SctpStack {
 public:
  // What usrsctp counts its timers in.
  static constexpr Duration kTick = 10ms;

  explicit SctpStack(Timestamp now);
  // No association is left. Gives back all that usrsctp has.
  ~SctpStack();
  SctpStack(const SctpStack&) = delete;
  SctpStack& operator=(const SctpStack&) = delete;

  // Runs what is due; then lets the associations that have something to read
  // or room to write do so.
  void Advance(Timestamp now);
  bool empty() const { return associations_.empty(); }

 private:
  friend class Association;

  // What usrsctp knows an association by: never used twice, so that whatever
  // it still holds of an old one finds nothing.
  void* Register(Association& association);
  void Unregister(void* address);
  // Its OnReady() is called by Advance().
  void MarkReady(Association& association);
  MutableBytes read_buffer() { return read_buffer_; }

  static int OnOutput(void* address, void* buffer, std::size_t size,
                      std::uint8_t tos, std::uint8_t set_df);
  static void OnUpcall(SctpSocket* socket, void* address, int flags);
  Association* Find(void* address);

  Timestamp timers_at_;
  std::uintptr_t next_ = 1;
  std::unordered_map<void*, Association*> associations_;
  std::vector<void*> ready_;
  // usrsctp's notifications are structs.
  alignas(8) std::array<std::uint8_t, 65536> read_buffer_;
};

}  // namespace hg
