#include "binding/restream_values.h"

#include <string>
#include <utility>

namespace thimble::binding {

namespace {

/// Takes each entry of a list of objects; false when it is none, or `take` says no.
template <typename Take>
bool each(const Napi::Value& list, Take take) {
  if (!list.IsArray()) return false;
  const Napi::Array array = list.As<Napi::Array>();
  for (uint32_t i = 0; i < array.Length(); ++i) {
    const Napi::Value entry = array[i];
    if (!entry.IsObject() || !take(entry.As<Napi::Object>())) return false;
  }
  return true;
}

bool text(const Napi::Object& object, const char* name, std::string* out) {
  const Napi::Value value = object.Get(name);
  if (!value.IsString()) return false;
  *out = value.As<Napi::String>().Utf8Value();
  return true;
}

bool camera_of(const Napi::Value& value, uint32_t* camera) {
  if (!value.IsNumber()) return false;
  const double number = value.As<Napi::Number>().DoubleValue();
  if (!(number >= 1 && number <= UINT32_MAX)) return false;
  *camera = static_cast<uint32_t>(number);
  return *camera == number;
}

bool read_user(const Napi::Object& object, media::RestreamUser* user) {
  rtsp::ServerUser& login = user->login;
  if (!text(object, "name", &login.name) || login.name.empty()) return false;
  if (!text(object, "ha1Md5", &login.ha1_md5) || login.ha1_md5.size() != 32) return false;
  if (!text(object, "ha1Sha256", &login.ha1_sha256) || login.ha1_sha256.size() != 64) return false;
  const Napi::Value cameras = object.Get("cameras");
  user->all_cameras = cameras.IsUndefined();
  if (user->all_cameras) return true;
  if (!cameras.IsArray()) return false;
  const Napi::Array list = cameras.As<Napi::Array>();
  for (uint32_t i = 0; i < list.Length(); ++i) {
    uint32_t camera = 0;
    if (!camera_of(list[i], &camera)) return false;
    user->cameras.push_back(camera);
  }
  return true;
}

bool read_stream(const Napi::Object& object, media::StreamKey* key) {
  std::string stream;
  if (!camera_of(object.Get("camera"), &key->camera) || !text(object, "stream", &stream)) return false;
  key->stream = stream == "sub" ? media::StreamKind::kSub : media::StreamKind::kMain;
  return stream == "sub" || stream == "main";
}

bool read_names(const Napi::Value& list, std::vector<std::string>* names) {
  if (!list.IsArray()) return false;
  const Napi::Array array = list.As<Napi::Array>();
  for (uint32_t i = 0; i < array.Length(); ++i) {
    const Napi::Value entry = array[i];
    if (!entry.IsString()) return false;
    names->push_back(entry.As<Napi::String>().Utf8Value());
  }
  return true;
}

}  // namespace

bool read_restream_access(const Napi::CallbackInfo& info, media::RestreamAccess* access) {
  const auto take_user = [access](const Napi::Object& object) {
    media::RestreamUser user;
    if (!read_user(object, &user)) return false;
    access->users.push_back(std::move(user));
    return true;
  };
  const auto take_stream = [access](const Napi::Object& object) {
    media::StreamKey key;
    if (!read_stream(object, &key)) return false;
    access->streams.push_back(key);
    return true;
  };
  const bool is_object = info.Length() >= 1 && info[0].IsObject();
  const Napi::Object object = is_object ? info[0].As<Napi::Object>() : Napi::Object::New(info.Env());
  if (text(object, "realm", &access->realm) && !access->realm.empty() &&
      each(object.Get("users"), take_user) && each(object.Get("streams"), take_stream) &&
      read_names(object.Get("viewers"), &access->viewers)) {
    return true;
  }
  if (!info.Env().IsExceptionPending()) {
    Napi::TypeError::New(info.Env(), "realm, users, streams and viewers are needed")
        .ThrowAsJavaScriptException();
  }
  return false;
}

Napi::Array to_array(Napi::Env env, const std::vector<media::RestreamClientStats>& clients) {
  Napi::Array array = Napi::Array::New(env, clients.size());
  for (size_t i = 0; i < clients.size(); ++i) {
    const media::RestreamClientStats& client = clients[i];
    Napi::Object entry = Napi::Object::New(env);
    entry.Set("camera", Napi::Number::New(env, client.key.camera));
    entry.Set("stream", Napi::String::New(env, media::stream_name(client.key.stream)));
    entry.Set("inside", Napi::Boolean::New(env, client.inside));
    entry.Set("user", Napi::String::New(env, client.user));
    entry.Set("address", Napi::String::New(env, client.address));
    entry.Set("sinceMs", Napi::Number::New(env, static_cast<double>(client.since_ms)));
    entry.Set("sentBytes", Napi::Number::New(env, static_cast<double>(client.sent_bytes)));
    entry.Set("skips", Napi::Number::New(env, static_cast<double>(client.skips)));
    array.Set(static_cast<uint32_t>(i), entry);
  }
  return array;
}

}  // namespace thimble::binding
