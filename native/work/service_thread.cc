#include "work/service_thread.h"

#include <pthread.h>

#include <csignal>
#include <utility>

namespace hg {

std::thread StartServiceThread(const char* name, std::function<void()> run) {
  std::thread thread([run = std::move(run)] {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);
    run();
  });
  pthread_setname_np(thread.native_handle(), name);
  return thread;
}

}  // namespace hg
