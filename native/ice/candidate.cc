#include "ice/candidate.h"

#include <netinet/in.h>

#include <array>
#include <charconv>
#include <cstring>

namespace hg {
namespace {

// The longest that RFC 8839 allows are far below; a line of a data channel's
// signalling could be megabytes.
constexpr std::size_t kMaxLine = 1024;
constexpr std::size_t kMaxFoundation = 32;

class Tokens {
 public:
  explicit Tokens(std::string_view line) : rest_(line) {}

  // Empty at the end.
  std::string_view Next() {
    const std::size_t begin = rest_.find_first_not_of(' ');
    if (begin == std::string_view::npos) return {};
    rest_.remove_prefix(begin);
    const std::size_t end = rest_.find(' ');
    const std::string_view token = rest_.substr(0, end);
    rest_.remove_prefix(token.size());
    return token;
  }

 private:
  std::string_view rest_;
};

template <typename T>
std::optional<T> Number(std::string_view text) {
  T value{};
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value);
  if (result.ec != std::errc() || result.ptr != end) return std::nullopt;
  return value;
}

bool EqualsIgnoringCase(std::string_view a, std::string_view lower) {
  if (a.size() != lower.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const char c = a[i];
    if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c) != lower[i])
      return false;
  }
  return true;
}

std::optional<CandidateType> TypeOf(std::string_view text) {
  if (text == "host") return CandidateType::kHost;
  if (text == "srflx") return CandidateType::kSrflx;
  if (text == "prflx") return CandidateType::kPrflx;
  if (text == "relay") return CandidateType::kRelay;
  return std::nullopt;
}

bool CanBeAPeer(const SocketAddress& address) {
  const SocketAddress::Key key = address.key();
  if (address.storage.ss_family == AF_INET6) {
    static constexpr std::array<std::uint8_t, 16> kUnspecified{};
    return key[0] != 0xff &&  // multicast
           std::memcmp(key.data(), kUnspecified.data(), 16) != 0;
  }
  return key[12] != 0 && key[12] < 224;  // 0/8; multicast, reserved, broadcast
}

}  // namespace

std::optional<RemoteCandidate> ParseRemoteCandidate(std::string_view line) {
  constexpr std::string_view kPrefix = "candidate:";
  if (line.size() > kMaxLine) return std::nullopt;
  if (line.starts_with("a=")) line.remove_prefix(2);
  while (!line.empty() && (line.back() == '\r' || line.back() == '\n'))
    line.remove_suffix(1);
  if (!line.starts_with(kPrefix)) return std::nullopt;
  Tokens tokens(line.substr(kPrefix.size()));

  RemoteCandidate result;
  // Longer than allowed is cut, not refused: only equality matters.
  result.foundation = tokens.Next().substr(0, kMaxFoundation);
  const auto component = Number<unsigned>(tokens.Next());
  const std::string_view transport = tokens.Next();
  const auto priority = Number<std::uint32_t>(tokens.Next());
  const std::string address(tokens.Next());
  const auto port = Number<std::uint16_t>(tokens.Next());
  if (result.foundation.empty() || component != 1u || !priority || !port ||
      *port == 0 || !EqualsIgnoringCase(transport, "udp") ||
      tokens.Next() != "typ")
    return std::nullopt;
  const auto type = TypeOf(tokens.Next());
  const auto parsed = SocketAddress::Parse(address, *port);
  if (!type || !parsed || !CanBeAPeer(*parsed)) return std::nullopt;
  result.priority = *priority;
  result.address = *parsed;
  result.type = *type;
  for (std::string_view name = tokens.Next(); !name.empty();
       name = tokens.Next()) {
    const std::string_view value = tokens.Next();
    if (name == "ufrag") result.ufrag = value;
  }
  return result;
}

}  // namespace hg
