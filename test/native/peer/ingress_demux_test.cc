#include "peer/ingress_demux.h"

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "native/rtp/packets.h"

namespace hg {
namespace {

using Route = IngressDemux::Route;

constexpr std::uint8_t kMidId = 4;
constexpr std::uint8_t kRidId = 5;
constexpr std::uint8_t kRepairedRidId = 6;

struct Sent {
  std::uint32_t ssrc = 1;
  std::uint8_t payload_type = 96;
  std::string mid;
  std::string rid;
  std::string repaired_rid;
};

ByteVector BytesOf(const Sent& sent) {
  RtpFields fields{.payload_type = sent.payload_type, .ssrc = sent.ssrc};
  const std::pair<std::uint8_t, std::string> elements[] = {
      {kMidId, sent.mid},
      {kRidId, sent.rid},
      {kRepairedRidId, sent.repaired_rid}};
  for (const auto& [id, text] : elements) {
    if (text.empty()) continue;
    fields.extension.push_back(
        static_cast<std::uint8_t>((id << 4) | (text.size() - 1)));
    fields.extension.insert(fields.extension.end(), text.begin(), text.end());
  }
  while (fields.extension.size() % 4 != 0) fields.extension.push_back(0);
  if (!fields.extension.empty()) fields.extension_profile = kOneByteExtensions;
  return fields.Build();
}

std::optional<Route> Find(IngressDemux& demux, const Sent& sent) {
  const ByteVector bytes = BytesOf(sent);
  const auto view = RtpView::Parse(bytes);
  REQUIRE(view);
  return demux.Find(*view);
}

IngressDemux::Track Audio() {
  return {.mid = "0", .payload_types = {111, 63}, .encodings = {{}}};
}
IngressDemux::Track Video(std::vector<IngressDemux::Encoding> encodings = {
                              {}}) {
  return {.mid = "1",
          .payload_types = {96},
          .rtx_payload_type = std::uint8_t{97},
          .encodings = std::move(encodings)};
}

IngressDemux With(std::vector<IngressDemux::Track> tracks) {
  IngressDemux demux;
  demux.SetTracks(std::move(tracks), {kMidId, kRidId, kRepairedRidId});
  return demux;
}

const std::vector<IngressDemux::Encoding> kRids = {
    {.rid = "h"}, {.rid = "m"}, {.rid = "l"}};

}  // namespace

TEST_CASE("a payload type that one track has tells the track") {
  IngressDemux demux = With({Audio(), Video()});

  CHECK(Find(demux, {.ssrc = 1, .payload_type = 111}) == Route{0, 0, false});
  CHECK(Find(demux, {.ssrc = 1, .payload_type = 63}) == Route{0, 0, false});
  CHECK(Find(demux, {.ssrc = 2, .payload_type = 96}) == Route{1, 0, false});
  CHECK(Find(demux, {.ssrc = 3, .payload_type = 97}) == Route{1, 0, true});
  CHECK(Find(demux, {.ssrc = 4, .payload_type = 100}) == std::nullopt);
}

TEST_CASE("a payload type that two tracks have tells nothing") {
  IngressDemux::Track other = Video();
  other.mid = "2";
  IngressDemux demux = With({Video(), other});

  CHECK(Find(demux, {.ssrc = 2}) == std::nullopt);
  CHECK(Find(demux, {.ssrc = 2, .mid = "2"}) == Route{1, 0, false});
  CHECK(Find(demux, {.ssrc = 2}) == Route{1, 0, false});
}

TEST_CASE("the mid in a packet counts more than what its SSRC was before") {
  IngressDemux::Track other = Video();
  other.mid = "2";
  IngressDemux demux = With({Video(), other});
  CHECK(Find(demux, {.ssrc = 2, .mid = "1"}) == Route{0, 0, false});

  CHECK(Find(demux, {.ssrc = 2, .mid = "2"}) == Route{1, 0, false});

  CHECK(Find(demux, {.ssrc = 2}) == Route{1, 0, false});
  CHECK(Find(demux, {.ssrc = 3, .mid = "nobody"}) == std::nullopt);
}

TEST_CASE("an SSRC of the SDP tells the track and its encoding") {
  IngressDemux demux = With({Video({{.ssrc = 10, .rtx_ssrc = 11},
                                    {.ssrc = 20, .rtx_ssrc = 21},
                                    {.ssrc = 30, .rtx_ssrc = 31}})});

  CHECK(Find(demux, {.ssrc = 20}) == Route{0, 1, false});
  CHECK(Find(demux, {.ssrc = 31, .payload_type = 97}) == Route{0, 2, true});
  // Which of the three it is, nobody said.
  CHECK(Find(demux, {.ssrc = 40}) == std::nullopt);
}

TEST_CASE("the rid of the first packets tells what later ones are") {
  IngressDemux demux = With({Audio(), Video(kRids)});
  CHECK(Find(demux, {.ssrc = 7}) == std::nullopt);

  CHECK(Find(demux, {.ssrc = 7, .mid = "1", .rid = "m"}) == Route{1, 1, false});
  CHECK(Find(demux, {.ssrc = 8, .payload_type = 97, .repaired_rid = "m"}) ==
        Route{1, 1, true});

  CHECK(Find(demux, {.ssrc = 7}) == Route{1, 1, false});
  CHECK(Find(demux, {.ssrc = 8, .payload_type = 97}) == Route{1, 1, true});
  CHECK(Find(demux, {.ssrc = 9, .rid = "x"}) == std::nullopt);
}

TEST_CASE("a payload type that is not the track's is refused, mid or not") {
  IngressDemux demux = With({Audio(), Video()});

  CHECK(Find(demux, {.payload_type = 111, .mid = "1"}) == std::nullopt);
}

TEST_CASE("a camera that comes back under another SSRC is the same track") {
  IngressDemux demux = With({Audio(), Video(kRids)});
  CHECK(Find(demux, {.ssrc = 7, .mid = "1", .rid = "h"}) == Route{1, 0, false});

  CHECK(Find(demux, {.ssrc = 70, .mid = "1", .rid = "h"}) ==
        Route{1, 0, false});
  CHECK(Find(demux, {.ssrc = 70}) == Route{1, 0, false});
}

TEST_CASE(
    "ever new SSRCs drive out those that are silent, not those that send") {
  IngressDemux demux = With({Audio(), Video(kRids)});
  CHECK(Find(demux, {.ssrc = 7, .mid = "1", .rid = "m"}) == Route{1, 1, false});
  CHECK(Find(demux, {.ssrc = 8, .mid = "1", .rid = "h"}) == Route{1, 0, false});

  for (std::uint32_t ssrc = 1000; ssrc < 101'000; ++ssrc) {
    Find(demux, {.ssrc = ssrc, .payload_type = 111});
    if (ssrc % 10 == 0) REQUIRE(Find(demux, {.ssrc = 7}) == Route{1, 1, false});
  }

  CHECK(Find(demux, {.ssrc = 7}) == Route{1, 1, false});
  CHECK(Find(demux, {.ssrc = 8}) == std::nullopt);
}

TEST_CASE("new rules forget what the old ones taught") {
  IngressDemux demux = With({Video(kRids)});
  CHECK(Find(demux, {.ssrc = 7, .rid = "m"}) == Route{0, 1, false});

  demux.SetTracks({Video(kRids)}, {});

  CHECK(Find(demux, {.ssrc = 7}) == std::nullopt);
  CHECK(Find(demux, {.ssrc = 7, .rid = "m"}) == std::nullopt);
}

}  // namespace hg
