#include "ice/ice_log.h"

#include <agent.h>
#include <debug.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <string>
#include <vector>

namespace hg {
namespace {

constexpr std::array kDomains = {"libnice", "libnice-socket"};
// Candidates and credentials of the other side are in the lines.
constexpr std::size_t kLongestLine = 1024;

// A lock that media threads take, which they do nowhere else: only while
// somebody looks, and never while anything waits.
struct Readers {
  std::mutex mutex;
  std::vector<LogSink*> sinks;
  std::array<guint, kDomains.size()> handlers{};
};

// Never destroyed: a media thread may outlast static objects.
Readers& AllReaders() {
  static Readers& readers = *new Readers;
  return readers;
}

std::string OneLine(const char* text) {
  std::string line(text == nullptr ? "" : text);
  if (line.size() > kLongestLine) line.resize(kLongestLine);
  std::ranges::replace_if(
      line, [](char c) { return c < ' ' || c > '~'; }, ' ');
  return line;
}

void OnLine(const gchar*, GLogLevelFlags, const gchar* text, gpointer) {
  Readers& readers = AllReaders();
  const std::string line = OneLine(text);
  const std::lock_guard lock(readers.mutex);
  for (LogSink* sink : readers.sinks)
    sink->Log(LogLevel::kInfo, "libnice", line);
}

}  // namespace

IceLog::IceLog(LogSink& sink) : sink_(sink) {
  Readers& readers = AllReaders();
  const std::lock_guard lock(readers.mutex);
  readers.sinks.push_back(&sink);
  if (readers.sinks.size() > 1) return;
  for (std::size_t i = 0; i < kDomains.size(); ++i)
    readers.handlers[i] =
        g_log_set_handler(kDomains[i], G_LOG_LEVEL_DEBUG, OnLine, nullptr);
  nice_debug_enable(FALSE);
}

IceLog::~IceLog() {
  Readers& readers = AllReaders();
  const std::lock_guard lock(readers.mutex);
  readers.sinks.erase(std::ranges::find(readers.sinks, &sink_));
  if (!readers.sinks.empty()) return;
  nice_debug_disable(FALSE);
  for (std::size_t i = 0; i < kDomains.size(); ++i)
    g_log_remove_handler(kDomains[i], readers.handlers[i]);
}

}  // namespace hg
