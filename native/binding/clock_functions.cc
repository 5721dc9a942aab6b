#include "binding/clock_functions.h"

#include <sys/timex.h>

namespace thimble::binding {

namespace {
/// True while the kernel's clock is kept by a time server (adjtimex(2): no STA_UNSYNC). Reading needs no
/// rights; where it is refused all the same (seccomp), nothing is known, and so the clock is not trusted.
Napi::Value clock_synchronised(const Napi::CallbackInfo& info) {
  timex state{};
  const int result = adjtimex(&state);
  const bool synchronised = result >= 0 && result != TIME_ERROR && (state.status & STA_UNSYNC) == 0;
  return Napi::Boolean::New(info.Env(), synchronised);
}
}  // namespace

void export_clock_functions(Napi::Env env, Napi::Object exports) {
  exports.Set("clockSynchronised", Napi::Function::New(env, clock_synchronised, "clockSynchronised"));
}

}  // namespace thimble::binding
