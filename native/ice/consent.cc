#include "ice/consent.h"

#include <stun/stunagent.h>
#include <stun/usages/ice.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <span>

namespace hg {
namespace {

constexpr std::size_t kStunHeader = 20;
constexpr std::uint16_t kBindingSuccess = 0x0101;
constexpr std::uint16_t kBindingError = 0x0111;
// RFC 8445 s5.1.2: a peer-reflexive candidate's, as checks carry it.
constexpr std::uint32_t kPriority = (110u << 24) | (65535u << 8) | 255u;
constexpr int kRoleConflict = 487;  // RFC 8445 s7.2.5.1
constexpr int kForbidden = 403;     // RFC 7675 s5.2

void InitAgent(StunAgent* agent) {
  stun_agent_init(
      agent, STUN_ALL_KNOWN_ATTRIBUTES, STUN_COMPATIBILITY_RFC5389,
      static_cast<StunAgentUsageFlags>(STUN_AGENT_USAGE_SHORT_TERM_CREDENTIALS |
                                       STUN_AGENT_USAGE_USE_FINGERPRINT));
}

// libnice's signatures want mutable bytes, and do not write to them.
std::uint8_t* Mutable(const std::string& text) {
  return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
}

}  // namespace

void Consent::Start(const std::string& local_ufrag, const IceRemote& remote,
                    const SocketAddress& remote_address, bool controlling,
                    Timestamp now) {
  running_ = true;
  revoked_ = false;
  controlling_ = controlling;
  username_ = remote.ufrag + ":" + local_ufrag;
  password_ = remote.pwd;
  remote_address_ = remote_address;
  last_answer_ = now;
  next_check_ = now + std::min(times_.consent_first, times_.consent_interval);
  sent_count_ = 0;
  round_trip_.reset();
}

Bytes Consent::DueCheck(Timestamp now) {
  if (!running_ || now < next_check_ || health(now) == Health::kLost) return {};
  next_check_ = now + times_.consent_retry;

  StunAgent agent;
  InitAgent(&agent);
  StunMessage message;
  // libnice may have changed the role after a conflict and does not tell.
  // These tie-breakers lose every conflict, so that a wrong guess is answered
  // with an error to us and never changes the peer's role (RFC 8445 s7.3.1.1).
  const std::uint64_t tie_breaker =
      controlling_ ? 0 : std::numeric_limits<std::uint64_t>::max();
  const std::size_t size = stun_usage_ice_conncheck_create(
      &agent, &message, buffer_.data(), buffer_.size(), Mutable(username_),
      username_.size(), Mutable(password_), password_.size(), controlling_,
      controlling_, kPriority, tie_breaker, nullptr,
      STUN_USAGE_ICE_COMPATIBILITY_RFC5245);
  if (size < kStunHeader) return {};
  Check& check = sent_[sent_count_++ % sent_.size()];
  std::memcpy(check.id.data(), buffer_.data() + 4, check.id.size());
  check.sent = now;
  return Bytes(buffer_.data(), size);
}

bool Consent::IsAnswer(Bytes head) const { return AnsweredBy(head) != nullptr; }

// The check that a datagram which begins so answers; null: none.
const Consent::Check* Consent::AnsweredBy(Bytes head) const {
  if (!running_ || head.size() < kStunHeader) return nullptr;
  const std::uint16_t type = LoadU16(head.data());
  if (type != kBindingSuccess && type != kBindingError) return nullptr;
  const auto checks =
      std::span(sent_).first(std::min(sent_count_, sent_.size()));
  const auto found = std::ranges::find_if(checks, [&](const Check& check) {
    return std::memcmp(check.id.data(), head.data() + 4, check.id.size()) == 0;
  });
  return found == checks.end() ? nullptr : &*found;
}

bool Consent::OnAnswer(Bytes datagram, const SocketAddress& from,
                       Timestamp now) {
  const Check* answered = AnsweredBy(datagram);
  if (answered == nullptr || !(from == remote_address_) ||
      health(now) == Health::kLost)
    return false;
  StunAgent agent;
  InitAgent(&agent);
  StunAgentSavedIds& sent = agent.sent_ids[0];
  std::memcpy(sent.id, datagram.data() + 4, 16);
  sent.method = STUN_BINDING;
  sent.key = Mutable(password_);
  sent.key_len = password_.size();
  sent.long_term_valid = false;
  sent.valid = true;
  StunMessage message;
  if (stun_agent_validate(&agent, &message, datagram.data(), datagram.size(),
                          nullptr, nullptr) != STUN_VALIDATION_SUCCESS)
    return false;

  if (stun_message_get_class(&message) == STUN_ERROR) {
    int code = 0;
    if (stun_message_find_error(&message, &code) != STUN_MESSAGE_RETURN_SUCCESS)
      return false;
    if (code == kForbidden) revoked_ = true;
    if (code != kRoleConflict) return false;
    controlling_ = !controlling_;
  }
  last_answer_ = now;
  round_trip_ = now - answered->sent;
  // 0.8 to 1.2 of the interval (RFC 7675 s5.1), by the transaction's own
  // random bytes.
  const auto interval = times_.consent_interval;
  next_check_ = now + interval * 4 / 5 +
                interval * 2 / 5 * datagram[kStunHeader - 1] / 255;
  sent_count_ = 0;
  return true;
}

Consent::Health Consent::health(Timestamp now) const {
  if (!running_) return Health::kGranted;
  if (revoked_ || now - last_answer_ >= times_.consent_lifetime)
    return Health::kLost;
  if (now - last_answer_ >= times_.consent_quiet) return Health::kQuiet;
  return Health::kGranted;
}

std::optional<Timestamp> Consent::NextTimeout(Timestamp now) const {
  if (!running_) return std::nullopt;
  switch (health(now)) {
    case Health::kGranted:
      return std::min(next_check_, last_answer_ + times_.consent_quiet);
    case Health::kQuiet:
      return std::min(next_check_, last_answer_ + times_.consent_lifetime);
    case Health::kLost:
      break;
  }
  return std::nullopt;
}

}  // namespace hg
