#include "rtp/rtcp/twcc_writer.h"

#include <algorithm>
#include <limits>

#include "rtp/rtcp/twcc.h"

namespace hg {
namespace {

constexpr Duration kTick = 250us;
// Ticks in a unit of the reference time, 64 ms.
constexpr std::int64_t kReferenceTicks = 256;
constexpr std::size_t kFixedBody = 16;

// Packet status symbols (s3.1.1).
enum Symbol : std::uint8_t { kLost = 0, kSmall = 1, kLarge = 2 };

// The status of the packets of one feedback, and how to say it shortest.
class Statuses {
 public:
  void Add(Symbol symbol) { symbols_[count_++] = symbol; }
  std::size_t count() const { return count_; }

  // Writes the chunks (s3.1.2); returns how many bytes they are.
  std::size_t WriteChunks(std::uint8_t* out) const {
    std::size_t size = 0;
    for (std::size_t at = 0; at < count_; size += 2)
      at += WriteChunk(at, out + size);
    return size;
  }

 private:
  // One chunk from `at` on; returns how many packets it speaks of.
  std::size_t WriteChunk(std::size_t at, std::uint8_t* out) const {
    const std::size_t left = count_ - at;
    const std::size_t run = RunLength(at);
    const auto from = symbols_.begin() + static_cast<std::ptrdiff_t>(at);
    const std::size_t ones = std::min<std::size_t>(left, 14);
    const bool one_bit_each =
        std::none_of(from, from + static_cast<std::ptrdiff_t>(ones),
                     [](std::uint8_t symbol) { return symbol == kLarge; });
    if (run >= (one_bit_each ? 14u : 7u) || run == left) {
      StoreU16(out, static_cast<std::uint16_t>((symbols_[at] << 13) | run));
      return run;
    }
    std::uint16_t chunk = one_bit_each ? 0x8000 : 0xc000;
    const std::size_t n = one_bit_each ? ones : std::min<std::size_t>(left, 7);
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t shift = one_bit_each ? 13 - i : 12 - 2 * i;
      chunk = static_cast<std::uint16_t>(chunk | (symbols_[at + i] << shift));
    }
    StoreU16(out, chunk);
    return n;
  }

  std::size_t RunLength(std::size_t at) const {
    std::size_t end = at + 1;
    while (end < count_ && symbols_[end] == symbols_[at]) ++end;
    return end - at;
  }

  std::array<std::uint8_t, TransportCcWriter::kMaxReported> symbols_;
  std::size_t count_ = 0;
};

}  // namespace

TransportCcWriter::TransportCcWriter() { arrivals_.fill(kNotReceived); }

TransportCcWriter::Ticks TransportCcWriter::TicksOf(Timestamp time) {
  return time.time_since_epoch() / kTick;
}

void TransportCcWriter::Restart(std::uint64_t seq) {
  arrivals_.fill(kNotReceived);
  oldest_ = next_ = end_ = seq;
}

void TransportCcWriter::OnPacket(std::uint16_t transport_seq,
                                 Timestamp arrival) {
  const std::uint64_t seq = extender_.Extend(transport_seq);
  // The first one too: the extender starts a whole lap above end_, which is 0.
  if (seq >= end_ + kWindow) Restart(seq);
  if (seq < oldest_) return;
  for (; end_ <= seq; ++end_) {
    if (end_ - oldest_ >= kWindow) oldest_ = end_ - kWindow + 1;
    At(end_) = kNotReceived;
  }
  next_ = std::max(next_, oldest_);
  if (At(seq) != kNotReceived) return;
  At(seq) = TicksOf(arrival);
  next_ = std::min(next_, seq);
  has_news_ = true;
}

bool TransportCcWriter::Write(RtcpWriter& writer, std::uint32_t sender_ssrc,
                              std::uint32_t media_ssrc) {
  if (!has_news_) return false;
  // The first that arrived sets the reference time.
  std::uint64_t first = next_;
  while (first < end_ && At(first) == kNotReceived) ++first;
  const Ticks reference = At(first) / kReferenceTicks;

  Statuses statuses;
  std::array<std::uint8_t, kMaxReported * 2> deltas;
  std::size_t delta_size = 0;
  Ticks previous = reference * kReferenceTicks;
  std::uint64_t seq = next_;
  for (; seq < end_ && statuses.count() < kMaxReported; ++seq) {
    const Ticks arrival = At(seq);
    if (arrival == kNotReceived) {
      statuses.Add(kLost);
      continue;
    }
    const Ticks delta = arrival - previous;
    if (delta >= 0 && delta <= std::numeric_limits<std::uint8_t>::max()) {
      statuses.Add(kSmall);
      deltas[delta_size++] = static_cast<std::uint8_t>(delta);
    } else if (delta >= std::numeric_limits<std::int16_t>::min() &&
               delta <= std::numeric_limits<std::int16_t>::max()) {
      statuses.Add(kLarge);
      StoreU16(&deltas[delta_size], static_cast<std::uint16_t>(delta));
      delta_size += 2;
    } else {
      break;  // 8 s: another feedback, with a reference of its own
    }
    previous = arrival;
  }

  std::array<std::uint8_t, kMaxReported * 2> chunks;
  const std::size_t chunk_size = statuses.WriteChunks(chunks.data());
  const std::size_t body = kFixedBody + chunk_size + delta_size;
  const std::size_t padded = (body + 3) / 4 * 4;
  std::uint8_t* out =
      writer.Begin(RtcpType::kTransportFeedback, kTransportCcFormat, padded);
  if (out == nullptr) return false;
  StoreU32(out, sender_ssrc);
  StoreU32(out + 4, media_ssrc);
  StoreU16(out + 8, static_cast<std::uint16_t>(next_));
  StoreU16(out + 10, static_cast<std::uint16_t>(statuses.count()));
  StoreU24(out + 12, static_cast<std::uint32_t>(reference) & 0xffffff);
  out[15] = feedback_count_++;
  out = std::copy_n(chunks.data(), chunk_size, out + kFixedBody);
  out = std::copy_n(deltas.data(), delta_size, out);
  std::fill_n(out, padded - body, std::uint8_t{0});

  next_ = seq;
  has_news_ = false;
  for (std::uint64_t rest = next_; rest < end_ && !has_news_; ++rest)
    has_news_ = At(rest) != kNotReceived;
  return true;
}

}  // namespace hg
