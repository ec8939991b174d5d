#include "rtp/keyframe_cache.h"

#include <doctest/doctest.h>

#include <vector>

#include "native/rtp/packets.h"

namespace hg {
namespace {

struct Cache {
  explicit Cache(const KeyframeCache::Limits& limits) : cache(limits) {}

  // The arrival follows the timestamp, in milliseconds.
  void Add(std::uint64_t seq, std::uint32_t ms, bool keyframe = false) {
    cache.Add(Seal(pool, {.payload = ByteVector(88)},
                   PacketInfo{.arrival = Timestamp(ms * 1ms),
                              .extended_seq = start + seq,
                              .timestamp = ms * 90,
                              .keyframe = keyframe}));
  }
  std::vector<std::uint64_t> Seqs() const {
    std::vector<std::uint64_t> seqs;
    for (const PacketRef& packet : cache.packets())
      seqs.push_back(packet->info.extended_seq - start);
    return seqs;
  }

  PacketPool pool{{.slab_packets = 16, .max_packets = 64}};
  KeyframeCache cache;
  std::uint64_t start = 0x10000;
};

using Seqs = std::vector<std::uint64_t>;
constexpr bool kKeyframe = true;

}  // namespace

TEST_CASE("the cache holds the last keyframe and what followed") {
  Cache cache({.span = 1s});

  cache.Add(1, 0);  // nothing a decoder could start with
  CHECK(cache.Seqs().empty());
  cache.Add(2, 33, kKeyframe);
  cache.Add(3, 33);
  cache.Add(4, 66);
  CHECK(cache.Seqs() == Seqs{2, 3, 4});
  CHECK(cache.cache.bytes() == 300);
  cache.Add(5, 99, kKeyframe);
  CHECK(cache.Seqs() == Seqs{5});
  CHECK(cache.cache.bytes() == 100);
}

TEST_CASE("a keyframe that says so in several packets is one") {
  Cache cache({.span = 1s});

  cache.Add(1, 0, kKeyframe);  // parameter sets
  cache.Add(2, 0, kKeyframe);  // the slice

  CHECK(cache.Seqs() == Seqs{1, 2});
}

TEST_CASE("late packets are put where they belong") {
  for (const std::uint16_t seq : kStarts) {
    CAPTURE(seq);
    Cache cache({.span = 1s});
    cache.start = 0x10000u + seq;

    cache.Add(12, 0, kKeyframe);
    cache.Add(11, 0, kKeyframe);  // parameter sets, overtaken
    cache.Add(14, 33);
    cache.Add(13, 0);
    cache.Add(13, 0);  // twice
    cache.Add(9, 33);  // of the group before

    CHECK(cache.Seqs() == Seqs{11, 12, 13, 14});
  }
}

TEST_CASE("a keyframe may begin behind its own packets") {
  Cache cache({.span = 1s});
  cache.Add(1, 0, kKeyframe);
  cache.Add(2, 33);
  cache.Add(4, 66);

  cache.Add(3, 66, kKeyframe);

  CHECK(cache.Seqs() == Seqs{3, 4});
  CHECK(cache.cache.bytes() == 200);
}

TEST_CASE("a group that outgrows a limit is gone until the next keyframe") {
  KeyframeCache::Limits limits;
  SUBCASE("by time") { limits.span = 100ms; }
  SUBCASE("by bytes") { limits.bytes = 300; }
  SUBCASE("by packets") { limits = {.span = 1s, .packets = 3}; }
  Cache cache(limits);
  cache.Add(1, 0, kKeyframe);
  cache.Add(2, 50);
  cache.Add(3, 100);
  CHECK(cache.Seqs() == Seqs{1, 2, 3});

  cache.Add(4, 101);

  CHECK(cache.Seqs().empty());
  CHECK(cache.cache.bytes() == 0);
  CHECK(cache.cache.overflows() == 1);
  cache.Add(5, 150);
  CHECK(cache.Seqs().empty());
  cache.Add(6, 200, kKeyframe);
  CHECK(cache.Seqs() == Seqs{6});
}

TEST_CASE("without limits the cache is off") {
  Cache cache({});

  cache.Add(1, 0, kKeyframe);

  CHECK_FALSE(cache.cache.enabled());
  CHECK(cache.Seqs().empty());
  CHECK(cache.cache.overflows() == 0);
}

TEST_CASE("a cleared cache holds no packet") {
  Cache cache({.span = 1s});
  cache.Add(1, 0, kKeyframe);

  cache.cache.Clear();

  CHECK(cache.Seqs().empty());
  cache.Add(2, 10);
  CHECK(cache.Seqs().empty());
}

}  // namespace hg
