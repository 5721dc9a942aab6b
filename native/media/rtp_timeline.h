// Makes an endless, monotone time line of the 32-bit RTP times of one track, whatever the camera's clock
// does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

#include "media/ticks.h"

namespace thimble::media {

/// Where an access unit lies on the time line.
struct TimelineStamp {
  int64_t ticks = 0;  ///< presentation time in the track's clock rate; 0 = first access unit of the session
  int64_t arrival_us = 0;
  bool jump = false;      ///< the camera's time line broke here; the time is continued by arrival
  bool switched = false;  ///< from here on the camera's stamps count otherwise than before (TrackClock)
  bool ahead = false;     ///< the camera's stamp lies too far ahead of arrival: the time is by arrival
};

/// Access units go in with push and come out in the same order with pop, later when their time is in doubt: a
/// step of more than 1 s against arrival is held for 3 access units; when the time returns they are stamped
/// between their neighbours, when it lasts the time line goes on by arrival with `jump` (some DVRs stamp
/// single frames hours off). A delay without a step in RTP time is only delay, unless it lasts 10 s without
/// growing or shrinking, or 90 s whatever it does; a step that makes up for such a delay
/// (the server threw packets away) is right. A line that runs more than 60 s ahead of arrival is not
/// believed: it goes on by arrival, with `ahead`.
class RtpTimeline {
 public:
  explicit RtpTimeline(uint32_t clock_rate) : rate_(clock_rate ? clock_rate : 90000) {}

  void push(uint32_t rtp_time, int64_t arrival_us, bool discontinuity);
  bool pop(TimelineStamp* stamp);
  /// The stream ends: whatever is held gets a time now.
  void flush();
  /// The camera's clock is known to run off: only steps of its delay count, not what has added up, and
  /// nothing is `ahead`.
  void set_drifting(bool drifting) { drifting_ = drifting; }

  uint32_t clock_rate() const { return rate_; }
  bool started() const { return started_; }
  /// The place of an RTP time near the newest one (for sender reports and RTP-Info).
  int64_t ticks_at(uint32_t rtp_time) const {
    return last_ticks_ + static_cast<int32_t>(rtp_time - last_rtp_);
  }
  int64_t last_ticks() const { return last_ticks_; }

 private:
  struct Held {
    uint32_t rtp;
    int64_t arrival_us;
  };
  int64_t to_ticks(int64_t us) const { return us_to_ticks(us, rate_); }
  bool fits(int64_t step, int64_t arrival_us) const;
  void accept(uint32_t rtp, int64_t arrival_us, int64_t ticks, bool jump);
  void continue_by_arrival(uint32_t rtp, int64_t arrival_us, bool jump);
  void advance(uint32_t rtp, int64_t arrival_us);
  void hold(uint32_t rtp, int64_t arrival_us);
  void resolve_as_strays(size_t count, int64_t up_to_ticks);
  void watch_delay(int64_t arrival_us, int64_t* ticks, bool* jump);
  void ready(int64_t ticks, int64_t arrival_us, bool jump);

  const uint32_t rate_;
  bool started_ = false;
  uint32_t last_rtp_ = 0;
  int64_t last_ticks_ = 0;
  int64_t stamped_ticks_ = 0;  ///< of the newest access unit that has its time, strays included
  int64_t last_arrival_us_ = 0;
  int64_t usual_step_ = 0;  ///< ticks between access units when all is well, 0 = not known
  int equal_run_ = 0;       ///< access units in a row with the same RTP time
  std::deque<Held> held_;
  std::deque<TimelineStamp> ready_;

  bool runs_ahead_ = false, drifting_ = false;
  // Least delay of arrival against the time line in the two halves of the running window of 10 s.
  int64_t origin_us_ = 0;  ///< arrival of ticks 0
  int64_t window_start_us_ = 0;
  int64_t first_least_us_ = INT64_MAX, second_least_us_ = INT64_MAX;
  int changing_windows_ = 0;  ///< in a row
};

}  // namespace thimble::media
