// Pictures out of segment files and out of streams' memory, made off the main thread.
#pragma once

#include <napi.h>

#include <functional>

#include "media/segment_picture.h"

namespace thimble::binding {

using PictureMaker = std::function<media::SegmentPicture()>;

/// Runs `make` on a thread that ends. The promise is of a NativePicture of src/native/addon.ts.
Napi::Promise start_picture(Napi::Env env, PictureMaker make);

void export_picture_functions(Napi::Env env, Napi::Object exports);

}  // namespace thimble::binding
