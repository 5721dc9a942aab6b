#include "binding/picture_functions.h"

#include <memory>
#include <string>
#include <utility>

#include "binding/arguments.h"
#include "media/errno_name.h"
#include "media/segment_picture.h"
#include "media/thread.h"

namespace thimble::binding {

namespace {
using media::PictureProblem;
using media::SegmentPicture;

/// One of a closed list, the same as in src/native/addon.ts.
const char* state_name(const SegmentPicture& made) {
  switch (made.state) {
    case SegmentPicture::State::kMade:
      return "made";
    case SegmentPicture::State::kNone:
      return "none";
    case SegmentPicture::State::kUnreadable:
      return "unreadable";
    case SegmentPicture::State::kNotDecodable:
      break;
  }
  switch (made.problem) {
    case PictureProblem::kTooLarge:
      return "too-large";
    case PictureProblem::kUnsupported:
      return "unsupported";
    case PictureProblem::kNoMemory:
      return "no-memory";
    case PictureProblem::kNone:
    case PictureProblem::kDamaged:
      break;
  }
  return "damaged";
}

/// Decoding takes little of a stack, but nobody knows all of it.
constexpr size_t kStackBytes = 2 << 20;

struct Job {
  PictureMaker make;
  SegmentPicture made;
  void run() { made = make(); }
};

class PictureWorker final : public Napi::AsyncWorker {
 public:
  PictureWorker(Napi::Env env, PictureMaker make)
      : Napi::AsyncWorker(env, "thimble picture"),
        job_(std::make_shared<Job>()),
        promise_(Napi::Promise::Deferred::New(env)) {
    job_->make = std::move(make);
  }
  /// Starts the work, after which this deletes itself.
  Napi::Promise start() {
    const Napi::Promise promise = promise_.Promise();
    Queue();
    return promise;
  }
  /// On a thread that ends: each of libuv's four would keep 2 MiB of glibc's heap for good.
  void Execute() override {
    media::Thread thread;
    if (thread.start("thimble-picture", kStackBytes, job_)) {
      thread.join();
    } else {
      job_->run();
    }
  }
  void OnOK() override {
    const SegmentPicture& made = job_->made;
    Napi::Object result = Napi::Object::New(Env());
    result.Set("state", state_name(made));
    if (made.state == SegmentPicture::State::kUnreadable) result.Set("code", media::errno_name(-made.error));
    if (made.state == SegmentPicture::State::kMade) {
      const media::Picture& picture = made.picture;
      result.Set("jpeg", Napi::Buffer<uint8_t>::Copy(Env(), picture.jpeg.data(), picture.jpeg.size()));
      result.Set("atMs", Napi::Number::New(Env(), static_cast<double>(made.at_ms)));
      result.Set("width", Napi::Number::New(Env(), picture.width));
      result.Set("height", Napi::Number::New(Env(), picture.height));
    }
    promise_.Resolve(result);
  }

 private:
  const std::shared_ptr<Job> job_;
  Napi::Promise::Deferred promise_;
};

Napi::Value segment_picture(const Napi::CallbackInfo& info) {
  media::SegmentPictureRequest request;
  if (!read_picture_request(info, &request)) return info.Env().Undefined();
  return start_picture(info.Env(), [request = std::move(request)] {
    return media::make_segment_picture(media::posix_disk(), request);
  });
}
}  // namespace

Napi::Promise start_picture(Napi::Env env, PictureMaker make) {
  return (new PictureWorker(env, std::move(make)))->start();
}

void export_picture_functions(Napi::Env env, Napi::Object exports) {
  exports.Set("segmentPicture", Napi::Function::New(env, segment_picture, "segmentPicture"));
}

}  // namespace thimble::binding
