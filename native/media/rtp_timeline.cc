// The rules by which a stamp is believed, held or replaced.
#include "media/rtp_timeline.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace thimble::media {

namespace {
constexpr size_t kHeldUnits = 3;
constexpr int64_t kDelayWindowUs = 10'000'000;
constexpr int64_t kLastingDelayUs = 1'000'000;
/// A delay that grows so much in half a window is a clock that runs slow, or a network that cannot keep up;
/// one that shrinks is a network that catches up. Neither is a step. ClockTrust needs up to 80 s for a slow
/// clock that gains a second in this time.
constexpr int64_t kChangingDelayUs = 20'000;
constexpr int kMostChangingWindows = 9;
/// No server keeps that much to send in a burst: a camera whose clock runs that far ahead is confused.
constexpr int64_t kMostAheadUs = 60'000'000;
/// From the third picture with the same time on, the camera's clock is taken to stand still.
constexpr int kFrozenRun = 2;
}  // namespace

void RtpTimeline::push(uint32_t rtp, int64_t arrival_us, bool discontinuity) {
  if (!started_) {
    started_ = true;
    origin_us_ = window_start_us_ = arrival_us;
    accept(rtp, arrival_us, 0, false);
    return;
  }
  if (discontinuity) {
    flush();
    continue_by_arrival(rtp, arrival_us, true);
    return;
  }
  const int64_t step = static_cast<int32_t>(rtp - last_rtp_);
  if (fits(step, arrival_us)) {
    if (!held_.empty()) resolve_as_strays(held_.size(), last_ticks_ + step);
    advance(rtp, arrival_us);
  } else {
    hold(rtp, arrival_us);
  }
}

bool RtpTimeline::fits(int64_t step, int64_t arrival_us) const {
  const int64_t second = rate_;
  const int64_t waited = to_ticks(arrival_us - last_arrival_us_);
  if (std::llabs(step) <= second || std::llabs(step - waited) <= second) return true;
  const int64_t due = to_ticks(arrival_us - origin_us_) - last_ticks_;
  return step > 0 && step <= due + second;
}

void RtpTimeline::advance(uint32_t rtp, int64_t arrival_us) {
  const int64_t step = static_cast<int32_t>(rtp - last_rtp_);
  if (step == 0) {
    if (++equal_run_ >= kFrozenRun) {
      continue_by_arrival(rtp, arrival_us, false);
      return;
    }
  } else {
    equal_run_ = 0;
  }
  int64_t ticks = last_ticks_ + step;
  bool jump = false;
  watch_delay(arrival_us, &ticks, &jump);
  if (!drifting_ && ticks_to_us(ticks, rate_) - (arrival_us - origin_us_) > kMostAheadUs) {
    continue_by_arrival(rtp, arrival_us, !std::exchange(runs_ahead_, true));
    ready_.back().ahead = true;
    return;
  }
  runs_ahead_ = false;
  if (step > 0 && step < rate_) usual_step_ = step;
  accept(rtp, arrival_us, ticks, jump);
}

void RtpTimeline::hold(uint32_t rtp, int64_t arrival_us) {
  if (!held_.empty()) {
    const Held& last = held_.back();
    const int64_t step = static_cast<int32_t>(rtp - last.rtp);
    const int64_t waited = to_ticks(arrival_us - last.arrival_us);
    const bool same_line = std::llabs(step) <= rate_ || std::llabs(step - waited) <= rate_;
    // Each stray stamp is somewhere else: only those that agree with each other are a new time line.
    if (!same_line) resolve_as_strays(held_.size(), last_ticks_ + to_ticks(arrival_us - last_arrival_us_));
  }
  held_.push_back({rtp, arrival_us});
  if (held_.size() < kHeldUnits) return;
  const Held first = held_.front();
  held_.pop_front();
  continue_by_arrival(first.rtp, first.arrival_us, true);
  while (!held_.empty()) {
    const Held next = held_.front();
    held_.pop_front();
    advance(next.rtp, next.arrival_us);
  }
}

void RtpTimeline::continue_by_arrival(uint32_t rtp, int64_t arrival_us, bool jump) {
  const int64_t waited = to_ticks(arrival_us - last_arrival_us_);
  const int64_t least = usual_step_ > 0 ? std::min<int64_t>(usual_step_, rate_ / 100) : 1;
  accept(rtp, arrival_us, last_ticks_ + std::max(waited, least), jump);
}

void RtpTimeline::resolve_as_strays(size_t count, int64_t up_to_ticks) {
  // Between the newest that is stamped and the next one, at even distances; the RTP reference stays the last
  // good one.
  const int64_t from = stamped_ticks_;
  const int64_t span = std::max<int64_t>(up_to_ticks - from, 0);
  for (size_t i = 0; i < count; ++i) {
    stamped_ticks_ = from + span * static_cast<int64_t>(i + 1) / static_cast<int64_t>(count + 1);
    ready(stamped_ticks_, held_.front().arrival_us, false);
    held_.pop_front();
  }
}

void RtpTimeline::watch_delay(int64_t arrival_us, int64_t* ticks, bool* jump) {
  const int64_t late_us = arrival_us - origin_us_ - ticks_to_us(*ticks, rate_);
  const bool first_half = arrival_us - window_start_us_ < kDelayWindowUs / 2;
  int64_t& half_us = first_half ? first_least_us_ : second_least_us_;
  half_us = std::min(half_us, late_us);
  if (arrival_us - window_start_us_ < kDelayWindowUs) return;
  const int64_t least_us = std::min(first_least_us_, second_least_us_);
  const bool changing = first_least_us_ != INT64_MAX && second_least_us_ != INT64_MAX &&
                        std::llabs(second_least_us_ - first_least_us_) > kChangingDelayUs;
  window_start_us_ = arrival_us;
  first_least_us_ = second_least_us_ = INT64_MAX;
  changing_windows_ = changing && !drifting_ ? changing_windows_ + 1 : 0;
  if (least_us > kLastingDelayUs && (!changing || changing_windows_ > kMostChangingWindows)) {
    *ticks += to_ticks(least_us);
    *jump = true;
  } else if (least_us < 0 || drifting_) {
    // The first packets were late (or the clock of the camera runs off): the time line itself stays as it is.
    origin_us_ += least_us;
  }
}

void RtpTimeline::accept(uint32_t rtp, int64_t arrival_us, int64_t ticks, bool jump) {
  last_rtp_ = rtp;
  last_ticks_ = stamped_ticks_ = ticks;
  last_arrival_us_ = arrival_us;
  ready(ticks, arrival_us, jump);
}

void RtpTimeline::ready(int64_t ticks, int64_t arrival_us, bool jump) {
  TimelineStamp stamp;
  stamp.ticks = ticks;
  stamp.arrival_us = arrival_us;
  stamp.jump = jump;
  ready_.push_back(stamp);
}

bool RtpTimeline::pop(TimelineStamp* stamp) {
  if (ready_.empty()) return false;
  *stamp = ready_.front();
  ready_.pop_front();
  return true;
}

void RtpTimeline::flush() {
  if (!held_.empty()) {
    resolve_as_strays(held_.size(), last_ticks_ + to_ticks(held_.back().arrival_us - last_arrival_us_));
  }
}

}  // namespace thimble::media
