#include "srtp/srtp_session.h"

#include <srtp2/srtp.h>

#include <array>
#include <cstring>
#include <mutex>
#include <stdexcept>

#include "base/check.h"
#include "base/prefetch.h"

namespace hg {
namespace {

// srtp_init() fills process-wide tables; srtp_shutdown() is never called: other
// environments of the process may still use them.
void InitializeLibraryOnce() {
  static std::once_flag once;
  static srtp_err_status_t status = srtp_err_status_ok;
  std::call_once(once, [] { status = srtp_init(); });
  if (status != srtp_err_status_ok)
    throw std::runtime_error("libsrtp could not be initialized (error " +
                             std::to_string(status) + ")");
}

struct ProfileFacts {
  srtp_profile_t libsrtp;
  std::size_t keys_size;  // master key and master salt
  std::size_t rtp_tag;
  std::size_t rtcp_tag;
};

ProfileFacts FactsOf(SrtpProfile profile) {
  switch (profile) {
    case SrtpProfile::kAeadAes128Gcm:
      return {srtp_profile_aead_aes_128_gcm, 16 + 12, 16, 16};
    case SrtpProfile::kAeadAes256Gcm:
      return {srtp_profile_aead_aes_256_gcm, 32 + 12, 16, 16};
    case SrtpProfile::kAes128CmSha1_80:
      break;
  }
  return {srtp_profile_aes128_cm_sha1_80, 16 + 14, 10, 10};
}

class Context {
 public:
  Context(const ProfileFacts& facts, srtp_ssrc_type_t direction,
          std::vector<std::uint8_t> keys) {
    if (keys.size() != facts.keys_size)
      throw std::runtime_error("SRTP keys of " + std::to_string(keys.size()) +
                               " bytes, not " +
                               std::to_string(facts.keys_size));
    srtp_policy_t policy{};
    if (srtp_crypto_policy_set_from_profile_for_rtp(&policy.rtp,
                                                    facts.libsrtp) != 0 ||
        srtp_crypto_policy_set_from_profile_for_rtcp(&policy.rtcp,
                                                     facts.libsrtp) != 0)
      throw std::runtime_error("this libsrtp lacks the SRTP profile");
    policy.ssrc.type = direction;
    policy.key = keys.data();
    policy.window_size = SrtpSession::kReplayWindow;
    policy.allow_repeat_tx = 1;
    const srtp_err_status_t status = srtp_create(&session_, &policy);
    explicit_bzero(keys.data(), keys.size());
    if (status != srtp_err_status_ok)
      throw std::runtime_error("libsrtp refused the keys (error " +
                               std::to_string(status) + ")");
  }
  ~Context() { srtp_dealloc(session_); }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  srtp_t get() const { return session_; }

 private:
  srtp_t session_ = nullptr;
};

// The SSRCs whose streams libsrtp keeps. A peer has few, and runs of packets
// have the same, so a list with the last hit in front beats a hash.
class SsrcList {
 public:
  bool Has(std::uint32_t ssrc) {
    if (count_ > 0 && ssrcs_[last_] == ssrc) return true;
    for (std::size_t i = 0; i < count_; ++i) {
      if (ssrcs_[i] != ssrc) continue;
      last_ = i;
      return true;
    }
    return false;
  }
  bool full() const { return count_ == ssrcs_.size(); }
  void Add(std::uint32_t ssrc) {
    if (Has(ssrc) || full()) return;
    last_ = count_;
    ssrcs_[count_++] = ssrc;
  }

