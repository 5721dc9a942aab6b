#include "binding/child_object.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "binding/child.h"
#include "media/errno_name.h"
#include "media/thread.h"

namespace thimble::binding {

namespace {
/// Waits for the end of one child on a thread of its own, so that nobody's SIGCHLD is taken, and works
/// without pidfd_open (Linux 5.3). It leaves the child as it is: the main thread reaps it, and until then its
/// id cannot be given to another process.
class Waiter {
 public:
  explicit Waiter(pid_t pid) : pid_(pid) {}
  void connect(Napi::ThreadSafeFunction wake) { wake_ = std::move(wake); }
  void run() {
    siginfo_t ended;
    while (waitid(P_PID, static_cast<id_t>(pid_), &ended, WEXITED | WNOWAIT) != 0 && errno == EINTR) {
    }
    std::lock_guard<std::mutex> lock(mutex_);
    if (wake_) wake_.NonBlockingCall();
  }
  void disconnect() {
    std::lock_guard<std::mutex> lock(mutex_);
    if (wake_) wake_.Release();
    wake_ = Napi::ThreadSafeFunction();
  }
  /// Node has taken the way away, as it does when the process ends.
  void on_disconnected() {
    std::lock_guard<std::mutex> lock(mutex_);
    wake_ = Napi::ThreadSafeFunction();
  }

 private:
  const pid_t pid_;
  std::mutex mutex_;
  Napi::ThreadSafeFunction wake_;
};

/// Of errors that only starting a program has, and of the rest.
const char* start_error_name(int error) {
  switch (error) {
    case EAGAIN:
      return "EAGAIN";
    case ELIBBAD:
      return "ELIBBAD";
    case ENOEXEC:
      return "ENOEXEC";
    case ETXTBSY:
      return "ETXTBSY";
    default:
      return media::errno_name(error);
  }
}

constexpr size_t kStackBytes = 128 << 10;

bool read_texts(const Napi::Value& value, std::vector<std::string>* texts) {
  if (!value.IsArray()) return false;
  const Napi::Array list = value.As<Napi::Array>();
  for (uint32_t i = 0; i < list.Length(); ++i) {
    const Napi::Value text = list.Get(i);
    if (!text.IsString()) return false;
    texts->push_back(text.As<Napi::String>().Utf8Value());
    // It would end there, and something else be started than was meant.
    if (texts->back().find('\0') != std::string::npos) return false;
  }
  return true;
}

bool read_plan(const Napi::Value& value, ChildPlan* plan) {
  if (!value.IsObject()) return false;
  const Napi::Object object = value.As<Napi::Object>();
  std::vector<std::string> paths;
  const Napi::Array both = Napi::Array::New(value.Env(), 2);
  both.Set(0u, object.Get("path"));
  both.Set(1u, object.Get("folder"));
  const Napi::Value open_files = object.Get("openFiles");
  if (!read_texts(both, &paths) || !open_files.IsNumber()) return false;
  const double files = open_files.As<Napi::Number>().DoubleValue();
  if (!(files >= 16 && files <= 1 << 20)) return false;
  plan->path = paths[0];
  plan->folder = paths[1];
  plan->open_files = static_cast<uint64_t>(files);
  return plan->path[0] == '/' && read_texts(object.Get("args"), &plan->args) &&
         read_texts(object.Get("env"), &plan->env);
}

class ChildObject final : public Napi::ObjectWrap<ChildObject> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(
        env, "Child",
        {InstanceAccessor<&ChildObject::pid>("pid"), InstanceAccessor<&ChildObject::output>("output"),
         InstanceMethod<&ChildObject::kill>("kill")});
  }

  explicit ChildObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<ChildObject>(info) {
    Napi::Env env = info.Env();
    ChildPlan plan;
    if (info.Length() < 2 || !read_plan(info[0], &plan) || !info[1].IsFunction()) {
      Napi::TypeError::New(env, "path, args, env, folder, openFiles and a listener are needed")
          .ThrowAsJavaScriptException();
      return;
    }
    const StartedChild started = start_child(plan);
    if (started.pid < 0) {
      fail(env, plan.path, started.error);
      return;
    }
    pid_ = started.pid;
    output_ = started.output;
    waiter_ = std::make_shared<Waiter>(pid_);
    listener_ = Napi::Persistent(info[1].As<Napi::Function>());
    auto ended = Napi::Function::New(env, [this](const Napi::CallbackInfo& call) { on_end(call.Env()); });
    waiter_->connect(Napi::ThreadSafeFunction::New(
        env, ended, "thimble child", 0, 1, [waiter = waiter_](Napi::Env) { waiter->on_disconnected(); }));
    media::Thread thread;
    if (!thread.start("thimble-child", kStackBytes, waiter_)) {
      waiter_->disconnect();
      reap();
      close(output_);
      fail(env, plan.path, EAGAIN);
      return;
    }
    thread.detach();
    Ref();  // until it has ended
  }

 private:
  static void fail(Napi::Env env, const std::string& path, int error) {
    Napi::Error failure = Napi::Error::New(env, "cannot start " + path + ": " + std::strerror(error));
    failure.Set("code", Napi::String::New(env, start_error_name(error)));
    failure.ThrowAsJavaScriptException();
  }

  Napi::Value pid(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), pid_); }
  Napi::Value output(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), output_); }

  /// To its whole process group; nothing happens when it was reaped, as its id may be another's by then.
  Napi::Value kill(const Napi::CallbackInfo& info) {
    if (pid_ > 0 && info.Length() > 0 && info[0].IsNumber()) {
      ::kill(-pid_, info[0].As<Napi::Number>().Int32Value());
    }
    return info.Env().Undefined();
  }

  /// Its status as of waitpid. What it had started itself goes with it.
  int reap() {
    ::kill(-pid_, SIGKILL);
    int status = 0;
    while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return status;
  }

  void on_end(Napi::Env env) {
    if (pid_ < 0) return;
    const int status = reap();
    waiter_->disconnect();
    Napi::Object exit = Napi::Object::New(env);
    if (WIFSIGNALED(status)) {
      exit.Set("signal", Napi::Number::New(env, WTERMSIG(status)));
    } else {
      exit.Set("code", Napi::Number::New(env, WEXITSTATUS(status)));
    }
    Unref();
    listener_.Call({exit});
  }

  pid_t pid_ = -1;
  int output_ = -1;
  std::shared_ptr<Waiter> waiter_;
  Napi::FunctionReference listener_;
};
}  // namespace

void export_child(Napi::Env env, Napi::Object exports) {
  exports.Set("Child", ChildObject::define(env));
}

}  // namespace thimble::binding
