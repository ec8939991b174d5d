// Where the core's log lines go. Never used per packet above kTrace; a line is
// for what an operator can act on. Implemented in addon/ (to the application's
// logger) and by tests.
#pragma once

#include <cstdint>
#include <string_view>

namespace hg {

enum class LogLevel : std::uint8_t { kTrace, kDebug, kInfo, kWarn, kError };

class LogSink {
 public:
  virtual ~LogSink() = default;
  // Any thread; must not wait. `where` names the object, e.g. "peer 17".
  virtual void Log(LogLevel level, std::string_view where,
                   std::string_view message) = 0;
};

}  // namespace hg
