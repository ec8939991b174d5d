#include "rtp/retransmission_store.h"

#include <doctest/doctest.h>

#include "native/rtp/packets.h"

namespace hg {
namespace {

PacketRef Make(PacketPool& pool, std::uint64_t extended_seq,
               Timestamp arrival = {}) {
  return Seal(pool, {},
              PacketInfo{.arrival = arrival, .extended_seq = extended_seq});
}

}  // namespace

TEST_CASE("a stored packet is found by its number until it is too old") {
  for (const std::uint16_t seq : kStarts) {
    CAPTURE(seq);
    PacketPool pool({});
    RetransmissionStore store({.packets = 512, .max_age = 1s});
    const std::uint64_t extended = 0x10000u + seq;

    store.Insert(Make(pool, extended));
    store.Insert(Make(pool, extended + 1));

    const PacketBuffer* const found = store.Find(0x10000u + seq, Timestamp(1s));
    REQUIRE(found != nullptr);
    CHECK(found->info.extended_seq == extended);
    REQUIRE(store.Find(0x10000u + seq + 1, Timestamp()) != nullptr);
    CHECK(store.Find(0x10000u + seq + 2, Timestamp()) == nullptr);
    CHECK(store.Find(0x10000u + seq + 512, Timestamp()) == nullptr);
    CHECK(store.Find(0x20000u + seq, Timestamp()) == nullptr);  // another lap
    CHECK(store.Find(0x10000u + seq, Timestamp(1001ms)) == nullptr);
  }
}

TEST_CASE("a newer packet takes the place of an older one, never the reverse") {
  for (const std::uint16_t seq : kStarts) {
    CAPTURE(seq);
    PacketPool pool({});
    RetransmissionStore store({.packets = 512, .max_age = 1s});
    const std::uint64_t extended = 0x20000u + seq;
    store.Insert(Make(pool, extended));

    store.Insert(Make(pool, extended + 512));
    store.Insert(Make(pool, extended));  // late

    CHECK(store.Find(0x20000u + seq, Timestamp()) == nullptr);
    CHECK(store.Find(0x20000u + seq + 512, Timestamp()) != nullptr);
  }
}

TEST_CASE("a store lets go of its packets when trimmed or cleared") {
  PacketPool pool({.slab_packets = 2, .max_packets = 2});
  RetransmissionStore store({.packets = 4, .max_age = 1s});
  store.Insert(Make(pool, 0x10000, Timestamp(0s)));
  store.Insert(Make(pool, 0x10001, Timestamp(2s)));

  store.Trim(Timestamp(2s));
  CHECK(store.Find(0x10001, Timestamp(2s)) != nullptr);
  CHECK(pool.Allocate());
  store.Clear();

  const PacketDraft a = pool.Allocate();
  const PacketDraft b = pool.Allocate();
  CHECK(a);
  CHECK(b);
  CHECK(store.Find(0x10001, Timestamp(2s)) == nullptr);
}

TEST_CASE("what is too old is let go as new packets come") {
  PacketPool pool({.slab_packets = 64, .max_packets = 64});
  RetransmissionStore store({.packets = 512, .max_age = 1s});
  std::uint64_t seq = 0x1fff0;
  for (int i = 0; i < 1000; ++i, ++seq) {
    CAPTURE(i);
    if (i == 500) seq += 300;  // none of which ever comes
    const Timestamp now(i * 100ms);
    const auto find = [&](std::uint64_t back) {
      return store.Find(static_cast<std::uint32_t>(seq - back), now);
    };

    store.Insert(Make(pool, seq, now));

    REQUIRE(find(0) != nullptr);
    if (i >= 10 && i < 500) REQUIRE(find(10) != nullptr);
  }
  CHECK(pool.exhausted() == 0);
}

TEST_CASE("packets that come late are let go like the others") {
  PacketPool pool({.slab_packets = 1, .max_packets = 3});
  RetransmissionStore store({.packets = 512, .max_age = 1s});
  store.Insert(Make(pool, 0x10010, Timestamp(0s)));
  store.Insert(Make(pool, 0x10000, Timestamp(500ms)));

  store.Trim(Timestamp(3s));

  CHECK(store.Find(0x10000, Timestamp(500ms)) == nullptr);
  CHECK(store.Find(0x10010, Timestamp(0s)) == nullptr);
  const PacketDraft a = pool.Allocate();
  const PacketDraft b = pool.Allocate();
  const PacketDraft c = pool.Allocate();
  CHECK(c);
}

}  // namespace hg
