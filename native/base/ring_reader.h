// Whoever empties rings by itself now and then, and can be called.
#pragma once

namespace hg {

class RingReader {
 public:
  // Any thread.
  virtual void Wake() = 0;

 protected:
  ~RingReader() = default;
};

}  // namespace hg
