#include "peer/layer_selector.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <random>
#include <string>

namespace hg::test {
namespace {

bool Choose(LayerSelector& selector, std::array<bool, 3> live) {
  return selector.Choose([&](std::size_t i) { return live[i]; });
}

// The first packet of a frame of the `picture`th picture.
PacketInfo Frame(std::uint32_t picture, std::uint8_t temporal,
                 bool sync = false, bool keyframe = false) {
  PacketInfo info;
  info.timestamp = picture * 3000 - 30000;  // wraps soon
  info.marker = true;
  info.frame_start = true;
  info.keyframe = keyframe;
  info.temporal_layer = temporal;
  info.layer_sync = sync;
  return info;
}

PacketInfo Keyframe(std::uint32_t picture) {
  return Frame(picture, 0, false, true);
}

bool Passes(LayerSelector& selector, const PacketInfo& packet) {
  return selector.Select(packet).passes;
}

TEST_CASE("the highest encoding that lives and is not above the target") {
  LayerSelector selector(3);
  CHECK(Choose(selector, {false, false, false}));
  CHECK(*selector.wanted() == 2);

  CHECK(Choose(selector, {true, false, false}));
  CHECK(*selector.wanted() == 0);
  CHECK(Choose(selector, {true, true, false}));
  CHECK(*selector.wanted() == 1);
  CHECK_FALSE(Choose(selector, {true, true, false}));
  selector.SetTarget({.substream = 0});
  CHECK(Choose(selector, {true, true, true}));
  CHECK(*selector.wanted() == 0);
  selector.SetTarget({.substream = 200});
  CHECK(Choose(selector, {true, true, true}));
  CHECK(*selector.wanted() == 2);
  CHECK_FALSE(Choose(selector, {false, false, false}));
}

TEST_CASE("what is sent changes at a keyframe of the wanted one alone") {
  LayerSelector selector(3);
  Choose(selector, {true, true, true});
  CHECK_FALSE(selector.current());
  CHECK_FALSE(selector.SwitchesAt(2, Frame(0, 0)));
  CHECK_FALSE(selector.SwitchesAt(1, Keyframe(0)));
  CHECK(selector.SwitchesAt(2, Keyframe(0)));
  CHECK(*selector.current() == 2);
  CHECK_FALSE(selector.SwitchesAt(2, Keyframe(0)));  // it is already

  Choose(selector, {true, true, false});
  CHECK(*selector.current() == 2);
  CHECK(selector.SwitchesAt(1, Keyframe(0)));
  CHECK(*selector.current() == 1);
}

TEST_CASE("a temporal layer is left at once, and entered where one can") {
  LayerSelector selector(1);
  selector.SetTarget({.temporal = 2});
  CHECK(Passes(selector, Keyframe(0)));
  CHECK(Passes(selector, Frame(1, 2)));
  CHECK(Passes(selector, Frame(2, 1)));
  CHECK(Passes(selector, Frame(3, 2)));

  selector.SetTarget({.temporal = 0});
  PacketInfo middle = Frame(3, 2);
  middle.frame_start = false;
  CHECK(Passes(selector, middle));  // the picture is ended
  CHECK_FALSE(Passes(selector, Frame(4, 2, true)));
  CHECK_FALSE(Passes(selector, Frame(5, 1, true)));
  CHECK(Passes(selector, Frame(6, 0)));

  selector.SetTarget({.temporal = 1});
  CHECK_FALSE(Passes(selector, Frame(7, 1)));
  CHECK_FALSE(Passes(selector, Frame(8, 2)));
  CHECK(Passes(selector, Frame(9, 1, true)));
  CHECK(Passes(selector, Frame(10, 1)));
  CHECK_FALSE(Passes(selector, Frame(11, 2, true)));
}

TEST_CASE("higher temporal layers are entered after a frame that says so") {
  LayerSelector selector(1);
  selector.SetTarget({.temporal = 0});
  CHECK(Passes(selector, Keyframe(0)));
  selector.SetTarget({.temporal = 2});
  CHECK_FALSE(Passes(selector, Frame(1, 2)));
  PacketInfo opens = Frame(2, 1);
  opens.temporal_switch = true;
  CHECK_FALSE(Passes(selector, opens));  // whoever gets it
  CHECK_FALSE(Passes(selector, Frame(3, 2)));

  opens = Frame(4, 0);
  opens.temporal_switch = true;
  CHECK(Passes(selector, opens));
  CHECK(Passes(selector, Frame(5, 2)));
  CHECK(Passes(selector, Frame(6, 1)));
}

TEST_CASE("a keyframe opens all layers that are wanted") {
  LayerSelector selector(1);
  selector.SetTarget({.temporal = 1});
  CHECK(Passes(selector, Keyframe(0)));
  CHECK(selector.temporal() == 1);
  CHECK(Passes(selector, Frame(1, 1)));
  CHECK_FALSE(Passes(selector, Frame(2, 2)));
}

// ---- spatial layers
// ----------------------------------------------------------

enum class Mode { kFull, kKey };  // L3T1, L3T1_KEY

// A picture of three frames of two packets each. What of it passes, as two
// characters for each layer: `p`, or `m` with a marker; `.` what does not.
std::string Picture(LayerSelector& selector, std::uint32_t picture, bool key,
                    Mode mode = Mode::kFull, std::uint8_t layers = 3) {
  std::string out;
  for (std::uint8_t layer = 0; layer < layers; ++layer) {
    for (const bool first : {true, false}) {
      PacketInfo packet = Frame(picture, 0, false, key && first && layer == 0);
      packet.spatial_layer = layer;
      packet.frame_start = first;
      packet.frame_end = !first;
      packet.marker = !first && layer + 1 == layers;
      packet.spatial_sync = key;
      packet.not_for_upper = !key && mode == Mode::kKey;
      const auto verdict = selector.Select(packet);
      out += !verdict.passes ? '.' : verdict.marker ? 'm' : 'p';
    }
  }
  return out;
}

LayerTarget Spatial(std::uint8_t spatial) { return {.spatial = spatial}; }

TEST_CASE("a picture ends with the highest spatial layer that is sent") {
  for (const Mode mode : {Mode::kFull, Mode::kKey}) {
    LayerSelector selector(1);
    const auto show = [&](std::uint32_t picture, bool key = false) {
      return Picture(selector, picture, key, mode);
    };
    const bool full = mode == Mode::kFull;
    CHECK(show(0, true) == "pppppm");
    CHECK(show(1) == (full ? "pppppm" : "....pm"));

    selector.SetTarget(Spatial(1));
    CHECK(show(2, true) == "pppm..");
    CHECK(show(3) == (full ? "pppm.." : "..pm.."));
    CHECK(selector.spatial() == 1);

    selector.SetTarget(Spatial(0));
    CHECK(show(4, true) == "pm....");
    CHECK(show(5) == "pm....");
  }
}

TEST_CASE("a spatial layer is entered at a keyframe, which is asked for") {
  for (const Mode mode : {Mode::kFull, Mode::kKey}) {
    LayerSelector selector(1);
    selector.SetTarget(Spatial(0));
    CHECK(Picture(selector, 0, true, mode) == "pm....");
    CHECK_FALSE(selector.NeedsKeyframe());

    selector.SetTarget(Spatial(2));
    CHECK(Picture(selector, 1, false, mode) == "pm....");
    CHECK(Picture(selector, 2, false, mode) == "pm....");
    CHECK(selector.NeedsKeyframe());
    CHECK(Picture(selector, 3, true, mode) == "pppppm");
    CHECK_FALSE(selector.NeedsKeyframe());
    CHECK(selector.spatial() == 2);
  }
}

TEST_CASE("a spatial layer is left at once if the one below was sent along") {
  LayerSelector selector(1);
  CHECK(Picture(selector, 0, true) == "pppppm");
  selector.SetTarget(Spatial(0));
  CHECK_FALSE(selector.NeedsKeyframe());
  CHECK(Picture(selector, 1, false) == "pm....");

  // Else with a keyframe, and what is sent goes on until then.
  LayerSelector other(1);
  CHECK(Picture(other, 0, true, Mode::kKey) == "pppppm");
  CHECK(Picture(other, 1, false, Mode::kKey) == "....pm");
  other.SetTarget(Spatial(0));
  CHECK(other.NeedsKeyframe());
  CHECK(Picture(other, 2, false, Mode::kKey) == "....pm");
  CHECK(Picture(other, 3, true, Mode::kKey) == "pm....");
  CHECK_FALSE(other.NeedsKeyframe());
}

TEST_CASE("in the middle of a picture nothing is left or entered") {
  LayerSelector selector(1);
  CHECK(Picture(selector, 0, true) == "pppppm");
  PacketInfo packet = Frame(1, 0);
  packet.marker = false;
  CHECK(Passes(selector, packet));
  selector.SetTarget(Spatial(0));
  packet.spatial_layer = 2;
  CHECK(Passes(selector, packet));

  // The end of its lowest frame was its end.
  PacketInfo key = Keyframe(2);
  key.frame_end = true;
  key.marker = false;
  CHECK(selector.Select(key).marker);
  selector.SetTarget(Spatial(2));
  key.keyframe = false;
  key.spatial_sync = true;
  key.spatial_layer = 1;
  CHECK_FALSE(Passes(selector, key));
}

TEST_CASE("a sender with fewer layers than wanted marks its pictures itself") {
  LayerSelector selector(1);
  CHECK(Picture(selector, 0, true, Mode::kFull, 2) == "pppm");
  CHECK(Picture(selector, 1, false, Mode::kFull, 2) == "pppm");
  CHECK_FALSE(selector.NeedsKeyframe());

  // One more comes up, predicted from the one below alone.
  PacketInfo upper = Frame(2, 0);
  upper.marker = false;
  upper.frame_end = true;
  CHECK(Passes(selector, upper));
  upper.spatial_layer = 1;
  auto verdict = selector.Select(upper);
  CHECK(verdict.passes);
  CHECK_FALSE(verdict.marker);
  upper.spatial_layer = 2;
  upper.spatial_sync = true;
  upper.marker = true;
  verdict = selector.Select(upper);
  CHECK(verdict.passes);
  CHECK(verdict.marker);
  CHECK(selector.spatial() == 2);
  CHECK(Picture(selector, 3, false) == "pppppm");
}

TEST_CASE("a layer is not entered without the one below it") {
  LayerSelector selector(1);
  selector.SetTarget(Spatial(0));
  CHECK(Picture(selector, 0, true) == "pm....");
  selector.SetTarget(Spatial(2));
  PacketInfo upper = Frame(1, 0);
  upper.spatial_layer = 2;
  upper.spatial_sync = true;
  CHECK_FALSE(Passes(selector, upper));
}

TEST_CASE("what comes late is decided as its picture was") {
  LayerSelector selector(1);
  CHECK(Picture(selector, 5, true) == "pppppm");
  selector.SetTarget(Spatial(0));
  CHECK(Picture(selector, 6, false) == "pm....");

  PacketInfo late = Frame(5, 0);
  late.spatial_layer = 2;
  late.spatial_sync = true;
  CHECK(Passes(selector, late));
  late = Keyframe(5);
  CHECK(Passes(selector, late));
  late = Frame(6, 0);
  late.spatial_layer = 2;
  late.spatial_sync = true;
  CHECK_FALSE(Passes(selector, late));
  CHECK(Picture(selector, 7, false) == "pm....");
}

// Run under ASan and UBSan.
TEST_CASE("whatever a sender says of its layers, a viewer gets whole frames") {
  std::mt19937 random(7);
  LayerSelector selector(1);
  std::uint32_t newest = 0;
  for (std::uint32_t i = 0; i < 100'000; ++i) {
    const std::uint32_t picture = random() % 4 + i / 8;
    PacketInfo packet = Frame(picture, random() % 8);
    packet.spatial_layer = random() % 64;
    packet.frame_start = random() % 2 == 0;
    packet.frame_end = random() % 2 == 0;
    packet.keyframe = random() % 16 == 0;
    packet.spatial_sync = random() % 2 == 0;
    packet.temporal_switch = random() % 4 == 0;
    packet.layer_sync = random() % 4 == 0;
    packet.not_for_upper = random() % 2 == 0;
    if (random() % 32 == 0)
      selector.SetTarget({.spatial = static_cast<std::uint8_t>(random() % 4),
                          .temporal = static_cast<std::uint8_t>(random() % 4)});
    const auto verdict = selector.Select(packet);
    newest = std::max(newest, picture);
    if (verdict.passes) {
      if (picture == newest) CHECK(packet.spatial_layer <= selector.spatial());
    } else {
      CHECK_FALSE(verdict.marker);
    }
  }
}

}  // namespace
}  // namespace hg::test
