// What hangs on one JavaScript environment: the constructors that are not
// exported. Nothing is static, so the addon loads in several workers at once.
#pragma once

#include <napi.h>

namespace hg {

struct AddonData {
  Napi::FunctionReference peer;
  Napi::FunctionReference source;
  Napi::FunctionReference recorder;
  Napi::FunctionReference capture;
  Napi::FunctionReference channel;
  Napi::FunctionReference tap;
  Napi::FunctionReference injector;
};

}  // namespace hg
