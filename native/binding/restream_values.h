// What JavaScript hands over about the RTSP server, and what it gets of it.
#pragma once

#include <napi.h>

#include <vector>

#include "media/restream_server.h"

namespace thimble::binding {

/// Throws a TypeError and returns false when the first argument is not
/// `{realm, users: [{name, ha1Md5, ha1Sha256, cameras?}], streams: [{camera, stream}], viewers: [name]}`.
bool read_restream_access(const Napi::CallbackInfo& info, media::RestreamAccess* access);
Napi::Array to_array(Napi::Env env, const std::vector<media::RestreamClientStats>& clients);

}  // namespace thimble::binding
