// Engine events and figures as JavaScript objects.
#pragma once

#include <napi.h>

#include "media/engine.h"
#include "media/repair.h"

namespace thimble::binding {

Napi::Object to_object(Napi::Env env, const media::Event& event);
Napi::Object to_object(Napi::Env env, const media::EngineStats& stats);
Napi::Object to_object(Napi::Env env, const media::SegmentReport& report);

}  // namespace thimble::binding
