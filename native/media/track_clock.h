// The time line of one track as files have it: the camera's stamps while they deserve it, else smoothed
// arrival.
#pragma once

#include <cstdint>
#include <optional>

#include "media/arrival_pace.h"
#include "media/clock_trust.h"
#include "media/rtp_timeline.h"

namespace thimble::media {

/// What is known of a track's clock beyond a session. A camera that stamps wrongly does so again after a
/// reconnect, and need not spoil the first minute each time.
struct ClockVerdict {
  bool distrusted = false;
  double pace = 1;  ///< true duration of a microsecond of the stamps
};

/// RtpTimeline with judgement (ClockTrust, and at once what runs ahead of arrival by a minute) and a remedy
/// (ArrivalPace). The stamp where the way changes has
/// `switched`. Stamps that were found bad in a session stay so to its end: a clock that is being set by a
/// time server is bad and good by turns, and each change costs a cut. A session that begins distrusted only
/// by inheritance is believed again once its stamps were good for 60 s.
class TrackClock {
 public:
  enum class Kind {
    kPictures,  ///< back to the true time at the switch: at once when behind, at 5 % when ahead
    kSound,     ///< goes on from where it is: sound follows the picture by AvSync
  };

  TrackClock(uint32_t clock_rate, Kind kind, const ClockVerdict& earlier);

  // As those of RtpTimeline.
  void push(uint32_t rtp_time, int64_t arrival_us, bool discontinuity) {
    line_.push(rtp_time, arrival_us, discontinuity);
  }
  bool pop(TimelineStamp* stamp);
  void flush() { line_.flush(); }
  uint32_t clock_rate() const { return line_.clock_rate(); }
  bool started() const { return line_.started(); }
  /// Nothing while stamps are not trusted: then RTP times have no place on the line.
  std::optional<int64_t> ticks_at(uint32_t rtp_time) const;

  bool trusted() const { return !distrusted_; }
  ClockVerdict verdict() const { return {distrusted_, pace_.pace()}; }

 private:
  /// A unit of the line, before it is paced.
  struct Mark {
    int64_t stamp_us = 0, arrival_us = 0;
    int64_t distance_us() const { return arrival_us - stamp_us; }
  };

  bool judge(int64_t stamp_us, const TimelineStamp& stamp);
  ClockTrust::Run run_ahead(const Mark& now) const;
  void distrust(const ClockTrust::Run& run, int64_t stamp_us, int64_t arrival_us);

  const Kind kind_;
  RtpTimeline line_;
  ClockTrust trust_;
  ArrivalPace pace_;
  bool first_ = true, distrusted_ = false, inherited_ = false;
  Mark begun_, newest_;    ///< since the last jump
  int64_t offset_us_ = 0;  ///< of the line against trusted stamps
};

}  // namespace thimble::media
