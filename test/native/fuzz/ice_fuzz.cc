// What a remote peer says about itself: a candidate line, and an answer to a
// consent check.
#include <algorithm>
#include <string_view>
#include <vector>

#include "ice/candidate.h"
#include "ice/consent.h"
#include "native/fuzz/records.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  using namespace hg;
  using hg::test::Require;
  const auto candidate =
      ParseRemoteCandidate({reinterpret_cast<const char*>(data), size});
  if (candidate) {
    Require(!candidate->foundation.empty() &&
            candidate->foundation.size() <= 32);
    Require(candidate->ufrag.size() < size);
  }

  const IceTimes times;
  const auto address = *SocketAddress::Parse("192.0.2.1", 5004);
  Consent consent(times);
  consent.Start("ours", {"theirs", "a password of 22 chars"}, address, true,
                Timestamp(1s));
  const Bytes check = consent.DueCheck(Timestamp(10s));
  // With the transaction of the check, so that more than its lack is found.
  std::vector<std::uint8_t> answer(data, data + size);
  if (size >= 20 && check.size() >= 20)
    std::ranges::copy(check.subspan(4, 16), answer.begin() + 4);
  if (!consent.IsAnswer(answer)) return 0;
  // Whoever answers has the password, which nobody guesses.
  Require(!consent.OnAnswer(answer, address, Timestamp(10s)));
  Require(!consent.round_trip());
  return 0;
}
