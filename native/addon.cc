// The addon's module table. Everything behind it belongs to the environment that loaded it.
#include <napi.h>

#include "binding/child_object.h"
#include "binding/clock_functions.h"
#include "binding/engine_object.h"
#include "binding/export_object.h"
#include "binding/file_functions.h"
#include "binding/notify.h"
#include "binding/picture_functions.h"
#include "media/ffmpeg_log.h"

namespace {
Napi::Object init(Napi::Env env, Napi::Object exports) {
  thimble::media::silence_ffmpeg();
  thimble::binding::export_child(env, exports);
  thimble::binding::export_clock_functions(env, exports);
  thimble::binding::export_engine(env, exports);
  thimble::binding::export_notify(env, exports);
  thimble::binding::export_file_functions(env, exports);
  thimble::binding::export_plans(env, exports);
  thimble::binding::export_picture_functions(env, exports);
  return exports;
}
}  // namespace

NODE_API_MODULE(thimble, init)
