// What opens a data channel (RFC 8832), whatever it is; and what we write of
// any channel.
#include <algorithm>
#include <string>

#include "native/fuzz/records.h"
#include "sctp/dcep.h"

namespace {

using namespace hg;
using hg::test::Require;

void CheckWritten(const ChannelConfig& config) {
  const std::vector<std::uint8_t> bytes = WriteDcepOpen(config);
  const DcepMessage again = ParseDcep(bytes);
  Require(again.kind == DcepKind::kOpen && again.config == config);
  // Its last byte is needed.
  Require(ParseDcep(Bytes(bytes).first(bytes.size() - 1)).kind ==
          DcepKind::kUnusable);
}

void CheckParsed(Bytes bytes) {
  const DcepMessage message = ParseDcep(bytes);
  if (message.kind != DcepKind::kOpen) return;
  const ChannelConfig& config = message.config;
  Require(config.label.size() + config.protocol.size() <= bytes.size());
  Require(!config.max_retransmits || !config.max_packet_life_time);
  CheckWritten(config);
}

ChannelConfig ConfigOf(Bytes bytes) {
  ByteReader reader(bytes);
  ChannelConfig config;
  const std::uint8_t kind = reader.U8();
  config.priority = reader.U16();
  const std::uint32_t limit = reader.U32();
  config.ordered = (kind & 4) != 0;
  if (kind % 4 == 1) config.max_retransmits = limit;
  if (kind % 4 == 2) config.max_packet_life_time = limit;
  const Bytes names = reader.rest().first(
      std::min<std::size_t>(reader.remaining(), 2 * kMaxChannelName));
  const Bytes label = names.first(names.size() / 2);
  const Bytes protocol = names.subspan(
      label.size(), std::min(names.size() - label.size(), kMaxChannelName));
  config.label.assign(label.begin(), label.end());
  config.protocol.assign(protocol.begin(), protocol.end());
  return config;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  CheckParsed({data, size});
  CheckWritten(ConfigOf({data, size}));
  return 0;
}
