#include "binding/export_object.h"

#include <memory>
#include <string>
#include <utility>

#include "binding/arguments.h"
#include "media/errno_name.h"
#include "media/export_plan.h"

namespace thimble::binding {

namespace {
/// Shared with the worker that uses it, so that closing the object under a worker is harmless.
struct SharedPlan {
  explicit SharedPlan(const media::ExportRange& range) : plan(media::posix_disk(), range) {}
  media::ExportPlan plan;
  bool busy = false;  ///< main thread only: one worker at a time
};
using PlanPointer = std::shared_ptr<SharedPlan>;

const char* added_name(media::ExportPlan::Added added) {
  using Added = media::ExportPlan::Added;
  switch (added) {
    case Added::kYes:
      return "added";
    case Added::kUnreadable:
      return "unreadable";
    case Added::kNewParameters:
      return "new-parameters";
    case Added::kOtherCodec:
      return "other-codec";
    case Added::kOtherSound:
      return "other-sound";
    case Added::kSoundHole:
      return "sound-hole";
    case Added::kTooLarge:
      break;
  }
  return "too-large";
}

class PlanWorker : public Napi::AsyncWorker {
 public:
  PlanWorker(Napi::Env env, const char* name, PlanPointer plan)
      : Napi::AsyncWorker(env, name), plan_(std::move(plan)), promise_(Napi::Promise::Deferred::New(env)) {
    plan_->busy = true;
  }
  /// Starts the work, after which this deletes itself.
  Napi::Promise start() {
    const Napi::Promise promise = promise_.Promise();
    Queue();
    return promise;
  }
  void OnOK() final {
    plan_->busy = false;
    settle(promise_);
  }

 protected:
  virtual void settle(Napi::Promise::Deferred& promise) = 0;
  media::ExportPlan& plan() { return plan_->plan; }

 private:
  PlanPointer plan_;
  Napi::Promise::Deferred promise_;
};

class AddWorker final : public PlanWorker {
 public:
  AddWorker(Napi::Env env, PlanPointer plan, media::ExportSegment segment)
      : PlanWorker(env, "thimble export plan", std::move(plan)), segment_(std::move(segment)) {}
  void Execute() override { added_ = plan().add(segment_, &error_); }

 protected:
  void settle(Napi::Promise::Deferred& promise) override {
    Napi::Object result = Napi::Object::New(Env());
    result.Set("state", added_name(added_));
    if (added_ == media::ExportPlan::Added::kUnreadable) result.Set("code", media::errno_name(-error_));
    promise.Resolve(result);
  }

 private:
  const media::ExportSegment segment_;
  media::ExportPlan::Added added_ = media::ExportPlan::Added::kUnreadable;
  int error_ = 0;
};

class ReadWorker final : public PlanWorker {
 public:
  ReadWorker(Napi::Env env, PlanPointer plan, uint64_t offset, Napi::Buffer<uint8_t> buffer)
      : PlanWorker(env, "thimble export read", std::move(plan)),
        offset_(offset),
        data_(buffer.Data()),
        size_(buffer.Length()),
        keep_alive_(Napi::Persistent(static_cast<Napi::Object>(buffer))) {}
  void Execute() override { result_ = plan().read(offset_, data_, size_); }

 protected:
  void settle(Napi::Promise::Deferred& promise) override {
    if (result_ >= 0) return promise.Resolve(Napi::Number::New(Env(), static_cast<double>(result_)));
    const char* code = media::errno_name(static_cast<int>(-result_));
    Napi::Error error =
        Napi::Error::New(Env(), std::string("a segment of the export cannot be read: ") + code);
    error.Set("code", Napi::String::New(Env(), code));
    promise.Reject(error.Value());
  }

 private:
  const uint64_t offset_;
  uint8_t* const data_;
  const size_t size_;
  Napi::ObjectReference keep_alive_;
  int64_t result_ = 0;
};

class ExportObject final : public Napi::ObjectWrap<ExportObject> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(
        env, "ExportPlan",
        {InstanceMethod<&ExportObject::add>("add"), InstanceMethod<&ExportObject::finish>("finish"),
         InstanceMethod<&ExportObject::read>("read"), InstanceMethod<&ExportObject::close>("close")});
  }

  explicit ExportObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<ExportObject>(info) {
    media::ExportRange range;
    if (read_export_range(info, &range)) plan_ = std::make_shared<SharedPlan>(range);
  }

 private:
  Napi::Value add(const Napi::CallbackInfo& info);
  Napi::Value finish(const Napi::CallbackInfo& info);
  Napi::Value read(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);
  /// Throws when the plan is closed, in use, or not in the phase that the call needs.
  bool usable(Napi::Env env, bool finished);

  PlanPointer plan_;
  bool finished_ = false;
};

bool ExportObject::usable(Napi::Env env, bool finished) {
  if (plan_ && !plan_->busy && finished_ == finished) return true;
  Napi::Error::New(env, "the export plan is closed, in use, or not in this phase")
      .ThrowAsJavaScriptException();
  return false;
}

Napi::Value ExportObject::add(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  media::ExportSegment segment;
  if (!usable(env, false) || !read_export_segment(info, &segment)) return env.Undefined();
  return (new AddWorker(env, plan_, std::move(segment)))->start();
}

/// The facts of the finished plan; undefined when there is nothing in it.
Napi::Value ExportObject::finish(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (!usable(env, false)) return env.Undefined();
  finished_ = true;
  media::ExportPlan& plan = plan_->plan;
  if (!plan.finish()) return env.Undefined();
  const auto number = [&](auto value) { return Napi::Number::New(env, static_cast<double>(value)); };
  Napi::Array gaps = Napi::Array::New(env, plan.gaps().size());
  for (size_t i = 0; i < plan.gaps().size(); ++i) {
    const media::ExportGap& gap = plan.gaps()[i];
    Napi::Object entry = Napi::Object::New(env);
    entry.Set("startMs", number(gap.start_ms));
    entry.Set("endMs", number(gap.end_ms));
    entry.Set("atMs", number(gap.at_ms));
    gaps.Set(static_cast<uint32_t>(i), entry);
  }
  Napi::Object facts = Napi::Object::New(env);
  facts.Set("sizeBytes", number(plan.size_bytes()));
  facts.Set("tableBytes", number(plan.table_bytes()));
  facts.Set("startMs", number(plan.start_ms()));
  facts.Set("durationMs", number(plan.duration_ms()));
  facts.Set("digest", Napi::String::New(env, plan.digest()));
  facts.Set("gaps", gaps);
  return facts;
}

Napi::Value ExportObject::read(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (!usable(env, true)) return env.Undefined();
  const double offset =
      info.Length() > 0 && info[0].IsNumber() ? info[0].As<Napi::Number>().DoubleValue() : -1;
  if (!(offset >= 0 && offset < 9007199254740992.0) || info.Length() < 2 || !info[1].IsBuffer()) {
    Napi::TypeError::New(env, "an offset and a buffer are needed").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  const auto buffer = info[1].As<Napi::Buffer<uint8_t>>();
  return (new ReadWorker(env, plan_, static_cast<uint64_t>(offset), buffer))->start();
}

/// Frees everything, at the latest when the worker under way is done.
Napi::Value ExportObject::close(const Napi::CallbackInfo& info) {
  plan_.reset();
  return info.Env().Undefined();
}
}  // namespace

void export_plans(Napi::Env env, Napi::Object exports) {
  exports.Set("ExportPlan", ExportObject::define(env));
}

}  // namespace thimble::binding
