// The units between a source and SRTP together, under everything that can
// happen to them. SRTP under AES-GCM: what one (SSRC, index) protects must
// never differ, or the key is given away (RFC 7714 s8.4).

#include <doctest/doctest.h>

#include <deque>
#include <map>
#include <random>
#include <utility>
#include <vector>

#include "native/rtp/packets.h"
#include "rtp/continuity.h"
#include "rtp/header_rewrite.h"
#include "rtp/retransmission_store.h"
#include "rtp/sent_map.h"
#include "rtp/seq_num.h"
#include "rtp/source_timeline.h"

namespace hg {
namespace {

class Dice {
 public:
  explicit Dice(std::uint32_t seed) : engine_(seed) {}
  std::uint32_t Number() { return static_cast<std::uint32_t>(engine_()); }
  int Below(int n) {
    return static_cast<int>(Number() % static_cast<std::uint32_t>(n));
  }
  bool OneIn(int n) { return Below(n) == 0; }

 private:
  std::mt19937 engine_;
};

// A sender that restarts and jumps, the network behind it that loses, doubles
// and delays, and what a shard keeps of it.
class Origin {
 public:
  explicit Origin(Dice& dice)
      : dice_(dice),
        ssrc_(dice.Number()),
        seq_(kStarts[dice.Below(std::size(kStarts))]),
        timestamp_(dice.Number()) {}

  std::vector<PacketRef> Receive(PacketPool& pool, Timestamp now) {
    std::vector<PacketRef> accepted;
    for (const RtpFields& fields : Arriving()) {
      const auto result =
          timeline_.Add(fields.ssrc, fields.seq, fields.timestamp, now);
      if (!result.accepted()) continue;
      accepted.push_back(Seal(pool, fields,
                              PacketInfo{.arrival = now,
                                         .extended_seq = result.extended_seq,
                                         .timestamp = result.timestamp}));
      store_.Insert(accepted.back());
    }
    return accepted;
  }
  const RetransmissionStore& store() const { return store_; }

