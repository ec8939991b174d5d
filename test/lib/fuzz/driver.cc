// libFuzzer for JavaScript: a Node-API addon whose one function,
// `fuzz(args, counters, target)`, hands the process to the engine. `counters`,
// a Buffer of 8-bit counters, is where instrumented code counts its branches
// (instrument.mjs); `target` is called with a Buffer for each input. What it
// throws is a finding. It does not return: the engine ends the process.
#include <node_api.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerRunDriver(int* argc, char*** argv,
                                   int (*callback)(const std::uint8_t* data,
                                                   std::size_t size));
extern "C" void __sanitizer_cov_8bit_counters_init(std::uint8_t* start,
                                                   std::uint8_t* stop);

namespace {

napi_env env = nullptr;
napi_value target = nullptr;

void Check(napi_status status, const char* what) {
  if (status == napi_ok) return;
  std::fprintf(stderr, "fuzz: %s: status %d\n", what, status);
  std::abort();
}

std::string TextOf(napi_value value) {
  std::size_t length = 0;
  Check(napi_get_value_string_utf8(env, value, nullptr, 0, &length), "length");
  std::string text(length, '\0');
  Check(
      napi_get_value_string_utf8(env, value, text.data(), length + 1, nullptr),
      "text");
  return text;
}

// The engine writes the input to a file when the process aborts.
[[noreturn]] void TellThrown() {
  napi_value error = nullptr;
  napi_value stack = nullptr;
  napi_value text = nullptr;
  napi_get_and_clear_last_exception(env, &error);
  if (napi_get_named_property(env, error, "stack", &stack) != napi_ok ||
      napi_coerce_to_string(env, stack, &text) != napi_ok)
    Check(napi_coerce_to_string(env, error, &text), "error");
  std::fprintf(stderr, "thrown: %s\n", TextOf(text).c_str());
  std::abort();
}

int Play(const std::uint8_t* data, std::size_t size) {
  napi_handle_scope scope = nullptr;
  Check(napi_open_handle_scope(env, &scope), "scope");
  napi_value input = nullptr;
  Check(napi_create_buffer_copy(env, size, data, nullptr, &input), "input");
  napi_value self = nullptr;
  Check(napi_get_undefined(env, &self), "this");
  const napi_status status =
      napi_call_function(env, self, target, 1, &input, nullptr);
  if (status == napi_pending_exception) TellThrown();
  Check(status, "call");
  Check(napi_close_handle_scope(env, scope), "scope");
  return 0;
}

napi_value Fuzz(napi_env caller, napi_callback_info info) {
  env = caller;
  std::size_t count = 3;
  napi_value arguments[3];
  Check(napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr),
        "arguments");
  std::uint32_t length = 0;
  Check(napi_get_array_length(env, arguments[0], &length), "args");
  std::vector<std::string> texts{"fuzz"};
  for (std::uint32_t i = 0; i < length; ++i) {
    napi_value value = nullptr;
    Check(napi_get_element(env, arguments[0], i, &value), "args");
    texts.push_back(TextOf(value));
  }
  void* counters = nullptr;
  std::size_t size = 0;
  Check(napi_get_buffer_info(env, arguments[1], &counters, &size), "counters");
  target = arguments[2];

  auto* first = static_cast<std::uint8_t*>(counters);
  __sanitizer_cov_8bit_counters_init(first, first + size);
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  int argc = static_cast<int>(texts.size());
  char** argv = pointers.data();
  LLVMFuzzerRunDriver(&argc, &argv, Play);
  return nullptr;
}

napi_value Init(napi_env caller, napi_value exports) {
  napi_value function = nullptr;
  if (napi_create_function(caller, "fuzz", NAPI_AUTO_LENGTH, Fuzz, nullptr,
                           &function) == napi_ok)
    napi_set_named_property(caller, exports, "fuzz", function);
  return exports;
}

}  // namespace

NAPI_MODULE(NODE_GYP_MODULE_NAME, Init)
