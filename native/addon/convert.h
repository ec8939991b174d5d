// Between JavaScript values and ours. What JavaScript gives is checked for its
// type here; what it means was checked above the boundary.
#pragma once

#include <napi.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/events.h"

namespace hg {

// An Error with a `code`, to be thrown.
Napi::Error MakeError(Napi::Env env, const char* code,
                      const std::string& message);

// Members of an options object. Throw HG_ERR_ARGUMENT naming the member.
std::string GetString(const Napi::Object& object, const char* name);
// Empty if it is undefined.
std::string GetOptionalString(const Napi::Object& object, const char* name);
bool GetBool(const Napi::Object& object, const char* name);
// A whole number in [min, max].
std::int64_t GetInteger(const Napi::Object& object, const char* name,
                        std::int64_t min, std::int64_t max);
std::uint16_t GetPort(const Napi::Object& object, const char* name);
Duration GetMillis(const Napi::Object& object, const char* name);
Napi::Object GetObject(const Napi::Object& object, const char* name);
Napi::Array GetArray(const Napi::Object& object, const char* name);

// Counters count to 2^53 without loss.
Napi::Number ToNumber(Napi::Env env, std::uint64_t value);
const char* IceStateName(std::uint64_t state);
const char* DtlsStateName(std::uint64_t state);
Napi::Array ToJs(Napi::Env env, const std::vector<std::string>& list);
Napi::Object ToJs(Napi::Env env, const Event& event);

}  // namespace hg
