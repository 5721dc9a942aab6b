// A thread that shares what it works on with its owner, so that one that hangs can be left behind.
#pragma once

#include <pthread.h>

#include <cstddef>
#include <memory>

namespace thimble::media {

/// Signals are blocked in it: they belong to the main thread. Used by its owner only; to be ended by `join`
/// or `detach` before it goes.
class Thread {
 public:
  Thread() = default;
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;

  /// Runs `body->run()`, which is kept alive until it returns. `name` has at most 15 characters. False when
  /// the system gives no thread.
  template <typename Body>
  bool start(const char* name, size_t stack_bytes, std::shared_ptr<Body> body) {
    return start(name, stack_bytes, std::make_unique<TaskOf<Body>>(std::move(body)));
  }
  bool running() const { return running_; }
  void join();
  void detach();
  /// Waits for its end until `deadline_ms` from now, else leaves it behind and gives false.
  bool join_within(int deadline_ms);

 private:
  struct Task {
    virtual ~Task() = default;
    virtual void run() = 0;
    const char* name = "";
  };
  template <typename Body>
  struct TaskOf final : Task {
    explicit TaskOf(std::shared_ptr<Body> body) : body_(std::move(body)) {}
    void run() override { body_->run(); }
    std::shared_ptr<Body> body_;
  };

  static void* enter(void* task);
  bool start(const char* name, size_t stack_bytes, std::unique_ptr<Task> task);

  pthread_t thread_{};
  bool running_ = false;
};

}  // namespace thimble::media
