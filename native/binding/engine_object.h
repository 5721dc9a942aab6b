// The JavaScript class Engine.
#pragma once

#include <napi.h>

namespace thimble::binding {

/// Defines the class and puts its constructor into `exports`.
void export_engine(Napi::Env env, Napi::Object exports);

}  // namespace thimble::binding
