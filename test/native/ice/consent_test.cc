#include "ice/consent.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "raw_stun.h"

using namespace hg;
using namespace hg::test;

namespace {

using Health = Consent::Health;

const IceRemote kRemote{"peer", "passwordOfThePeer1234567"};

// The check of a session that began at `start`, and what became of it.
struct Fixture {
  explicit Fixture(bool controlling = true) {
    consent.Start("mine", kRemote, remote, controlling, start);
  }
  Datagram Check(Timestamp now) {
    const Bytes check = consent.DueCheck(now);
    return {check.begin(), check.end()};
  }
  bool Answer(Bytes check, Timestamp now, const test::Answer& answer = {}) {
    return consent.OnAnswer(AnswerTo(check, kRemote.pwd, local, answer), remote,
                            now);
  }

  const Timestamp start = Timestamp(1000s);
  const SocketAddress local = *SocketAddress::Parse("192.0.2.1", 5000);
  const SocketAddress remote = *SocketAddress::Parse("192.0.2.2", 6000);
  const IceTimes times;
  Consent consent{times};
};

}  // namespace

TEST_CASE("the first check comes early, for its round trip") {
  Fixture f;

  CHECK(f.Check(f.start + 499ms).empty());
  CHECK(f.consent.NextTimeout(f.start) == f.start + 500ms);
  const auto check = f.Check(f.start + 500ms);
  REQUIRE(IsRequest(check));
  CHECK(f.Answer(check, f.start + 530ms));
  CHECK(f.consent.round_trip() == 30ms);
}

TEST_CASE("an answer keeps consent, and the next check comes within a fifth") {
  Fixture f;
  for (int i = 0; i < 20; ++i) {
    CAPTURE(i);
    Timestamp now = *f.consent.NextTimeout(f.start);
    const auto check = f.Check(now);
    REQUIRE(!check.empty());
    now += 30ms;

    REQUIRE(f.Answer(check, now));

    CHECK(f.consent.health(now) == Health::kGranted);
    const auto next = f.consent.NextTimeout(now);
    CHECK(*next >= now + 4s);
    CHECK(*next <= now + 6s);
  }
}

TEST_CASE("an unanswered check is followed by others, then consent is gone") {
  Fixture f;
  Timestamp now = f.start;
  int checks = 0;
  Datagram last;
  std::optional<Timestamp> quiet;
  std::optional<Timestamp> lost;

  while (const auto next = f.consent.NextTimeout(now)) {
    now = *next;
    if (const auto check = f.Check(now); !check.empty()) {
      last = check;
      ++checks;
    }
    if (f.consent.health(now) == Health::kQuiet && !quiet) quiet = now;
    if (f.consent.health(now) == Health::kLost && !lost) lost = now;
  }

  CHECK(quiet == f.start + 10s);
  CHECK(lost == f.start + 30s);
  CHECK(checks == 30);
  CHECK(!f.Answer(last, now));  // too late
  CHECK(f.Check(now + 1h).empty());
}

TEST_CASE("a quiet peer that answers again is believed") {
  Fixture f;
  f.Check(f.start + 5s);
  const Timestamp late = f.start + 20s;
  const auto check = f.Check(late);
  REQUIRE(f.consent.health(late) == Health::kQuiet);

  CHECK(f.Answer(check, late));

  CHECK(f.consent.health(late) == Health::kGranted);
}

TEST_CASE("only what answers a check with the right key counts") {
  Fixture f;
  const Timestamp now = f.start + 12s;
  const auto check = f.Check(now);
  auto changed = AnswerTo(check, kRemote.pwd, f.local);
  changed[30] ^= 1;
  const auto stranger = *SocketAddress::Parse("192.0.2.3", 6000);

  CHECK(!f.Answer(check, now, {.pwd = "another password of 22 chars"}));
  CHECK(!f.consent.OnAnswer(changed, f.remote, now));
  CHECK(!f.consent.OnAnswer(AnswerTo(check, kRemote.pwd, f.local), stranger,
                            now));
  CHECK(!f.consent.OnAnswer(check, f.remote, now));
  CHECK(!f.Answer(check, now, {.error = 400}));
  CHECK(!f.Answer(check, now, {.error = 401}));
  CHECK(!f.Answer(check, now, {.error = 500}));
  CHECK(f.consent.health(now) == Health::kQuiet);
  CHECK(f.Answer(check, now));
  CHECK(!f.Answer(check, now));
}

TEST_CASE("an answer may come to one of the earlier checks") {
  Fixture f;
  const auto first = f.Check(f.start + 5s);
  for (int i = 1; i < 8; ++i) REQUIRE(!f.Check(f.start + 5s + i * 1s).empty());

  CHECK(f.Answer(first, f.start + 13s));
}

TEST_CASE("what answers others is recognized as not ours") {
  Fixture f;
  Fixture other;
  const auto check = f.Check(f.start + 5s);
  const auto foreign = other.Check(f.start + 5s);

  CHECK(f.consent.IsAnswer(AnswerTo(check, kRemote.pwd, f.local)));
  CHECK(!f.consent.IsAnswer(AnswerTo(foreign, kRemote.pwd, f.local)));
  CHECK(!f.consent.IsAnswer(check));
  CHECK(!f.consent.IsAnswer({}));
}

TEST_CASE("a role conflict is an answer too, and changes the role we claim") {
  constexpr std::uint8_t kControlled[] = {0x80, 0x29, 0x00, 0x08};
  constexpr std::uint8_t kControlling[] = {0x80, 0x2a, 0x00, 0x08};
  const auto claims = [](const Datagram& check, Bytes attribute) {
    return std::search(check.begin(), check.end(), attribute.begin(),
                       attribute.end()) != check.end();
  };
  Fixture f(true);
  const auto check = f.Check(f.start + 5s);
  CHECK(claims(check, kControlling));

  CHECK(f.Answer(check, f.start + 5s, {.error = 487}));

  const auto next = f.Check(f.start + 12s);
  CHECK(claims(next, kControlled));
  CHECK(f.consent.health(f.start + 5s) == Health::kGranted);
}

TEST_CASE("a peer takes consent back with 403") {
  Fixture f;
  const auto check = f.Check(f.start + 5s);

  CHECK(!f.Answer(check, f.start + 5s, {.error = 403}));

  CHECK(f.consent.health(f.start + 5s) == Health::kLost);
  CHECK(!f.consent.NextTimeout(f.start + 5s));
  f.consent.Start("mine", kRemote, f.remote, true, f.start + 6s);
  CHECK(f.consent.health(f.start + 6s) == Health::kGranted);
}

TEST_CASE("truncated and changed answers are taken for nothing") {
  Fixture f;
  const Timestamp now = f.start + 5s;
  const auto check = f.Check(now);
  const auto answer = AnswerTo(check, kRemote.pwd, f.local);

  for (std::size_t size = 0; size < answer.size(); ++size)
    CHECK(!f.consent.OnAnswer(Bytes(answer).first(size), f.remote, now));
  for (std::size_t i = 20; i < answer.size(); ++i) {
    auto changed = answer;
    changed[i] ^= 0x10;
    CHECK(!f.consent.OnAnswer(changed, f.remote, now));
  }
}

TEST_CASE("without a pair there is nothing to check") {
  Fixture f;
  f.consent.Stop();

  CHECK(f.Check(f.start + 1h).empty());
  CHECK(!f.consent.NextTimeout(f.start));
  CHECK(f.consent.health(f.start + 1h) == Health::kGranted);
}
