// What the addon tells about the clock of this machine.
#pragma once

#include <napi.h>

namespace thimble::binding {

/// Adds `clockSynchronised` to the exports.
void export_clock_functions(Napi::Env env, Napi::Object exports);

}  // namespace thimble::binding
