// What is different about a stream behind go2rtc: it answers for a camera that is not there, and goes on with
// another session of the camera without a word.
#include <algorithm>
#include <utility>

#include "media/stream.h"

namespace thimble::media {

namespace {
constexpr int64_t kStalledLeastUs = 5'000'000, kStalledMostUs = 9'000'000;
/// A camera that begins anew more often is heard as it is: each splice costs up to a GOP.
constexpr size_t kMostSplices = 5;
constexpr int64_t kSplicePeriodUs = 60'000'000;
/// go2rtc leaves half a packet behind when it could not write for 5 s, and what follows cannot be told apart.
constexpr int64_t kReadingStalledUs = 4'000'000;
}  // namespace

/// Silence after which a stream counts as stalled: four pictures, within limits. Behind go2rtc a new request
/// makes it look for the camera at once, which by itself it does up to 10 s later: so it is left after 5 s.
int64_t Stream::stall_limit_us() const {
  const int64_t sooner_us = settings_.hub ? 1'000'000 : 0;
  const double fps = rate_.pictures_per_second(last_packet_us_);
  const int64_t four_frames_us = fps > 0 ? static_cast<int64_t>(4e6 / fps) : 0;
  return std::clamp(four_frames_us, kStalledLeastUs - sooner_us, kStalledMostUs - sooner_us);
}

bool Stream::on_splice(int64_t now_us) {
  if (stopped_ || restart_) return false;
  while (!splices_us_.empty() && now_us - splices_us_.front() >= kSplicePeriodUs) splices_us_.pop_front();
  if (splices_us_.size() >= kMostSplices) return false;
  splices_us_.push_back(now_us);
  at_once_ = true;
  return true;
}

/// go2rtc itself is what closes and refuses connections; that it has no such stream means that it does not
/// get the camera's, whatever the reason, and may get it the next time.
Session::End Stream::end_behind_hub(Session::End end) const {
  if (at_once_) return end;
  if (end.problem == LinkProblem::kClosed || end.problem == LinkProblem::kRefused) {
    end.problem = LinkProblem::kHub;
    end.message = "go2rtc, which stands between us and the camera, does not answer.";
  } else if (end.problem == LinkProblem::kNotFound) {
    end.problem = LinkProblem::kUnreachable;
    end.message = "go2rtc does not get this stream from the camera.";
  }
  return end;
}

/// True when the session was ended: the camera's time line broke, as it does where a camera keeps its source
/// and sequence over a new session; or we did not read for a while, and what waits is no valid stream any
/// more.
bool Stream::left_hub(int64_t now_us) {
  const bool stalled = last_tick_us_ != 0 && now_us - last_tick_us_ >= kReadingStalledUs;
  if (!at_once_ && !stalled) return false;
  at_once_ = true;
  session_->abort(LinkProblem::kClosed,
                  stalled ? "The stream was not read for some seconds." : "The camera's time line broke.",
                  now_us);
  return true;
}

}  // namespace thimble::media
