// Checks what JavaScript hands over and copies it into the engine's plain structs.
#pragma once

#include <napi.h>

#include "media/engine.h"
#include "media/export_plan.h"
#include "media/segment_picture.h"

namespace thimble::binding {

/// Each throws a TypeError that names the field and returns false when an argument is not of its type.
bool read_engine_options(const Napi::CallbackInfo& info, media::EngineOptions* options);
bool read_stream_settings(const Napi::CallbackInfo& info, media::StreamSettings* settings);
bool read_stream_key(const Napi::CallbackInfo& info, media::StreamKey* key);
/// The same and `sound`, as of live feeds.
bool read_live_key(const Napi::CallbackInfo& info, media::StreamKey* key, bool* sound);
bool read_export_range(const Napi::CallbackInfo& info, media::ExportRange* range);
bool read_export_segment(const Napi::CallbackInfo& info, media::ExportSegment* segment);
bool read_picture_request(const Napi::CallbackInfo& info, media::SegmentPictureRequest* request);
/// 32 hex digits.
bool read_uuid(const Napi::Value& value, uint8_t uuid[16]);

}  // namespace thimble::binding
