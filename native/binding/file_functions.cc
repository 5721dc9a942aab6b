#include "binding/file_functions.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "binding/arguments.h"
#include "binding/event_object.h"
#include "media/errno_name.h"
#include "media/repair.h"

namespace thimble::binding {

namespace {
class ExamineWorker final : public Napi::AsyncWorker {
 public:
  ExamineWorker(Napi::Env env, std::vector<std::string> paths, const uint8_t* store, media::Examination how)
      : Napi::AsyncWorker(env, "thimble examine"),
        paths_(std::move(paths)),
        how_(how),
        promise_(Napi::Promise::Deferred::New(env)) {
    std::memcpy(store_, store, sizeof store_);
  }
  Napi::Promise promise() const { return promise_.Promise(); }
  void Execute() override { reports_ = media::examine_segments(media::posix_disk(), paths_, store_, how_); }
  void OnOK() override {
    Napi::Array reports = Napi::Array::New(Env(), reports_.size());
    for (size_t i = 0; i < reports_.size(); ++i) {
      reports.Set(static_cast<uint32_t>(i), to_object(Env(), reports_[i]));
    }
    promise_.Resolve(reports);
  }

 private:
  const std::vector<std::string> paths_;
  uint8_t store_[16];
  const media::Examination how_;
  std::vector<media::SegmentReport> reports_;
  Napi::Promise::Deferred promise_;
};

bool read_examination(const Napi::Object& object, media::Examination* how) {
  const Napi::Value write = object.Get("write"), thorough = object.Get("thorough");
  if (!write.IsBoolean() || !thorough.IsBoolean()) return false;
  how->write = write.As<Napi::Boolean>().Value();
  how->thorough = thorough.As<Napi::Boolean>().Value();
  return true;
}

Napi::Value examine_segments(const Napi::CallbackInfo& info) {
  uint8_t store[16];
  std::vector<std::string> paths;
  media::Examination how;
  bool good = info.Length() >= 3 && info[0].IsArray() && read_uuid(info[1], store) && info[2].IsObject();
  good = good && read_examination(info[2].As<Napi::Object>(), &how);
  const Napi::Array list = good ? info[0].As<Napi::Array>() : Napi::Array::New(info.Env());
  for (uint32_t i = 0; good && i < list.Length(); ++i) {
    const Napi::Value path = list.Get(i);
    good = path.IsString();
    if (good) paths.push_back(path.As<Napi::String>().Utf8Value());
  }
  if (!good) {
    Napi::TypeError::New(info.Env(), "paths, a store uuid, write and thorough are needed")
        .ThrowAsJavaScriptException();
    return info.Env().Undefined();
  }
  auto* worker = new ExamineWorker(info.Env(), std::move(paths), store, how);
  const Napi::Promise promise = worker->promise();
  worker->Queue();  // deletes itself when done
  return promise;
}

/// A descriptor that holds the lock, -1 when another process does; throws when the file cannot be opened.
Napi::Value lock_file(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (info.Length() < 1 || !info[0].IsString()) {
    Napi::TypeError::New(env, "a path is needed").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  const std::string path = info[0].As<Napi::String>().Utf8Value();
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) {
    const int error = errno;
    Napi::Error failure = Napi::Error::New(env, "cannot open " + path + ": " + std::strerror(error));
    failure.Set("code", Napi::String::New(env, media::errno_name(error)));
    failure.ThrowAsJavaScriptException();
    return env.Undefined();
  }
  if (flock(fd, LOCK_EX | LOCK_NB) == 0) return Napi::Number::New(env, fd);
  close(fd);
  return Napi::Number::New(env, -1);
}

Napi::Value unlock_file(const Napi::CallbackInfo& info) {
  if (info.Length() > 0 && info[0].IsNumber()) close(info[0].As<Napi::Number>().Int32Value());
  return info.Env().Undefined();
}
}  // namespace

void export_file_functions(Napi::Env env, Napi::Object exports) {
  exports.Set("examineSegments", Napi::Function::New(env, examine_segments, "examineSegments"));
  exports.Set("lockFile", Napi::Function::New(env, lock_file, "lockFile"));
  exports.Set("unlockFile", Napi::Function::New(env, unlock_file, "unlockFile"));
}

}  // namespace thimble::binding