 private:
  std::array<std::uint32_t, SrtpSession::kMaxInboundSsrcs> ssrcs_;
  std::size_t count_ = 0;
  std::size_t last_ = 0;
};

// RFC 3550 s5.1: fixed header, contributing sources, header extension.
std::optional<std::size_t> RtpHeaderSize(Bytes packet) {
  constexpr std::size_t kFixed = 12;
  if (packet.size() < kFixed || packet[0] >> 6 != 2) return std::nullopt;
  std::size_t size = kFixed + std::size_t{4} * (packet[0] & 0x0f);
  if (packet[0] & 0x10) {
    if (packet.size() < size + 4) return std::nullopt;
    size += 4 + std::size_t{4} * LoadU16(packet.data() + size + 2);
  }
  if (packet.size() < size) return std::nullopt;
  return size;
}

SrtpSession::Outcome ToOutcome(srtp_err_status_t status) {
  switch (status) {
    case srtp_err_status_ok:
      return SrtpSession::Outcome::kOk;
    case srtp_err_status_replay_fail:
    case srtp_err_status_replay_old:
    case srtp_err_status_pkt_idx_old:
      return SrtpSession::Outcome::kReplayed;
    case srtp_err_status_auth_fail:
    case srtp_err_status_cipher_fail:  // GCM's tag, with some back ends
      return SrtpSession::Outcome::kAuthFailed;
    default:
      return SrtpSession::Outcome::kError;
  }
}

}  // namespace

struct SrtpSession::Impl {
  explicit Impl(const SrtpKeys& keys)
      : profile(keys.profile),
        facts(FactsOf(keys.profile)),
        outbound(facts, ssrc_any_outbound, keys.local),
        inbound(facts, ssrc_any_inbound, keys.remote) {}

  template <typename Unprotect>
  Unprotected Decrypt(MutableBytes packet, std::uint32_t ssrc,
                      Unprotect unprotect) {
    const bool known = inbound_ssrcs.Has(ssrc);
    if (!known && inbound_ssrcs.full()) return {Outcome::kTooManySsrcs, 0};
    int size = static_cast<int>(packet.size());
    const srtp_err_status_t status =
        unprotect(inbound.get(), packet.data(), &size);
    if (status != srtp_err_status_ok || size < 0) return {ToOutcome(status), 0};
    if (!known) inbound_ssrcs.Add(ssrc);
    return {Outcome::kOk, static_cast<std::size_t>(size)};
  }

  const SrtpProfile profile;
  const ProfileFacts facts;
  Context outbound;
  Context inbound;
  SsrcList inbound_ssrcs;
};

SrtpSession::SrtpSession(const SrtpKeys& keys) {
  InitializeLibraryOnce();
  impl_ = std::make_unique<Impl>(keys);
}

SrtpSession::~SrtpSession() = default;

std::optional<std::size_t> SrtpSession::ProtectRtp(MutableBytes buffer,
                                                   std::size_t size) {
  HG_CHECK(buffer.size() >= size + kMaxOverhead);
  if (!RtpHeaderSize(buffer.first(size))) return std::nullopt;
  int length = static_cast<int>(size);
  if (srtp_protect(impl_->outbound.get(), buffer.data(), &length) !=
      srtp_err_status_ok)
    return std::nullopt;
  return static_cast<std::size_t>(length);
}

std::optional<std::size_t> SrtpSession::ProtectRtcp(MutableBytes buffer,
                                                    std::size_t size) {
  HG_CHECK(buffer.size() >= size + kMaxOverhead);
  if (size < 8) return std::nullopt;
  int length = static_cast<int>(size);
  if (srtp_protect_rtcp(impl_->outbound.get(), buffer.data(), &length) !=
      srtp_err_status_ok)
    return std::nullopt;
  return static_cast<std::size_t>(length);
}

// Lengths are checked here although libsrtp checks them too: its AEAD path for
// RTCP (2.5.0) lets a packet through that is shorter than its tag.
SrtpSession::Unprotected SrtpSession::UnprotectRtp(MutableBytes packet) {
  const auto header = RtpHeaderSize(packet);
  if (!header || packet.size() < *header + impl_->facts.rtp_tag)
    return {Outcome::kError, 0};
  return impl_->Decrypt(packet, LoadU32(packet.data() + 8), srtp_unprotect);
}

SrtpSession::Unprotected SrtpSession::UnprotectRtcp(MutableBytes packet) {
  constexpr std::size_t kHeader = 8;
  constexpr std::size_t kIndex = 4;  // E bit and SRTCP index (RFC 3711 s3.4)
  if (packet.size() < kHeader + kIndex + impl_->facts.rtcp_tag ||
      packet[0] >> 6 != 2)
    return {Outcome::kError, 0};
  return impl_->Decrypt(packet, LoadU32(packet.data() + 4),
                        srtp_unprotect_rtcp);
}

void SrtpSession::Prefetch(unsigned step) const {
  if (step == 0) return hg::Prefetch(impl_.get());
  PrefetchBytes(impl_->outbound.get(), kCacheLine);
}

SrtpProfile SrtpSession::profile() const { return impl_->profile; }

std::string SrtpSession::LibraryVersion() { return srtp_get_version_string(); }

}  // namespace hg
