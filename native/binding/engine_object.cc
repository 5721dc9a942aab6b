#include "binding/engine_object.h"

#include <cmath>
#include <cstdlib>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

#include "binding/arguments.h"
#include "binding/event_object.h"
#include "binding/picture_functions.h"
#include "binding/restream_values.h"
#include "media/engine.h"
#include "media/errno_name.h"
#include "media/wall_clock.h"

namespace thimble::binding {

namespace {
/// The time of one keyframe may move by so much as its camera's clock is learnt.
constexpr int64_t kSameKeyMs = 20;

/// Carries events from the engine's threads to the JavaScript thread, in order. What nobody fetched is
/// bounded: link states of a blocked event loop are worth nothing, and closed segments are found again at the
/// next start.
class EventQueue final : public media::EventSink {
 public:
  static constexpr size_t kMostEvents = 20000;

  void connect(Napi::ThreadSafeFunction wake) { wake_ = std::move(wake); }
  void disconnect() {
    std::lock_guard<std::mutex> lock(mutex_);
    if (wake_) wake_.Release();
    wake_ = Napi::ThreadSafeFunction();
  }
  /// Node has taken the way away, as it does before it finalizes objects when the process ends.
  void on_disconnected() {
    std::lock_guard<std::mutex> lock(mutex_);
    wake_ = Napi::ThreadSafeFunction();
  }
  void on_event(media::Event&& event) override {
    std::lock_guard<std::mutex> lock(mutex_);
    if (events_.size() >= kMostEvents) events_.pop_front();
    events_.push_back(std::move(event));
    if (!std::exchange(woken_, true) && wake_) wake_.NonBlockingCall();
  }
  std::deque<media::Event> take() {
    std::deque<media::Event> events;
    std::lock_guard<std::mutex> lock(mutex_);
    woken_ = false;
    events.swap(events_);
    return events;
  }

 private:
  Napi::ThreadSafeFunction wake_;
  std::mutex mutex_;
  std::deque<media::Event> events_;
  bool woken_ = false;
};

class EngineObject final : public Napi::ObjectWrap<EngineObject> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(
        env, "Engine",
        {InstanceMethod<&EngineObject::start>("start"), InstanceMethod<&EngineObject::stop>("stop"),
         InstanceMethod<&EngineObject::set_stream>("setStream"),
         InstanceMethod<&EngineObject::remove_stream>("removeStream"),
         InstanceMethod<&EngineObject::capture>("capture"),
         InstanceMethod<&EngineObject::watch_live>("watchLive"),
         InstanceMethod<&EngineObject::end_live>("endLive"),
         InstanceMethod<&EngineObject::show_key>("showKey"),
         InstanceMethod<&EngineObject::set_live_buffer>("setLiveBuffer"),
         InstanceMethod<&EngineObject::restream_listen>("restreamListen"),
         InstanceMethod<&EngineObject::restream_close>("restreamClose"),
         InstanceMethod<&EngineObject::restream_allow>("restreamAllow"),
         InstanceMethod<&EngineObject::restream_clients>("restreamClients"),
         InstanceMethod<&EngineObject::key_picture>("keyPicture"),
         InstanceMethod<&EngineObject::footage_ms>("footageMs"),
         InstanceMethod<&EngineObject::open_index>("openIndex"),
         InstanceMethod<&EngineObject::stats>("stats")});
  }

  explicit EngineObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<EngineObject>(info) {
    Napi::Env env = info.Env();
    media::EngineOptions options;
    if (!read_engine_options(info, &options)) return;
    listener_ = Napi::Persistent(info[1].As<Napi::Function>());
    auto drain = Napi::Function::New(env, [this](const Napi::CallbackInfo&) { deliver(); });
    auto wake = Napi::ThreadSafeFunction::New(env, drain, "thimble events", 0, 1,
                                              [queue = queue_](Napi::Env) { queue->on_disconnected(); });
    // Recording alone does not keep the process alive: the service decides when it ends.
    wake.Unref(env);
    queue_->connect(wake);
    engine_ = media::Engine::create(std::move(options), *queue_);
  }
  ~EngineObject() override {
    engine_.reset();
    queue_->disconnect();
  }

 private:
  class StopWorker;

