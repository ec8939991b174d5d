#include "sctp/stack.h"

#include <usrsctp.h>

#include <utility>

#include "base/check.h"
#include "sctp/association.h"

namespace hg {
namespace {

// usrsctp's callbacks carry no context that outlives a socket.
SctpStack* current = nullptr;

// An association that was aborted leaves timers that free it; they are run in
// time that does not pass.
constexpr int kMaxFinishTurns = 100;

void Configure() {
  usrsctp_enable_crc32c_offload();  // see OnOutput
  usrsctp_sysctl_set_sctp_blackhole(2);
  usrsctp_sysctl_set_sctp_ecn_enable(0);
  usrsctp_sysctl_set_sctp_asconf_enable(0);
  usrsctp_sysctl_set_sctp_auth_enable(0);
  usrsctp_sysctl_set_sctp_nrsack_enable(0);
  usrsctp_sysctl_set_sctp_pktdrop_enable(0);
  usrsctp_sysctl_set_sctp_pr_enable(1);
  usrsctp_sysctl_set_sctp_reconfig_enable(1);
  // RFC 6928's ten packets at the start, and ten at once: the path is known to
  // carry media.
  usrsctp_sysctl_set_sctp_initial_cwnd(10);
  usrsctp_sysctl_set_sctp_max_burst_default(10);
  usrsctp_sysctl_set_sctp_fr_max_burst_default(10);
  // Reports of what arrived are not held back for long: browsers' timers for
  // resending go down to their round trip.
  usrsctp_sysctl_set_sctp_delayed_sack_time_default(20);
  usrsctp_sysctl_set_sctp_rto_min_default(200);
  usrsctp_sysctl_set_sctp_rto_initial_default(500);
  usrsctp_sysctl_set_sctp_rto_max_default(5000);
  usrsctp_sysctl_set_sctp_init_rto_max_default(5000);
  // Otherwise an association ends at a chunk's thirtieth sending.
  usrsctp_sysctl_set_sctp_max_retran_chunk(0);
  // Each chunk that waits costs several hundred bytes, however small.
  usrsctp_sysctl_set_sctp_max_chunks_on_queue(2048);
}

}  // namespace

SctpStack::SctpStack(Timestamp now) : timers_at_(now) {
  HG_CHECK(current == nullptr);
  current = this;
  usrsctp_init_nothreads(0, OnOutput, nullptr);
  Configure();
}

SctpStack::~SctpStack() {
  HG_CHECK(associations_.empty());
  // If it cannot end, it stays, and the next stack goes on with it.
  for (int i = 0; usrsctp_finish() != 0 && i < kMaxFinishTurns; ++i)
    usrsctp_handle_timers(1000);
  current = nullptr;
}

void* SctpStack::Register(Association& association) {
  // An address for usrsctp is a number for us.
  void* address = reinterpret_cast<void*>(next_++);
  associations_.emplace(address, &association);
  usrsctp_register_address(address);
  return address;
}

void SctpStack::Unregister(void* address) {
  associations_.erase(address);
  usrsctp_deregister_address(address);
}

void SctpStack::MarkReady(Association& association) {
  if (!std::exchange(association.ready_, true))
    ready_.push_back(association.address_);
}

Association* SctpStack::Find(void* address) {
  const auto found = associations_.find(address);
  return found == associations_.end() ? nullptr : found->second;
}

void SctpStack::Advance(Timestamp now) {
  const auto ticks = (now - timers_at_) / kTick;
  if (ticks > 0) {
    timers_at_ += ticks * kTick;
    usrsctp_handle_timers(static_cast<std::uint32_t>(ticks * (kTick / 1ms)));
  }
  while (!ready_.empty()) {
    for (void* address : std::exchange(ready_, {})) {
      if (Association* association = Find(address)) association->OnReady();
    }
  }
}

// The checksum: "offloaded" means that usrsctp leaves it to us both ways. DTLS
// has authenticated what came (RFC 8261 s5), so nobody looks there; the other
// side may look at ours, unless RFC 9653 was negotiated.
int SctpStack::OnOutput(void* address, void* buffer, std::size_t size,
                        std::uint8_t, std::uint8_t) {
  Association* association = current ? current->Find(address) : nullptr;
  if (association == nullptr || size < sizeof(sctp_common_header)) return 0;
  const std::uint32_t checksum = usrsctp_crc32c(buffer, size);
  auto* bytes = static_cast<std::uint8_t*>(buffer);
  // usrsctp gives it in the order of the wire.
  __builtin_memcpy(bytes + 8, &checksum, sizeof checksum);
  association->OnOutput(Bytes(bytes, size));
  return 0;
}

// Comes from deep inside usrsctp: it is only noted here.
void SctpStack::OnUpcall(SctpSocket*, void* address, int) {
  Association* association = current ? current->Find(address) : nullptr;
  if (association != nullptr) current->MarkReady(*association);
}

}  // namespace hg
