// When to send a keep-alive and by which method.
#pragma once

#include <cstdint>
#include <string_view>

namespace thimble::rtsp {

/// A third of the session's timeout, at least each 20 s, spread over 80 to 100 % of that so that many cameras
/// do not fall into step. GET_PARAMETER where the server names it, else OPTIONS; after a failure the other
/// one. SET_PARAMETER never: older MediaMTX closes the connection on it.
class KeepAlive {
 public:
  explicit KeepAlive(uint64_t seed) : random_(seed) {}

  /// The Public header of any answer.
  void set_public(std::string_view methods);
  /// Sets the time of the next one. `timeout_s`: of the session, as believed.
  void schedule(int64_t now_us, uint32_t timeout_s);
  int64_t due_us() const { return due_us_; }
  const char* method() const { return get_parameter_ ? "GET_PARAMETER" : "OPTIONS"; }
  /// An error was answered, or nothing.
  void failed() { get_parameter_ = !get_parameter_; }

 private:
  uint64_t random_;
  int64_t due_us_ = INT64_MAX;
  bool get_parameter_ = false;
};

}  // namespace thimble::rtsp
