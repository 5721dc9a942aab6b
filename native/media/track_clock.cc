// When the way of time changes, and how the line goes on there.
#include "media/track_clock.h"

#include <algorithm>

#include "media/ticks.h"
#include "media/wall_anchor.h"

namespace thimble::media {

TrackClock::TrackClock(uint32_t clock_rate, Kind kind, const ClockVerdict& earlier)
    : kind_(kind), line_(clock_rate), distrusted_(earlier.distrusted), inherited_(earlier.distrusted) {
  pace_.begin(0, 0, 0, earlier.pace, true);
  line_.set_drifting(distrusted_);
}

std::optional<int64_t> TrackClock::ticks_at(uint32_t rtp_time) const {
  if (distrusted_) return std::nullopt;
  return line_.ticks_at(rtp_time) + us_to_ticks(offset_us_, line_.clock_rate());
}

bool TrackClock::pop(TimelineStamp* stamp) {
  if (!line_.pop(stamp)) return false;
  const int64_t rate = line_.clock_rate();
  const int64_t stamp_us = ticks_to_us(stamp->ticks, rate);
  if (first_) pace_.begin(stamp_us, stamp_us, stamp->arrival_us - stamp_us, pace_.pace(), true);
  const Mark now{stamp_us, stamp->arrival_us};
  if (first_) begun_ = newest_ = now;
  first_ = false;
  if (stamp->jump) {
    trust_.restart();
    pace_.on_jump();
  }
  stamp->switched = judge(stamp_us, *stamp);
  if (stamp->jump) begun_ = now;
  newest_ = now;
  if (distrusted_) {
    stamp->ticks = us_to_ticks(pace_.next(stamp_us, stamp->arrival_us), rate);
  } else if (offset_us_ != 0) {
    stamp->ticks += us_to_ticks(offset_us_, rate);
  }
  return true;
}

/// Of stamps that were last trusted at `newest_`, and run much too fast.
ClockTrust::Run TrackClock::run_ahead(const Mark& now) const {
  ClockTrust::Run run;
  run.from_us = begun_.arrival_us;
  run.distance_before_us = begun_.distance_us();
  run.distance_us = now.distance_us();
  const int64_t passed_us = std::max<int64_t>(newest_.arrival_us - begun_.arrival_us, 1);
  const int64_t stamps_us = std::max<int64_t>(newest_.stamp_us - begun_.stamp_us, 1);
  run.pace = static_cast<double>(passed_us) / static_cast<double>(stamps_us);
  return run;
}

bool TrackClock::judge(int64_t stamp_us, const TimelineStamp& stamp) {
  if (stamp.ahead && !distrusted_) {
    distrust(run_ahead({stamp_us, stamp.arrival_us}), stamp_us, stamp.arrival_us);
    return true;
  }
  const ClockTrust::Finding finding = trust_.observe(stamp_us, stamp.arrival_us);
  if (finding == ClockTrust::Finding::kBad) {
    inherited_ = false;
    if (distrusted_) return false;
    distrust(trust_.run(), stamp_us, stamp.arrival_us);
    return true;
  }
  if (finding != ClockTrust::Finding::kGood || !inherited_) return false;
  inherited_ = distrusted_ = false;
  line_.set_drifting(false);
  offset_us_ = pace_.next(stamp_us, stamp.arrival_us) - stamp_us;
  return true;
}

void TrackClock::distrust(const ClockTrust::Run& run, int64_t stamp_us, int64_t arrival_us) {
  distrusted_ = true;
  line_.set_drifting(true);
  const int64_t media_us = stamp_us + offset_us_;
  const int64_t distance_us = run.distance_us - offset_us_;
  // What WallAnchor has followed meanwhile is right already.
  const int64_t followed_us = (arrival_us - run.from_us) * WallAnchor::kMaxPpm / 1'000'000;
  const int64_t off_us = run.distance_us - run.distance_before_us;
  const int64_t rest_us = kind_ == Kind::kSound ? 0 : off_us - std::clamp(off_us, -followed_us, followed_us);
  pace_.begin(stamp_us, media_us + std::max<int64_t>(rest_us, 0), distance_us - rest_us, run.pace, false);
}

}  // namespace thimble::media
