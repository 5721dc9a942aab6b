// The resolver of connector.h. What the lookup thread touches is in Shared, which outlives whoever goes
// first.
#include <limits.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>

#include "rtsp/connector.h"
#include "rtsp/text.h"

namespace thimble::rtsp {
namespace {

constexpr size_t kMaxWaiting = 64;
constexpr size_t kMaxRemembered = 64;
// glibc's resolver keeps its answers (up to 64 KiB) on the stack.
constexpr size_t kStackBytes = 256 << 10;
constexpr auto kStopPatience = std::chrono::milliseconds(200);

}  // namespace

struct Resolver::Shared {
  struct Job {
    uint64_t request = 0;
    std::string host;
    uint16_t port = 0;
  };
  struct Answer {
    uint64_t request = 0;
    int error = 0;
    std::vector<SocketAddress> addresses;
  };

  Shared(NameLookup how, int idle) : lookup(std::move(how)), idle_ms(idle) {
    event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  }
  ~Shared() {
    if (event_fd >= 0) close(event_fd);
  }

  void post(Answer answer) {
    {
      const std::lock_guard<std::mutex> lock(mutex);
      answers.push_back(std::move(answer));
    }
    wake();
  }
  void wake() const {
    const uint64_t one = 1;
    // Can only fail when it is readable already.
    if (event_fd >= 0 && write(event_fd, &one, sizeof one) < 0) return;
  }
  void run();

  const NameLookup lookup;
  const int idle_ms;
  int event_fd = -1;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Job> jobs;
  std::deque<Answer> answers;
  bool stopping = false;
  bool thread_running = false;  // cleared by the thread as its last act
  bool thread_exists = false;   // there is a thread to join
  pthread_t thread = {};
};

void Resolver::Shared::run() {
  std::unique_lock<std::mutex> lock(mutex);
  while (!stopping) {
    const bool woken = changed.wait_for(lock, std::chrono::milliseconds(idle_ms),
                                        [this] { return stopping || !jobs.empty(); });
    if (!woken) break;
    if (stopping) break;
    const Job job = std::move(jobs.front());
    jobs.pop_front();
    lock.unlock();
    Answer answer;
    answer.request = job.request;
    answer.error = lookup(job.host, job.port, &answer.addresses);
    post(std::move(answer));
    lock.lock();
  }
  thread_running = false;
  changed.notify_all();
}

Resolver::Resolver(NameLookup lookup, int idle_ms)
    : shared_(std::make_shared<Shared>(std::move(lookup), idle_ms)) {}

Resolver::~Resolver() {
  std::unique_lock<std::mutex> lock(shared_->mutex);
  if (!shared_->thread_exists) return;
  shared_->stopping = true;
  shared_->changed.notify_all();
  const bool done =
      shared_->changed.wait_for(lock, kStopPatience, [this] { return !shared_->thread_running; });
  lock.unlock();
  if (done) {
    pthread_join(shared_->thread, nullptr);
  } else {
    pthread_detach(shared_->thread);
  }
}

int Resolver::fd() const {
  return shared_->event_fd;
}

bool Resolver::has_thread() const {
  const std::lock_guard<std::mutex> lock(shared_->mutex);
  return shared_->thread_running;
}

uint64_t Resolver::resolve(const std::string& host, uint16_t port, Callback callback) {
  if (waiting_.size() >= kMaxWaiting) return 0;
  const uint64_t request = last_request_ + 1;
  SocketAddress address;
  if (parse_address(host, port, &address)) {
    shared_->post({request, 0, {address}});
  } else {
    const std::lock_guard<std::mutex> lock(shared_->mutex);
    // Requests that were cancelled still stand in the queue behind a slow lookup.
    if (shared_->jobs.size() >= kMaxWaiting || !ensure_thread()) return 0;
    shared_->jobs.push_back({request, host, port});
    shared_->changed.notify_all();
  }
  last_request_ = request;
  waiting_[request] = {host, port, std::move(callback)};
  return request;
}

// With the mutex held.
bool Resolver::ensure_thread() {
  if (shared_->thread_running) return true;
  // It has given the mutex back for the last time, or is about to: the join is short.
  if (shared_->thread_exists) pthread_join(shared_->thread, nullptr);
  shared_->thread_exists = false;
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) != 0) return false;
  pthread_attr_setstacksize(&attributes,
                            std::max<size_t>(kStackBytes, static_cast<size_t>(PTHREAD_STACK_MIN)));
  auto* handed_over = new std::shared_ptr<Shared>(shared_);
  const auto body = [](void* argument) -> void* {
    const std::unique_ptr<std::shared_ptr<Shared>> shared(static_cast<std::shared_ptr<Shared>*>(argument));
    (*shared)->run();
    return nullptr;
  };
  shared_->thread_running = shared_->thread_exists =
      pthread_create(&shared_->thread, &attributes, body, handed_over) == 0;
  if (!shared_->thread_exists) delete handed_over;
  pthread_attr_destroy(&attributes);
  return shared_->thread_exists;
}

void Resolver::cancel(uint64_t request) {
  waiting_.erase(request);
  const std::lock_guard<std::mutex> lock(shared_->mutex);
  const auto is_it = [request](const auto& item) { return item.request == request; };
  auto& jobs = shared_->jobs;
  jobs.erase(std::remove_if(jobs.begin(), jobs.end(), is_it), jobs.end());
  auto& answers = shared_->answers;
  answers.erase(std::remove_if(answers.begin(), answers.end(), is_it), answers.end());
}

void Resolver::dispatch(int64_t now_us) {
  uint64_t count = 0;
  if (shared_->event_fd >= 0 && read(shared_->event_fd, &count, sizeof count) < 0) count = 0;
  std::deque<Shared::Answer> answers;
  {
    const std::lock_guard<std::mutex> lock(shared_->mutex);
    answers.swap(shared_->answers);
  }
  for (Shared::Answer& answer : answers) {
    const auto found = waiting_.find(answer.request);
    if (found == waiting_.end()) continue;
    const Waiting waiting = std::move(found->second);
    waiting_.erase(found);
    ResolveResult result;
    result.now_us = now_us;
    result.addresses = std::move(answer.addresses);
    if (answer.error == 0 && !result.addresses.empty()) {
      remember(waiting.host, result.addresses);
    } else {
      result.addresses = recall(waiting.host, waiting.port);
      result.remembered = !result.addresses.empty();
    }
    waiting.callback(result);
  }
}

void Resolver::remember(const std::string& host, const std::vector<SocketAddress>& addresses) {
  const std::string name = lower(host);
  if (remembered_.size() >= kMaxRemembered && remembered_.count(name) == 0)
    remembered_.erase(remembered_.begin());
  remembered_[name] = addresses;
}

// The port is the one asked for: another stream of the same camera may use a different one.
std::vector<SocketAddress> Resolver::recall(const std::string& host, uint16_t port) const {
  const auto found = remembered_.find(lower(host));
  std::vector<SocketAddress> addresses;
  if (found == remembered_.end()) return addresses;
  for (const SocketAddress& known : found->second) addresses.push_back(known.with_port(port));
  return addresses;
}

}  // namespace thimble::rtsp
