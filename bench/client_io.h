// What the clients of the benchmarks have in common: how they are told what to
// do, by lines on stdin, and answer with lines of JSON.
#pragma once

#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <concepts>
#include <cstdio>
#include <map>
#include <ranges>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "dtls/dtls_session.h"
#include "support/media_client.h"

namespace hg::bench {

using Id = unsigned long;

inline constexpr int kReceiveBuffer = 1 << 19;  // the kernel doubles it
// Janus resends only once a report told it of a round trip of 1 ms or more.
inline constexpr Duration kExtraRoundTrip = 20ms;
// Who resends at most once per round trip ignores what is asked for earlier.
inline constexpr Duration kNackInterval = kExtraRoundTrip + 10ms;

// Viewers are elsewhere: waking their process, packet by packet, would be paid
// for by the server that sends to them. So nobody waits here: we look.
inline constexpr Duration kLookEvery = 500us;

// What they have in common.
inline MediaClient::Options ClientOptions(
    std::shared_ptr<const MediaClient::Identity> identity,
    const std::string& address, bool gro) {
  MediaClient::Options options;
  options.identity = std::move(identity);
  options.local_addresses = {address};
  options.extra_round_trip = kExtraRoundTrip;
  options.nack_round_trip = kNackInterval;
  options.receive_buffer = kReceiveBuffer;
  options.gro = gro;
  return options;
}

// A line of JSON, built member by member.
class Json {
 public:
  explicit Json(std::string_view event) { Text("event", event); }

  Json& Text(std::string_view name, std::string_view value) {
    Name(name);
    text_ += Quote(value);
    return *this;
  }
  Json& Number(std::string_view name, double value) {
    Name(name);
    std::array<char, 40> digits;
    std::snprintf(digits.data(), digits.size(), "%.15g", value);
    text_ += digits.data();
    return *this;
  }
  template <std::integral T>
  Json& Number(std::string_view name, T value) {
    Name(name);
    text_ += std::to_string(value);
    return *this;
  }
  template <typename Range>
  Json& List(std::string_view name, const Range& values) {
    Name(name);
    text_ += '[';
    bool first = true;
    for (const auto& value : values) {
      if (!std::exchange(first, false)) text_ += ',';
      if constexpr (std::integral<std::ranges::range_value_t<Range>>) {
        text_ += std::to_string(value);
      } else {
        text_ += Quote(value);
      }
    }
    text_ += ']';
    return *this;
  }
  void Print() {
    text_ += "}\n";
    std::fwrite(text_.data(), 1, text_.size(), stdout);
    std::fflush(stdout);
  }

 private:
  void Name(std::string_view name) {
    text_ += text_.empty() ? '{' : ',';
    text_ += Quote(name) + ':';
  }
  static std::string Quote(std::string_view value) {
    std::string quoted = "\"";
    for (const char c : value) {
      if (c == '"' || c == '\\') quoted += '\\';
      quoted += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
    }
    return quoted + '"';
  }

  std::string text_;
};

// The lines of stdin.
class CommandReader {
 public:
  // Calls `execute` with each that is there; false: that was the last.
  template <typename Execute>
  bool Read(Execute execute) {
    std::array<char, 65536> text;
    const auto n = read(STDIN_FILENO, text.data(), text.size());
    if (n <= 0) return false;
    input_.append(text.data(), static_cast<std::size_t>(n));
    for (auto end = input_.find('\n'); end != std::string::npos;
         end = input_.find('\n')) {
      const std::string line = input_.substr(0, end);
      input_.erase(0, end + 1);
      execute(line);
    }
    return true;
  }

 private:
  std::string input_;
};

// "add id=1 …" -> "add", "id=1 …".
inline std::pair<std::string, std::string> SplitVerb(const std::string& line) {
  const auto space = line.find(' ');
  if (space == std::string::npos) return {line, ""};
  return {line.substr(0, space), line.substr(space + 1)};
}

// "a=1 b=2 candidates=…", of which the last takes the rest of the line.
class Arguments {
 public:
  explicit Arguments(std::string_view text) {
    while (!text.empty()) {
      const auto equals = text.find('=');
      if (equals == std::string_view::npos) break;
      const std::string name(text.substr(0, equals));
      text.remove_prefix(equals + 1);
      const auto end = name == "candidates"
                           ? text.size()
                           : std::min(text.find(' '), text.size());
      values_[name] = text.substr(0, end);
      text.remove_prefix(std::min(end + 1, text.size()));
    }
  }

  std::string_view Text(const std::string& name) const {
    const auto found = values_.find(name);
    return found == values_.end() ? "" : std::string_view(found->second);
  }
  // 0 if it is not there.
  unsigned long Number(const std::string& name) const {
    const std::string text(Text(name));
    return text.empty() ? 0 : std::stoul(text);
  }

 private:
  std::map<std::string, std::string> values_;
};

// ufrag=U pwd=P fingerprint=sha-256,AA:… candidates=candidate:1 …|candidate:…
inline MediaClient::Remote ReadRemote(const Arguments& arguments) {
  MediaClient::Remote remote;
  remote.ice = {std::string(arguments.Text("ufrag")),
                std::string(arguments.Text("pwd"))};
  const auto fingerprint = arguments.Text("fingerprint");
  const auto comma = fingerprint.find(',');
  if (comma != std::string_view::npos) {
    if (auto parsed = Fingerprint::Parse(fingerprint.substr(0, comma),
                                         fingerprint.substr(comma + 1)))
      remote.fingerprints.push_back(std::move(*parsed));
  }
  for (const auto part :
       std::views::split(arguments.Text("candidates"), std::string_view("|")))
    remote.candidates.emplace_back(part.begin(), part.end());
  return remote;
}

inline double Seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

inline double OwnCpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) *
             1e-6;
}

}  // namespace hg::bench
