#include "binding/notify.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <string>

namespace thimble::binding {

namespace {
/// One datagram to the socket of sd_notify(3); a path that begins with '@' is an abstract name. False when it
/// did not get there; never waits.
bool send_state(const std::string& socket_path, const std::string& state) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket_path.size() < 2 || socket_path.size() >= sizeof address.sun_path) return false;
  if (socket_path[0] != '/' && socket_path[0] != '@') return false;
  std::memcpy(address.sun_path, socket_path.data(), socket_path.size());
  if (socket_path[0] == '@') address.sun_path[0] = '\0';
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_path.size());
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const ssize_t sent = sendto(fd, state.data(), state.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
                              reinterpret_cast<const sockaddr*>(&address), length);
  close(fd);
  return sent == static_cast<ssize_t>(state.size());
}

Napi::Value notify(const Napi::CallbackInfo& info) {
  if (info.Length() < 2 || !info[0].IsString() || !info[1].IsString()) {
    Napi::TypeError::New(info.Env(), "a socket path and a state are needed").ThrowAsJavaScriptException();
    return info.Env().Undefined();
  }
  const bool sent =
      send_state(info[0].As<Napi::String>().Utf8Value(), info[1].As<Napi::String>().Utf8Value());
  return Napi::Boolean::New(info.Env(), sent);
}
}  // namespace

void export_notify(Napi::Env env, Napi::Object exports) {
  exports.Set("notify", Napi::Function::New(env, notify, "notify"));
}

}  // namespace thimble::binding
