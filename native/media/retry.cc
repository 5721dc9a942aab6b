// The waits of each kind of failure.
#include "media/retry.h"

#include <algorithm>
#include <iterator>

namespace thimble::media {

namespace {
constexpr int64_t kSecond = 1'000'000;
/// A camera that vanished is looked for each second for a minute (it reboots), then ever more rarely.
constexpr int64_t kEagerUs = 60 * kSecond;
constexpr int kLaterS[] = {2, 5, 10, 30};
/// Tapo, Foscam and others lock an account for half an hour after five to seven wrong passwords.
constexpr int kLoginS[] = {300, 1800};
}  // namespace

int64_t RetrySchedule::next_wait_us(LinkProblem problem, int retry_after_s, int64_t now_us) {
  Kind kind = Kind::kLost;
  switch (problem) {
    case LinkProblem::kUnauthorized:
      kind = Kind::kLogin;
      break;
    case LinkProblem::kBusy:
    case LinkProblem::kServerError:
    case LinkProblem::kNotFound:
    case LinkProblem::kNoVideo:
    case LinkProblem::kUnsupportedCodec:
    case LinkProblem::kUnsupportedTransport:
    case LinkProblem::kNotRtsp:
    case LinkProblem::kAddressForbidden:
      kind = Kind::kBusy;
      break;
    default:
      break;
  }
  if (kind != kind_) {
    kind_ = kind;
    failures_ = 0;
    later_ = -1;
    first_us_ = now_us;
  }
  const int n = failures_++;
  if (kind == Kind::kLogin) return kLoginS[std::min<int>(n, std::size(kLoginS) - 1)] * kSecond;
  if (kind == Kind::kBusy) {
    return std::max(jittered(std::min(5 << std::min(n, 4), 60) * kSecond),
                    std::clamp(retry_after_s, 0, 300) * kSecond);
  }
  if (now_us - first_us_ < kEagerUs) return jittered(kSecond);
  // Count from the end of the eager minute, whatever the attempts themselves took.
  if (later_ < static_cast<int>(std::size(kLaterS)) - 1) ++later_;
  return jittered(kLaterS[later_] * kSecond);
}

int64_t RetrySchedule::jittered(int64_t wait_us) {
  // splitmix32: neighbouring seeds give unlike numbers, or cameras behind one switch would all come at once.
  uint32_t bits = random_ += 0x9e3779b9u;
  bits = (bits ^ bits >> 16) * 0x21f0aaadu;
  bits = (bits ^ bits >> 15) * 0x735a2d97u;
  bits ^= bits >> 15;
  // 80 to 100 %: never later than what is promised.
  return wait_us - wait_us / 5 * static_cast<int64_t>(bits >> 16) / 65536;
}

}  // namespace thimble::media
