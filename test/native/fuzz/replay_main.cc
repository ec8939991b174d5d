// Plays a fuzzer without its engine: each file of a folder (corpus/<fuzzer>/),
// whole, cut at every length, and with a few bits turned over; always the same.
// So each test run sees what the fuzzers found before, with any compiler.
#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size);

namespace {

using Input = std::vector<std::uint8_t>;

// A larger file is cut at as many places, evenly.
constexpr std::size_t kMaxCuts = 512;
constexpr int kFlips = 64;

std::size_t runs = 0;
// Of the input that is played, for whoever looks for the bug.
std::string file;
std::size_t cut_at = 0;
long flipped_bit = -1;

void TellInput(int signal) {
  std::fprintf(stderr, "input: %s, its first %zu bytes, bit %ld turned over\n",
               file.c_str(), cut_at, flipped_bit);
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

// The copy ends where the input does, so that ASan sees who reads on.
void Play(const Input& input, std::size_t size, long flip = -1) {
  Input copy(input.begin(), input.begin() + static_cast<std::ptrdiff_t>(size));
  copy.shrink_to_fit();
  if (flip >= 0) {
    std::uint8_t& byte = copy[static_cast<std::size_t>(flip / 8)];
    byte = static_cast<std::uint8_t>(byte ^ (1 << (flip % 8)));
  }
  cut_at = size;
  flipped_bit = flip;
  LLVMFuzzerTestOneInput(copy.data(), copy.size());
  ++runs;
}

void PlayAll(const Input& input) {
  Play(input, input.size());
  const std::size_t step = input.size() / kMaxCuts + 1;
  for (std::size_t size = 0; size < input.size(); size += step)
    Play(input, size);
  // Numerical Recipes' generator; its low bits are poor.
  std::uint32_t random = 1;
  for (int i = 0; i < kFlips && !input.empty(); ++i) {
    random = random * 1664525u + 1013904223u;
    Play(input, input.size(),
         static_cast<long>((random >> 8) % (input.size() * 8)));
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
    return 2;
  }
  std::vector<std::filesystem::path> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(argv[1], error))
    if (entry.is_regular_file()) files.push_back(entry.path());
  if (error || files.empty()) {
    std::fprintf(stderr, "%s: %s\n", argv[1],
                 error ? error.message().c_str() : "no file is in there");
    return 1;
  }
  std::ranges::sort(files);
  for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE})
    std::signal(signal, TellInput);
  for (const auto& path : files) {
    file = path.filename().string();
    std::ifstream stream(path, std::ios::binary);
    const Input input{std::istreambuf_iterator<char>(stream), {}};
    if (!stream) {
      std::fprintf(stderr, "%s cannot be read\n", path.c_str());
      return 1;
    }
    PlayAll(input);
  }
  std::printf("%zu files, %zu inputs\n", files.size(), runs);
}