  Napi::Value start(const Napi::CallbackInfo& info);
  Napi::Value stop(const Napi::CallbackInfo& info);
  Napi::Value set_stream(const Napi::CallbackInfo& info);
  Napi::Value remove_stream(const Napi::CallbackInfo& info);
  Napi::Value capture(const Napi::CallbackInfo& info);
  Napi::Value watch_live(const Napi::CallbackInfo& info);
  Napi::Value end_live(const Napi::CallbackInfo& info);
  Napi::Value show_key(const Napi::CallbackInfo& info);
  Napi::Value set_live_buffer(const Napi::CallbackInfo& info);
  Napi::Value restream_listen(const Napi::CallbackInfo& info);
  Napi::Value restream_close(const Napi::CallbackInfo& info);
  Napi::Value restream_allow(const Napi::CallbackInfo& info);
  Napi::Value restream_clients(const Napi::CallbackInfo& info);
  Napi::Value key_picture(const Napi::CallbackInfo& info);
  Napi::Value footage_ms(const Napi::CallbackInfo& info);
  Napi::Value stats(const Napi::CallbackInfo& info);
  Napi::Value open_index(const Napi::CallbackInfo& info);
  void deliver();
  void add_bytes(Napi::Object object, const media::LiveFragmentEvent& event);

  const std::shared_ptr<EventQueue> queue_ = std::make_shared<EventQueue>();
  Napi::FunctionReference listener_;
  Napi::Reference<Napi::Uint8Array> live_buffer_;
  std::unique_ptr<media::Engine> engine_;
  std::map<uint64_t, Napi::Promise::Deferred> removals_;
  uint64_t last_token_ = 0;
  bool delivering_ = false;
};

/// Waits for the end of the threads off the JavaScript thread.
class EngineObject::StopWorker final : public Napi::AsyncWorker {
 public:
  StopWorker(Napi::Env env, EngineObject& owner, int deadline_ms)
      : Napi::AsyncWorker(env, "thimble stop"),
        owner_(owner),
        keep_alive_(Napi::Persistent(owner.Value())),
        deadline_ms_(deadline_ms),
        promise_(Napi::Promise::Deferred::New(env)) {}
  Napi::Promise promise() const { return promise_.Promise(); }
  void Execute() override { in_time_ = owner_.engine_->stop(deadline_ms_); }
  void OnOK() override {
    owner_.deliver();
    for (auto& [token, removal] : owner_.removals_) removal.Resolve(Env().Undefined());
    owner_.removals_.clear();
    promise_.Resolve(Napi::Boolean::New(Env(), in_time_));
  }

 private:
  EngineObject& owner_;
  Napi::ObjectReference keep_alive_;
  const int deadline_ms_;
  Napi::Promise::Deferred promise_;
  bool in_time_ = false;
};

void EngineObject::deliver() {
  Napi::Env env = Env();
  Napi::HandleScope scope(env);
  delivering_ = true;
  for (const media::Event& event : queue_->take()) {
    Napi::HandleScope each(env);
    if (const auto* removed = std::get_if<media::StreamRemovedEvent>(&event)) {
      const auto removal = removals_.find(removed->token);
      if (removal == removals_.end()) continue;
      removal->second.Resolve(env.Undefined());
      removals_.erase(removal);
      continue;
    }
    const Napi::Object object = to_object(env, event);
    if (const auto* fragment = std::get_if<media::LiveFragmentEvent>(&event)) add_bytes(object, *fragment);
    listener_.Call({object});
    // The facade catches what listeners throw; anything else must not stop the events behind it.
    if (env.IsExceptionPending()) env.GetAndClearPendingException();
  }
  delivering_ = false;
}

/// Into the buffer that is used again and again: V8 collects buffers of each fragment so late that they would
/// take 32 MiB.
void EngineObject::add_bytes(Napi::Object object, const media::LiveFragmentEvent& event) {
  const std::vector<uint8_t>& bytes = event.bytes->bytes();
  if (!live_buffer_.IsEmpty()) {
    Napi::Uint8Array buffer = live_buffer_.Value();
    if (bytes.size() <= buffer.ByteLength()) {
      std::copy(bytes.begin(), bytes.end(), buffer.Data());
      return;
    }
  }
  object.Set("data", Napi::Buffer<uint8_t>::Copy(Env(), bytes.data(), bytes.size()));
}

Napi::Value EngineObject::start(const Napi::CallbackInfo& info) {
  if (!engine_->start()) {
    Napi::Error::New(info.Env(), "the engine's threads could not be started").ThrowAsJavaScriptException();
  }
  return info.Env().Undefined();
}

