// Threads of POSIX with a stack of their own size.
#include "media/thread.h"

#include <signal.h>

#include <ctime>

namespace thimble::media {

void* Thread::enter(void* argument) {
  const std::unique_ptr<Task> task(static_cast<Task*>(argument));
  pthread_setname_np(pthread_self(), task->name);
  task->run();
  return nullptr;
}

bool Thread::start(const char* name, size_t stack_bytes, std::unique_ptr<Task> task) {
  if (running_) return true;
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) != 0) return false;
  pthread_attr_setstacksize(&attributes, stack_bytes);
  // Blocked, SIGXFSZ becomes the error EFBIG of the write.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  task->name = name;
  running_ = pthread_create(&thread_, &attributes, enter, task.get()) == 0;
  if (running_) static_cast<void>(task.release());  // the thread's now
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_attr_destroy(&attributes);
  return running_;
}

void Thread::join() {
  if (running_) pthread_join(thread_, nullptr);
  running_ = false;
}

void Thread::detach() {
  if (running_) pthread_detach(thread_);
  running_ = false;
}

bool Thread::join_within(int deadline_ms) {
  if (!running_) return true;
  timespec until{};
  clock_gettime(CLOCK_MONOTONIC, &until);  // the other one may be set meanwhile
  until.tv_sec += deadline_ms / 1000;
  until.tv_nsec += deadline_ms % 1000 * 1000000L;
  if (until.tv_nsec >= 1000000000L) {
    ++until.tv_sec;
    until.tv_nsec -= 1000000000L;
  }
  running_ = false;
  if (pthread_clockjoin_np(thread_, nullptr, CLOCK_MONOTONIC, &until) == 0) return true;
  pthread_detach(thread_);
  return false;
}

}  // namespace thimble::media
