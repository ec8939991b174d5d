#include "rtp/red.h"

namespace hg {

std::optional<std::size_t> FindRedPrimary(Bytes payload) {
  ByteReader reader(payload);
  std::size_t redundant = 0;
  while ((reader.U8() & 0x80) != 0) {  // F: the header of another block follows
    // 14 bits of timestamp offset, 10 of length.
    redundant += reader.U24() & 0x3ff;
  }
  reader.Skip(redundant);
  if (!reader.ok()) return std::nullopt;
  return payload.size() - reader.remaining();
}

}  // namespace hg
