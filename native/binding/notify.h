// Tells the service manager (systemd) how the service does; Node itself has no datagram sockets of the Unix
// kind.
#pragma once

#include <napi.h>

namespace thimble::binding {

void export_notify(Napi::Env env, Napi::Object exports);

}  // namespace thimble::binding
