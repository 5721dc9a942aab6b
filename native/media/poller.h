// epoll behind a small surface: who is told when a descriptor is ready.
#pragma once

#include <sys/epoll.h>
#include <unistd.h>

#include <cstdint>

namespace thimble::media {

/// Hears of readiness. Called on the thread that polls.
class PollTarget {
 public:
  virtual ~PollTarget() = default;
  /// `events` = EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP. `now_us` = CLOCK_MONOTONIC.
  virtual void on_ready(uint32_t events, int64_t now_us) = 0;
  /// False while what it does cannot wait until the next wake-up for packets, and is little.
  virtual bool paced() const { return true; }
};

/// One epoll instance. Descriptors must be removed before they are closed; a target may remove itself from
/// within its own on_ready, but must outlive the batch of events it was reported in (the engine frees
/// sessions between batches).
class Poller {
 public:
  Poller() : epoll_(epoll_create1(EPOLL_CLOEXEC)) {}
  ~Poller() {
    if (epoll_ >= 0) close(epoll_);
  }
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  bool usable() const { return epoll_ >= 0; }
  bool add(int fd, uint32_t events, PollTarget* target) { return control(EPOLL_CTL_ADD, fd, events, target); }
  bool modify(int fd, uint32_t events, PollTarget* target) {
    return control(EPOLL_CTL_MOD, fd, events, target);
  }
  void remove(int fd) { control(EPOLL_CTL_DEL, fd, 0, nullptr); }

  int wait(epoll_event* events, int count, int timeout_ms) {
    return epoll_wait(epoll_, events, count, timeout_ms);
  }

 private:
  bool control(int operation, int fd, uint32_t events, PollTarget* target) {
    epoll_event event{};
    event.events = events;
    event.data.ptr = target;
    return epoll_ctl(epoll_, operation, fd, &event) == 0;
  }
  int epoll_;
};

}  // namespace thimble::media