Napi::Value EngineObject::stop(const Napi::CallbackInfo& info) {
  const int deadline_ms =
      info.Length() > 0 && info[0].IsNumber() ? info[0].As<Napi::Number>().Int32Value() : 5000;
  auto* worker = new StopWorker(info.Env(), *this, deadline_ms);
  const Napi::Promise promise = worker->promise();
  worker->Queue();  // deletes itself when done
  return promise;
}

Napi::Value EngineObject::set_stream(const Napi::CallbackInfo& info) {
  media::StreamSettings settings;
  if (read_stream_settings(info, &settings)) engine_->set_stream(std::move(settings));
  return info.Env().Undefined();
}

Napi::Value EngineObject::remove_stream(const Napi::CallbackInfo& info) {
  media::StreamKey key;
  if (!read_stream_key(info, &key)) return info.Env().Undefined();
  const uint64_t token = ++last_token_;
  const auto removal = removals_.emplace(token, Napi::Promise::Deferred::New(info.Env())).first;
  engine_->remove_stream(key, token);
  return removal->second.Promise();
}

Napi::Value EngineObject::capture(const Napi::CallbackInfo& info) {
  media::StreamKey key;
  if (!read_stream_key(info, &key)) return info.Env().Undefined();
  if (info.Length() < 4 || !info[2].IsNumber() || !info[3].IsNumber()) {
    Napi::TypeError::New(info.Env(), "two times are needed").ThrowAsJavaScriptException();
    return info.Env().Undefined();
  }
  const int64_t from_ms = info[2].As<Napi::Number>().Int64Value();
  const int64_t until_ms = info[3].As<Napi::Number>().Int64Value();
  if (from_ms < 0 || until_ms < from_ms || until_ms > media::kLatestStartMs) {
    Napi::RangeError::New(info.Env(), "the times are out of range").ThrowAsJavaScriptException();
    return info.Env().Undefined();
  }
  engine_->capture(key, from_ms, until_ms);
  return info.Env().Undefined();
}

Napi::Value EngineObject::watch_live(const Napi::CallbackInfo& info) {
  media::StreamKey key;
  bool sound = false;
  if (!read_live_key(info, &key, &sound)) return info.Env().Undefined();
  const bool numbered = info.Length() >= 4 && info[3].IsNumber();
  engine_->watch_live(key, sound, numbered ? info[3].As<Napi::Number>().Uint32Value() : 0);
  return info.Env().Undefined();
}

Napi::Value EngineObject::end_live(const Napi::CallbackInfo& info) {
  media::StreamKey key;
  bool sound = false;
  if (read_live_key(info, &key, &sound)) engine_->end_live(key, sound);
  return info.Env().Undefined();
}

Napi::Value EngineObject::show_key(const Napi::CallbackInfo& info) {
  media::StreamKey key;
  if (!read_stream_key(info, &key)) return info.Env().Undefined();
  if (info.Length() >= 3 && info[2].IsNumber()) {
    engine_->show_key(key, info[2].As<Napi::Number>().Uint32Value());
  } else {
    Napi::TypeError::New(info.Env(), "the number of a viewer is needed").ThrowAsJavaScriptException();
  }
  return info.Env().Undefined();
}

Napi::Value EngineObject::set_live_buffer(const Napi::CallbackInfo& info) {
  const bool is_bytes = info.Length() >= 1 && info[0].IsTypedArray() &&
                        info[0].As<Napi::TypedArray>().TypedArrayType() == napi_uint8_array;
  if (is_bytes) {
    live_buffer_ = Napi::Reference<Napi::Uint8Array>::New(info[0].As<Napi::Uint8Array>(), 1);
  } else {
    Napi::TypeError::New(info.Env(), "a buffer is needed").ThrowAsJavaScriptException();
  }
  return info.Env().Undefined();
}

/// The port, or the name of the error.
Napi::Value EngineObject::restream_listen(const Napi::CallbackInfo& info) {
  const bool fits = info.Length() >= 3 && info[0].IsBoolean() && info[1].IsString() && info[2].IsNumber();
  const double wanted = fits ? info[2].As<Napi::Number>().DoubleValue() : -1;
  if (!(wanted >= 0 && wanted <= 65535)) {
    Napi::TypeError::New(info.Env(), "a way, an address and a port are needed").ThrowAsJavaScriptException();
    return info.Env().Undefined();
  }
  auto port = static_cast<uint16_t>(wanted);
  const int error = engine_->restream_listen(info[0].As<Napi::Boolean>().Value(),
                                             info[1].As<Napi::String>().Utf8Value(), &port);
  if (error < 0) return Napi::String::New(info.Env(), media::errno_name(-error));
  return Napi::Number::New(info.Env(), port);
}

