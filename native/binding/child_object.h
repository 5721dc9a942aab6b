// The JavaScript class Child.
#pragma once

#include <napi.h>

namespace thimble::binding {

/// Defines the class and puts its constructor into `exports`.
void export_child(Napi::Env env, Napi::Object exports);

}  // namespace thimble::binding
