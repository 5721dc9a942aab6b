// How pace and place are measured and corrected.
#include "media/arrival_pace.h"

#include <algorithm>
#include <cmath>

namespace thimble::media {

namespace {
constexpr int64_t kWindowUs = 1'000'000;
/// The pace is measured over so many windows: cameras that change their frame rate are followed in seconds.
constexpr size_t kMostSeen = 10, kLeastSeen = 4;
/// A distance is made up for in about this time, but never by more than 5 %: pictures and sound are played
/// that much too fast or too slow meanwhile.
constexpr double kCorrectionUs = 10e6, kMostCorrection = 0.05;
/// What a camera sends in a burst at the start of a session was taken before it.
constexpr int64_t kStartUs = 10'000'000;
/// A camera whose stamps leap about (RtpTimeline has the same bound).
constexpr int64_t kMostAheadUs = 60'000'000;
constexpr double kLeastPace = 1e-3, kMostPace = 1e3;
}  // namespace

void ArrivalPace::begin(int64_t stamp_us, int64_t media_us, int64_t distance_us, double pace, bool at_start) {
  stamp_us_ = stamp_us;
  media_us_ = media_us;
  distance_us_ = distance_us;
  arrival_us_ = media_us + distance_us;
  pace_ = slope_ = std::clamp(pace, kLeastPace, kMostPace);
  starts_until_us_ = at_start ? media_us + distance_us + kStartUs : INT64_MIN;
  window_start_us_ = INT64_MIN;
  window_empty_ = true;
  seen_.clear();
}

int64_t ArrivalPace::media_us(int64_t stamp_us) const {
  return media_us_ + std::llround(static_cast<double>(stamp_us - stamp_us_) * slope_);
}

int64_t ArrivalPace::next(int64_t stamp_us, int64_t arrival_us) {
  int64_t media = media_us(stamp_us);
  if (stamp_us > stamp_us_) {
    const int64_t passed_us = std::max<int64_t>(arrival_us - arrival_us_, 1);
    const bool too_far = media - (arrival_us - distance_us_) > kMostAheadUs;
    if (too_far) media = std::min(media, media_us_ + passed_us);
    stamp_us_ = stamp_us;
    media_us_ = media;
    arrival_us_ = arrival_us;
  }
  if (window_start_us_ == INT64_MIN) window_start_us_ = arrival_us;
  const int64_t late_us = arrival_us - distance_us_ - media;
  if (window_empty_ || late_us < least_late_us_) {
    window_empty_ = false;
    least_late_us_ = late_us;
    least_ = {stamp_us, arrival_us};
  }
  if (arrival_us - window_start_us_ >= kWindowUs) end_window(arrival_us);
  return media;
}

void ArrivalPace::end_window(int64_t arrival_us) {
  window_start_us_ = arrival_us;
  window_empty_ = true;
  seen_.push_back(least_);
  if (seen_.size() > kMostSeen) seen_.pop_front();
  const int64_t stamps_us = seen_.back().stamp_us - seen_.front().stamp_us;
  const int64_t passed_us = seen_.back().arrival_us - seen_.front().arrival_us;
  if (seen_.size() >= kLeastSeen && stamps_us > 0 && passed_us > 0) {
    pace_ =
        std::clamp(static_cast<double>(passed_us) / static_cast<double>(stamps_us), kLeastPace, kMostPace);
  }
  if (arrival_us < starts_until_us_ && least_late_us_ < 0) {
    distance_us_ += least_late_us_;
    least_late_us_ = 0;
  }
  const double correction = static_cast<double>(least_late_us_) / kCorrectionUs;
  slope_ = pace_ * (1 + std::clamp(correction, -kMostCorrection, kMostCorrection));
}

}  // namespace thimble::media
