// See keep_alive.h.
#include "rtsp/keep_alive.h"

#include <algorithm>

#include "rtsp/random.h"
#include "rtsp/text.h"

namespace thimble::rtsp {
namespace {

constexpr int64_t kLongestUs = 20'000'000;
constexpr int64_t kPermille = 1000;

}  // namespace

void KeepAlive::set_public(std::string_view methods) {
  std::string_view method;
  get_parameter_ = false;
  while (next_item(&methods, ',', &method)) {
    if (same_word(method, "GET_PARAMETER")) get_parameter_ = true;
  }
}

void KeepAlive::schedule(int64_t now_us, uint32_t timeout_s) {
  const int64_t longest = std::min(kLongestUs, int64_t{timeout_s} * 1'000'000 / 3);
  const auto permille = static_cast<int64_t>(800 + next_random(&random_) % 201);
  due_us_ = now_us + longest * permille / kPermille;
}

}  // namespace thimble::rtsp
