// Asks for memory that will be needed soon. With hundreds of viewers, what one
// of them needs has left the caches since its last packet; fetched while the
// one before it is served, it costs nothing.
#pragma once

#include <cstddef>

namespace hg {

inline constexpr std::size_t kCacheLine = 64;

inline void PrefetchBytes(const void* data, std::size_t size) {
  const char* const bytes = static_cast<const char*>(data);
  for (std::size_t at = 0; at < size; at += kCacheLine)
    __builtin_prefetch(bytes + at);
}

// The members of an object in front of `end`, one of them.
template <typename T, typename Member>
void PrefetchUpTo(const T* object, const Member* end) {
  const auto* const begin = reinterpret_cast<const char*>(object);
  const auto size = reinterpret_cast<const char*>(end) - begin;
  PrefetchBytes(object, static_cast<std::size_t>(size));
}

// The object itself, not what it points to.
template <typename T>
void Prefetch(const T* object) {
  PrefetchBytes(object, sizeof(T));
}

}  // namespace hg
