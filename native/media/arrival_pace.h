// Stretches the stamps of a clock that runs off so that they keep to the time in which the packets arrive.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

namespace thimble::media {

/// Arrival alone would carry the jitter of the network into the footage, and has no order for pictures that
/// are sent out of it; so the stamps still say how units lie to each other, and arrival how fast all of them
/// go: by the least delayed unit of each second. Times rise with the stamps, always, and run no further
/// ahead of arrival than 60 s.
class ArrivalPace {
 public:
  /// From the unit with the stamp `stamp_us` on: it lies at `media_us`, and units are to lie `distance_us`
  /// before the arrival of the least delayed ones. `pace`: true duration of a microsecond of the stamps.
  /// `at_start`: a session begins, and may begin with a burst of old pictures.
  void begin(int64_t stamp_us, int64_t media_us, int64_t distance_us, double pace, bool at_start);
  int64_t next(int64_t stamp_us, int64_t arrival_us);
  /// The stamps break here, and go on by arrival.
  void on_jump() { seen_.clear(); }
  double pace() const { return pace_; }

 private:
  struct Seen {
    int64_t stamp_us = 0;
    int64_t arrival_us = 0;
  };

  int64_t media_us(int64_t stamp_us) const;
  void end_window(int64_t arrival_us);

  int64_t stamp_us_ = 0, media_us_ = 0, arrival_us_ = 0;  ///< of the newest unit
  int64_t distance_us_ = 0;
  double pace_ = 1;   ///< as measured
  double slope_ = 1;  ///< in use: the pace, and a little more or less until the times are right
  int64_t starts_until_us_ = INT64_MIN;
  int64_t window_start_us_ = INT64_MIN;
  bool window_empty_ = true;
  int64_t least_late_us_ = 0;  ///< of the running window
  Seen least_;
  std::deque<Seen> seen_;  ///< the least delayed units of the last windows
};

}  // namespace thimble::media
