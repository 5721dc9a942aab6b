#include "binding/arguments.h"

#include <cmath>
#include <string>

namespace thimble::binding {

namespace {
/// Reads the fields of one object; the first field of a wrong type is reported and the rest skipped.
class Reader {
 public:
  Reader(Napi::Env env, const Napi::Value& value) : env_(env) {
    if (value.IsObject()) {
      object_ = value.As<Napi::Object>();
    } else {
      fail("argument", "an object");
    }
  }
  bool ok() const { return ok_; }

  bool has(const char* name) {
    const Napi::Value value = get(name);
    return ok_ && !value.IsUndefined();
  }
  std::string text(const char* name) {
    const Napi::Value value = get(name);
    if (!ok_) return {};
    if (!value.IsString()) return fail(name, "a string"), std::string();
    return value.As<Napi::String>().Utf8Value();
  }
  bool boolean(const char* name) {
    const Napi::Value value = get(name);
    if (!ok_) return false;
    if (!value.IsBoolean()) return fail(name, "a boolean"), false;
    return value.As<Napi::Boolean>().Value();
  }
  int64_t whole(const char* name, int64_t least, int64_t most) {
    const Napi::Value value = get(name);
    if (!ok_) return 0;
    const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : std::nan("");
    if (!(number >= static_cast<double>(least) && number <= static_cast<double>(most)) ||
        number != std::floor(number)) {
      return fail(name, "a whole number in its range"), 0;
    }
    return static_cast<int64_t>(number);
  }
  std::vector<std::string> texts(const char* name) {
    std::vector<std::string> result;
    const Napi::Value value = get(name);
    if (!ok_) return result;
    if (!value.IsArray()) return fail(name, "a list of strings"), result;
    const Napi::Array array = value.As<Napi::Array>();
    for (uint32_t i = 0; i < array.Length(); ++i) {
      const Napi::Value entry = array[i];
      if (!entry.IsString()) return fail(name, "a list of strings"), result;
      result.push_back(entry.As<Napi::String>().Utf8Value());
    }
    return result;
  }
  void fail(const char* name, const char* wanted) {
    if (!ok_) return;
    ok_ = false;
    Napi::TypeError::New(env_, std::string(name) + " must be " + wanted).ThrowAsJavaScriptException();
  }

