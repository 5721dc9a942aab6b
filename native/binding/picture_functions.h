// Pictures out of segment files, made off the main thread.
#pragma once

#include <napi.h>

namespace thimble::binding {

void export_picture_functions(Napi::Env env, Napi::Object exports);

}  // namespace thimble::binding
