#include "peer/layer_selector.h"

#include <doctest/doctest.h>

#include <array>

namespace hg::test {
namespace {

bool Choose(LayerSelector& selector, std::array<bool, 3> live) {
  return selector.Choose([&](std::size_t i) { return live[i]; });
}

PacketInfo Frame(std::uint8_t temporal, bool sync = false,
                 bool keyframe = false) {
  PacketInfo info;
  info.frame_start = true;
  info.keyframe = keyframe;
  info.temporal_layer = temporal;
  info.layer_sync = sync;
  return info;
}

const PacketInfo kKeyframe = Frame(0, false, true);

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
  CHECK_FALSE(selector.SwitchesAt(2, Frame(0)));
  CHECK_FALSE(selector.SwitchesAt(1, kKeyframe));
  CHECK(selector.SwitchesAt(2, kKeyframe));
  CHECK(*selector.current() == 2);
  CHECK_FALSE(selector.SwitchesAt(2, kKeyframe));  // it is already

  Choose(selector, {true, true, false});
  CHECK(*selector.current() == 2);
  CHECK(selector.SwitchesAt(1, kKeyframe));
  CHECK(*selector.current() == 1);
}

TEST_CASE("a temporal layer is left at once, and entered where one can") {
  LayerSelector selector(1);
  selector.SetTarget({.substream = 0, .temporal = 2});
  CHECK(selector.Passes(kKeyframe));
  CHECK(selector.Passes(Frame(2)));
  CHECK(selector.Passes(Frame(1)));

  selector.SetTarget({.substream = 0, .temporal = 0});
  PacketInfo middle = Frame(2);
  middle.frame_start = false;
  CHECK(selector.Passes(middle));  // the frame is ended
  CHECK_FALSE(selector.Passes(Frame(2, true)));
  CHECK_FALSE(selector.Passes(Frame(1, true)));
  CHECK(selector.Passes(Frame(0)));

  selector.SetTarget({.substream = 0, .temporal = 1});
  CHECK_FALSE(selector.Passes(Frame(1)));
  CHECK_FALSE(selector.Passes(Frame(2)));
  CHECK(selector.Passes(Frame(1, true)));
  CHECK(selector.Passes(Frame(1)));
  CHECK_FALSE(selector.Passes(Frame(2, true)));
}

TEST_CASE("a keyframe opens all layers that are wanted") {
  LayerSelector selector(1);
  selector.SetTarget({.substream = 0, .temporal = 1});
  CHECK(selector.Passes(kKeyframe));
  CHECK(selector.temporal() == 1);
  CHECK(selector.Passes(Frame(1)));
  CHECK_FALSE(selector.Passes(Frame(2)));
}

}  // namespace
}  // namespace hg::test