 private:
  RtpFields Next() {
    if (dice_.OneIn(3000)) ssrc_ = dice_.Number();
    if (dice_.OneIn(3000)) {
      seq_ = static_cast<std::uint16_t>(dice_.Number());
      timestamp_ = dice_.Number();
    }
    // Someone who wants to run through the numbers within a second.
    const bool racing = racing_ > 0 && racing_-- > 0;
    if (dice_.OneIn(10'000)) racing_ = 500;
    seq_ = Plus(seq_, racing ? dice_.Below(3000) : 1);
    if (dice_.OneIn(3)) timestamp_ += 3000;
    RtpFields fields{.seq = seq_, .timestamp = timestamp_, .ssrc = ssrc_};
    fields.payload.resize(8);
    StoreU32(&fields.payload[0], dice_.Number());
    StoreU32(&fields.payload[4], dice_.Number());
    return fields;
  }

  std::vector<RtpFields> Arriving() {
    const RtpFields fields = Next();
    std::vector<RtpFields> arriving;
    if (dice_.OneIn(10))
      delayed_.push_back(fields);
    else if (!dice_.OneIn(20))
      arriving.push_back(fields);
    if (dice_.OneIn(50)) arriving.push_back(fields);
    if (!delayed_.empty() && dice_.OneIn(10)) {
      arriving.push_back(delayed_.front());
      delayed_.pop_front();
    }
    return arriving;
  }

  Dice& dice_;
  SourceTimeline timeline_{{}};
  RetransmissionStore store_{{.packets = 1024, .max_age = 1s}};
  std::uint32_t ssrc_;
  std::uint16_t seq_;
  std::uint32_t timestamp_;
  int racing_ = 0;
  std::deque<RtpFields> delayed_;
};

// A viewer without RTX, and all that went out to it.
class Viewer {
 public:
  explicit Viewer(std::uint16_t first_seq)
      : link_(90000, {.seq = first_seq, .timestamp = 0}) {}

  void Switch() {
    link_.Switch();
    sent_.Clear();
  }
  void Resume() { link_.Resume(); }
  void Skip(const PacketBuffer& packet) {
    link_.Skip(packet.info.extended_seq);
  }

  void Forward(const PacketBuffer& packet, Timestamp now) {
    const auto out =
        link_.Forward(packet.info.extended_seq, packet.info.timestamp, now);
    if (!out) return;
    const std::uint16_t transport_seq = transport_seq_++;
    const bool is_new =
        Send(packet, {.seq = out->seq,
                      .timestamp = out->timestamp,
                      .abs_send_time = sent_.Remember(
                          out->seq, packet.info.seq32(), now, transport_seq),
                      .transport_seq = transport_seq});
    if (!is_new) ++reused;
  }

  void OnNack(std::uint16_t seq, const RetransmissionStore& store,
              Timestamp now) {
    const SentMap::Answer answer = sent_.Request(seq, now, 40ms);
    if (answer.outcome != SentMap::Outcome::kFound) return;
    const PacketBuffer* const packet = store.Find(answer.source_seq, now);
    const auto offset = link_.timestamp_offset();
    if (packet == nullptr || !offset) return;
    const bool is_new =
        Send(*packet, {.seq = seq,
                       .timestamp = packet->info.timestamp + *offset,
                       .abs_send_time = answer.abs_send_time,
                       .transport_seq = answer.transport_seq});
    ++(is_new ? unsent_resends : resends);
  }

  std::uint16_t next_seq() const { return link_.next_seq(); }
  std::size_t sent() const { return by_index_.size(); }

  std::size_t resends = 0;
  // What must not happen: a number given twice; a resend of what was not sent;
  // different bytes under one index.
  std::size_t reused = 0;
  std::size_t unsent_resends = 0;
  std::size_t conflicts = 0;

 private:
  bool Send(const PacketBuffer& packet, const HeaderRewrite::Stamp& stamp) {
    ByteVector bytes(200);
    bytes.resize(rewrite_.Write(packet, stamp, bytes));
    const auto [at, is_new] =
        by_index_.emplace(srtp_index_.Extend(stamp.seq), bytes);
    if (!is_new && at->second != bytes) ++conflicts;
    return is_new;
  }

  const HeaderRewrite rewrite_{
      {.ssrc = 1,
       .payload_type = 96,
       .ids = {.mid = 1, .abs_send_time = 2, .transport_wide_cc = 3},
       .mid = "0"}};
  Continuity link_;
  SentMap sent_{{.packets = 512, .max_age = 1s}};
  std::uint16_t transport_seq_ = 0;
  SeqExtender srtp_index_;
  std::map<std::uint64_t, ByteVector> by_index_;
};

}  // namespace

TEST_CASE("no sequence number is ever used for two different packets") {
  for (const std::uint16_t first_seq : kStarts) {
    CAPTURE(first_seq);
    Dice dice(first_seq + 1u);
    PacketPool pool({.slab_packets = 64, .max_packets = 4096});
    std::deque<Origin> origins;
    for (int i = 0; i < 2; ++i) origins.emplace_back(dice);
    std::size_t active = 0;
    Viewer viewer(first_seq);
    bool paused = false;

    for (int step = 0; step < 15'000; ++step) {
      const Timestamp now = Timestamp(100s) + step * 1ms;
      for (std::size_t i = 0; i < origins.size(); ++i)
        for (const PacketRef& packet : origins[i].Receive(pool, now)) {
          if (i != active || paused) continue;
          if (dice.OneIn(7))
            viewer.Skip(*packet);
          else
            viewer.Forward(*packet, now);
        }
      if (dice.OneIn(2000)) {
        active = 1 - active;
        viewer.Switch();
      }
      if (dice.OneIn(paused ? 300 : 1500)) {
        paused = !paused;
        if (!paused) viewer.Resume();
      }
      for (int n = 0; n < 3; ++n)
        viewer.OnNack(
            Plus(viewer.next_seq(), -dice.Below(dice.OneIn(20) ? 65536 : 600)),
            origins[active].store(), now);
    }

    CHECK(viewer.conflicts == 0);
    CHECK(viewer.reused == 0);
    CHECK(viewer.unsent_resends == 0);
    CHECK(viewer.resends > 3'000);
    CHECK(viewer.sent() > 6'000);
  }
}

}  // namespace hg
