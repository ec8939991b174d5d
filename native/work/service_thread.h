// How the threads for work that blocks are started.
#pragma once

#include <functional>
#include <thread>

namespace hg {

// A thread with a name of at most 15 characters that takes no signals: those of
// the process are for its own threads, and a file that reaches RLIMIT_FSIZE
// shall be an error of write(). Throws std::system_error.
std::thread StartServiceThread(const char* name, std::function<void()> run);

}  // namespace hg
