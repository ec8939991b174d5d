#include "ice/ice_log.h"

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <vector>

#include "ice_end.h"

using namespace hg;
using namespace hg::test;

namespace {

class Lines final : public LogSink {
 public:
  void Log(LogLevel level, std::string_view where,
           std::string_view message) override {
    CHECK(level == LogLevel::kInfo);
    CHECK(where == "libnice");
    for (const char c : message) CHECK((c >= ' ' && c <= '~'));
    lines.emplace_back(message);
  }

  std::vector<std::string> lines;
};

void Gather() {
  IceEnd end(IceEnd::Config(true));
  REQUIRE(end.transport->Gather());
  REQUIRE(Drive({&end}, [&] { return end.gathered > 0; }));
}

}  // namespace

TEST_CASE("lines of libnice come while they are asked for, to all who ask") {
  Lines one;
  Lines two;
  Gather();
  CHECK(one.lines.empty());

  std::optional<IceLog> first(one);
  Gather();
  CHECK_FALSE(one.lines.empty());
  const std::size_t before = one.lines.size();
  {
    const IceLog second(two);
    Gather();
    CHECK(two.lines.size() > 0);
    CHECK(one.lines.size() == before + two.lines.size());
  }
  const std::size_t both = two.lines.size();
  Gather();
  CHECK(two.lines.size() == both);
  CHECK(one.lines.size() > before + both);

  first.reset();
  const std::size_t all = one.lines.size();
  Gather();
  CHECK(one.lines.size() == all);
}