Napi::Value EngineObject::restream_close(const Napi::CallbackInfo& info) {
  if (info.Length() >= 1 && info[0].IsBoolean()) {
    engine_->restream_close(info[0].As<Napi::Boolean>().Value());
  } else {
    Napi::TypeError::New(info.Env(), "a way is needed").ThrowAsJavaScriptException();
  }
  return info.Env().Undefined();
}

Napi::Value EngineObject::restream_allow(const Napi::CallbackInfo& info) {
  media::RestreamAccess access;
  if (read_restream_access(info, &access)) engine_->restream_allow(std::move(access));
  return info.Env().Undefined();
}

Napi::Value EngineObject::restream_clients(const Napi::CallbackInfo& info) {
  return to_array(info.Env(), engine_->restream_clients());
}

Napi::Value EngineObject::key_picture(const Napi::CallbackInfo& info) {
  media::StreamKey key;
  if (!read_stream_key(info, &key)) return info.Env().Undefined();
  const double width =
      info.Length() >= 3 && info[2].IsNumber() ? info[2].As<Napi::Number>().DoubleValue() : 0;
  if (!(width >= 16 && width <= 8192)) {
    Napi::RangeError::New(info.Env(), "the width is out of range").ThrowAsJavaScriptException();
    return info.Env().Undefined();
  }
  // Copied here: the engine may be gone when the work begins.
  const auto picture = std::make_shared<media::KeyPicture>();
  const bool found = engine_->key_picture(key, picture.get());
  const int64_t known_ms =
      info.Length() >= 4 && info[3].IsNumber() ? info[3].As<Napi::Number>().Int64Value() : 0;
  if (found && known_ms > 0 && std::llabs(picture->at_ms - known_ms) <= kSameKeyMs) {
    const Napi::Promise::Deferred same = Napi::Promise::Deferred::New(info.Env());
    Napi::Object result = Napi::Object::New(info.Env());
    result.Set("state", "same");
    same.Resolve(result);
    return same.Promise();
  }
  return start_picture(info.Env(), [picture, found, width] {
    return found ? media::make_key_picture(*picture, static_cast<int>(width)) : media::SegmentPicture();
  });
}

Napi::Value EngineObject::footage_ms(const Napi::CallbackInfo& info) {
  if (info.Length() < 1 || !info[0].IsNumber()) {
    Napi::TypeError::New(info.Env(), "a time is needed").ThrowAsJavaScriptException();
    return info.Env().Undefined();
  }
  const double system_ms = info[0].As<Napi::Number>().DoubleValue();
  const int64_t system_offset_us = media::clock_us(CLOCK_REALTIME) - media::clock_us(CLOCK_MONOTONIC);
  const int64_t ahead_us = engine_->clock_offset_us() - system_offset_us;
  return Napi::Number::New(info.Env(), system_ms + std::round(static_cast<double>(ahead_us) / 1000));
}

Napi::Value EngineObject::stats(const Napi::CallbackInfo& info) {
  // A segment that is closed between two events would be in neither: the events up to these figures come
  // first.
  const media::EngineStats figures = engine_->stats();
  if (!delivering_) deliver();
  return to_object(info.Env(), figures);
}

Napi::Value EngineObject::open_index(const Napi::CallbackInfo& info) {
  media::StreamKey key;
  if (!read_stream_key(info, &key)) return info.Env().Undefined();
  if (info.Length() < 4 || !info[2].IsNumber() || !info[3].IsNumber()) {
    Napi::TypeError::New(info.Env(), "a time and a generation are needed").ThrowAsJavaScriptException();
    return info.Env().Undefined();
  }
  const std::vector<uint8_t> index = engine_->open_index(key, info[2].As<Napi::Number>().Int64Value(),
                                                         info[3].As<Napi::Number>().Uint32Value());
  if (index.empty()) return info.Env().Undefined();
  return Napi::Buffer<uint8_t>::Copy(info.Env(), index.data(), index.size());
}
}  // namespace

void export_engine(Napi::Env env, Napi::Object exports) {
  exports.Set("Engine", EngineObject::define(env));
}

}  // namespace thimble::binding
