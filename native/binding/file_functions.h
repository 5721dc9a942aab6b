// Functions on files that Node does not offer: examining segments, locking.
#pragma once

#include <napi.h>

namespace thimble::binding {

void export_file_functions(Napi::Env env, Napi::Object exports);

}  // namespace thimble::binding