 private:
  Napi::Value get(const char* name) {
    if (!ok_) return {};
    const Napi::Value value = object_.Get(name);
    if (env_.IsExceptionPending()) ok_ = false;
    return value;
  }
  Napi::Env env_;
  Napi::Object object_;
  bool ok_ = true;
};

bool stream_kind(const std::string& name, media::StreamKind* kind) {
  *kind = name == "sub" ? media::StreamKind::kSub : media::StreamKind::kMain;
  return name == "main" || name == "sub";
}
/// Cameras have at most nine digits; a few numbers above are for cameras that are only being tried.
constexpr int64_t kMostCameras = 1'000'000'100;
constexpr int64_t kMostSegmentMs = 24LL * 3600 * 1000;
constexpr int64_t kMostPreRollMs = 600'000;
}  // namespace

bool read_uuid(const Napi::Value& value, uint8_t uuid[16]) {
  if (!value.IsString()) return false;
  const std::string text = value.As<Napi::String>().Utf8Value();
  if (text.size() != 32 || text.find_first_not_of("0123456789abcdef") != std::string::npos) return false;
  for (size_t i = 0; i < 16; ++i)
    uuid[i] = static_cast<uint8_t>(std::stoi(text.substr(i * 2, 2), nullptr, 16));
  return true;
}

bool read_engine_options(const Napi::CallbackInfo& info, media::EngineOptions* options) {
  Reader reader(info.Env(), info[0]);
  options->segments_folder = reader.text("segmentsFolder");
  options->clock_generation = static_cast<uint32_t>(reader.whole("clockGeneration", 0, UINT32_MAX));
  options->user_agent = reader.text("userAgent");
  options->allow_loopback = reader.boolean("allowLoopback");
  if (reader.ok() && !read_uuid(info[0].As<Napi::Object>().Get("storeUuid"), options->store)) {
    reader.fail("storeUuid", "32 hex digits");
  }
  if (reader.ok() && !info[1].IsFunction()) reader.fail("onEvent", "a function");
  return reader.ok();
}

bool read_stream_settings(const Napi::CallbackInfo& info, media::StreamSettings* settings) {
  Reader reader(info.Env(), info[0]);
  settings->key.camera = static_cast<uint32_t>(reader.whole("camera", 1, kMostCameras));
  if (!stream_kind(reader.text("stream"), &settings->key.stream)) reader.fail("stream", "main or sub");
  settings->urls = reader.texts("urls");
  settings->username = reader.text("username");
  settings->password = reader.text("password");
  settings->audio = reader.boolean("audio");
  settings->allow_loopback = reader.boolean("allowLoopback");
  settings->hub = reader.has("hub") && reader.boolean("hub");
  settings->record = reader.boolean("record");
  settings->events = reader.boolean("events");
  settings->pre_roll_ms = reader.whole("preRollMs", 0, kMostPreRollMs);
  settings->segment_ms = reader.whole("segmentMs", 1000, kMostSegmentMs);
  settings->stagger_ms = reader.whole("rotationOffsetMs", 0, kMostSegmentMs);
  settings->ring_max_bytes = static_cast<size_t>(reader.whole("ringMaxBytes", 65536, 1LL << 31));
  if (reader.has("footageEndMs")) {
    settings->footage_end.utc_ms = reader.whole("footageEndMs", 0, media::kLatestStartMs);
    settings->footage_end.clock_generation =
        static_cast<uint32_t>(reader.whole("footageClockGen", 0, UINT32_MAX));
  }
  return reader.ok();
}

bool read_export_range(const Napi::CallbackInfo& info, media::ExportRange* range) {
  Reader reader(info.Env(), info[0]);
  range->camera = static_cast<uint32_t>(reader.whole("camera", 1, kMostCameras));
  if (!stream_kind(reader.text("stream"), &range->stream)) reader.fail("stream", "main or sub");
  range->start_ms = reader.whole("startMs", 0, media::kLatestStartMs);
  range->end_ms = reader.whole("endMs", 0, media::kLatestStartMs);
  range->most_table_bytes = static_cast<size_t>(reader.whole("mostTableBytes", 0, 1LL << 31));
  range->repeat_parameters = reader.boolean("repeatParameters");
  if (reader.ok() && !read_uuid(info[0].As<Napi::Object>().Get("storeUuid"), range->store)) {
    reader.fail("storeUuid", "32 hex digits");
  }
  return reader.ok();
}

bool read_export_segment(const Napi::CallbackInfo& info, media::ExportSegment* segment) {
  Reader reader(info.Env(), info[0]);
  segment->path = reader.text("path");
  segment->size_bytes = static_cast<uint64_t>(reader.whole("sizeBytes", 0, 1LL << 53));
  segment->start_ms = reader.whole("startMs", 0, media::kLatestStartMs);
  segment->clock_generation = static_cast<uint32_t>(reader.whole("clockGen", 0, UINT32_MAX));
  const Napi::Object object = info[0].IsObject() ? info[0].As<Napi::Object>() : Napi::Object();
  if (reader.ok() && object.Has("fromMs"))
    segment->from_ms = reader.whole("fromMs", 0, media::kLatestStartMs);
  if (reader.ok() && object.Has("toMs")) segment->to_ms = reader.whole("toMs", 0, media::kLatestStartMs);
  return reader.ok();
}

bool read_picture_request(const Napi::CallbackInfo& info, media::SegmentPictureRequest* request) {
  Reader reader(info.Env(), info[0]);
  request->path = reader.text("path");
  request->size_bytes = static_cast<uint64_t>(reader.whole("sizeBytes", 0, 1LL << 53));
  request->identity.camera = static_cast<uint32_t>(reader.whole("camera", 1, kMostCameras));
  if (!stream_kind(reader.text("stream"), &request->identity.stream)) reader.fail("stream", "main or sub");
  request->identity.start_ms = reader.whole("startMs", 0, media::kLatestStartMs);
  request->identity.clock_generation = static_cast<uint32_t>(reader.whole("clockGen", 0, UINT32_MAX));
  request->at_ms = reader.whole("atMs", 0, media::kLatestStartMs);
  request->most_width = static_cast<int>(reader.whole("width", 16, 8192));
  if (reader.ok() && !read_uuid(info[0].As<Napi::Object>().Get("storeUuid"), request->identity.store)) {
    reader.fail("storeUuid", "32 hex digits");
  }
  return reader.ok();
}

bool read_stream_key(const Napi::CallbackInfo& info, media::StreamKey* key) {
  const bool ok = info.Length() >= 2 && info[0].IsNumber() && info[1].IsString() &&
                  stream_kind(info[1].As<Napi::String>().Utf8Value(), &key->stream);
  if (!ok) {
    Napi::TypeError::New(info.Env(), "a camera number and main or sub are needed")
        .ThrowAsJavaScriptException();
    return false;
  }
  key->camera = info[0].As<Napi::Number>().Uint32Value();
  return true;
}

bool read_live_key(const Napi::CallbackInfo& info, media::StreamKey* key, bool* sound) {
  if (!read_stream_key(info, key)) return false;
  if (info.Length() < 3 || !info[2].IsBoolean()) {
    Napi::TypeError::New(info.Env(), "with or without sound is needed").ThrowAsJavaScriptException();
    return false;
  }
  *sound = info[2].As<Napi::Boolean>().Value();
  return true;
}

}  // namespace thimble::binding
