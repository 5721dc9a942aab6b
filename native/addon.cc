#include <napi.h>

namespace {
Napi::Object Init(Napi::Env env, Napi::Object exports) {
  exports.Set("ok", Napi::Boolean::New(env, true));
  return exports;
}
}  // namespace
NODE_API_MODULE(thimble, Init)
