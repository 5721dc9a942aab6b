// The JavaScript class ExportPlan.
#pragma once

#include <napi.h>

namespace thimble::binding {

/// Defines the class and puts its constructor into `exports`.
void export_plans(Napi::Env env, Napi::Object exports);

}  // namespace thimble::binding
