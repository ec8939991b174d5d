// The media thread allocates nothing per packet. malloc() itself is counted, so
// that GLib, OpenSSL and libsrtp are as well; not under sanitizers, which need
// it for themselves.
#include <doctest/doctest.h>

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

#include <execinfo.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <future>
#include <string>
#include <thread>

#include "native/loop/engine_rig.h"

namespace {

// Where the counted allocations came from. No objects with constructors:
// malloc() runs before everything else.
constexpr int kKept = 2000;
constexpr int kFrames = 24;
void* g_traces[kKept][kFrames];
int g_frames[kKept];
std::atomic<int> g_count{0};
thread_local bool t_counting = false;

void Note() {
  if (!t_counting) return;
  t_counting = false;  // backtrace() may allocate
  const int at = g_count++;
  if (at < kKept) g_frames[at] = backtrace(g_traces[at], kFrames);
  t_counting = true;
}

}  // namespace

extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* old, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);

__attribute__((visibility("default"))) void* malloc(std::size_t size) {
  Note();
  return __libc_malloc(size);
}
__attribute__((visibility("default"))) void* calloc(std::size_t count,
                                                    std::size_t size) {
  Note();
  return __libc_calloc(count, size);
}
__attribute__((visibility("default"))) void* realloc(void* old,
                                                     std::size_t size) {
  Note();
  return __libc_realloc(old, size);
}
__attribute__((visibility("default"))) void* memalign(std::size_t alignment,
                                                      std::size_t size) {
  Note();
  return __libc_memalign(alignment, size);
}
__attribute__((visibility("default"))) void* aligned_alloc(
    std::size_t alignment, std::size_t size) {
  Note();
  return __libc_memalign(alignment, size);
}
__attribute__((visibility("default"))) int posix_memalign(void** result,
                                                          std::size_t alignment,
                                                          std::size_t size) {
  Note();
  *result = __libc_memalign(alignment, size);
  return *result == nullptr ? ENOMEM : 0;
}
}

namespace hg::test {
namespace {

// On the media thread; waits until it is done.
void OnLoop(EngineRig& rig, unsigned shard, std::function<void()> f) {
  std::promise<void> done;
  rig.engine().loops()[shard]->Post([&](MediaLoop&) {
    f();
    done.set_value();
  });
  done.get_future().wait();
}

struct Counted {
  int ours = 0;
  std::string where;
  int of_libnice = 0;  // consent checks, both ways
};

void StartCounting(EngineRig& rig) {
  void* warm[4];
  backtrace(warm, 4);  // loads a library at its first call
  g_count = 0;
  for (unsigned i = 0; i < rig.options().media_threads; ++i)
    OnLoop(rig, i, [] { t_counting = true; });
}

Counted StopCounting(EngineRig& rig) {
  for (unsigned i = 0; i < rig.options().media_threads; ++i)
    OnLoop(rig, i, [] { t_counting = false; });
  Counted counted;
  REQUIRE(g_count <= kKept);
  for (int i = 0; i < g_count; ++i) {
    char** symbols = backtrace_symbols(g_traces[i], g_frames[i]);
    std::string where;
    for (int j = 2; j < g_frames[i]; ++j)
      where += std::string(symbols[j]) + "\n";
    free(symbols);
    if (where.find("libnice.so") != std::string::npos) {
      ++counted.of_libnice;
    } else {
      ++counted.ours;
      counted.where += where + "\n";
    }
  }
  return counted;
}

TEST_CASE("the hook sees what a media thread allocates") {
  EngineRig rig({});
  StartCounting(rig);
  OnLoop(rig, 0, [] {
    std::string* text = new std::string(1000, 'x');
    asm volatile("" : : "r"(text) : "memory");
    delete text;
    void* memory = malloc(10);
    asm volatile("" : : "r"(memory) : "memory");
    free(memory);
  });

  const Counted counted = StopCounting(rig);
  CHECK(counted.ours == 3);
  CHECK(counted.of_libnice == 0);
}

// Until every store and buffer is as large as it gets, also after a turn that
// took long.
void WarmUp(EngineRig& rig, TestSender& sender) {
  while (sender.sent() < 5'000) {
    rig.Stream(sender, 2500, 200ms);
    for (unsigned i = 0; i < rig.options().media_threads; ++i) {
      OnLoop(rig, i, [&] {
        sender.Send(200);
        std::this_thread::sleep_for(50ms);
      });
    }
  }
}

TEST_CASE(
    "no allocation on the media threads over 10,000 packets to six"
    " viewers each") {
  for (const unsigned threads : {1u, 3u}) {
    CAPTURE(threads);
    const LossyLinkConfig link{.loss = 0.02};
    EngineRig rig(
        {.media_threads = threads, .to_server = link, .to_client = link});
    const auto source = rig.OpenSource(true, 1s);
    TestSender sender(source, {.packets_per_frame = 8, .payload_size = 1100});
    for (int i = 0; i < 6; ++i) rig.AddViewer(source);
    REQUIRE(rig.AllConnected());
    WarmUp(rig, sender);
    const std::uint64_t sent = sender.sent();
    const std::uint64_t packets = rig.viewers()[0]->egress().packets.value();
    StartCounting(rig);

    while (sender.sent() < sent + 10'000) rig.Stream(sender, 2500, 100ms);

    const Counted counted = StopCounting(rig);
    CHECK_MESSAGE(counted.ours == 0, counted.where);
    const std::uint64_t forwarded =
        rig.viewers()[0]->egress().packets.value() - packets;
    CHECK(forwarded >= 9'900);
    std::uint64_t resent = 0;
    for (const auto& viewer : rig.viewers())
      resent += viewer->egress().retransmitted.value();
    CHECK(resent > 100);
    MESSAGE(threads << " threads, " << forwarded << " packets each, " << resent
                    << " resends: " << counted.ours << " allocations, "
                    << counted.of_libnice << " of libnice for consent checks");
  }
}

}  // namespace
}  // namespace hg::test

#endif
