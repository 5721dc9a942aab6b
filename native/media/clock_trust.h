// Judges whether the stamps of one track keep to the time in which its packets arrive.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

namespace thimble::media {

/// Looks at the least delayed unit of each 10 s, which neither jitter nor bursts nor a stalled network move.
/// Stamps are bad when that delay moves by more than 500 ppm, and steadily: in six equal steps of one
/// direction. A network can hold packets up, but it does not do so more and more for minutes, and it never
/// sends them early. Runs of more than 200 ms are seen after 70 s; what is less, or is hidden in jitter,
/// takes 140, 280 or 630 s.
class ClockTrust {
 public:
  enum class Finding {
    kNone,
    kGood,  ///< within 500 ppm over the last 60 s
    kBad,
  };
  /// Of a bad clock. Distances are arrival - media.
  struct Run {
    int64_t from_us = 0;             ///< arrival, when the span that was looked at began
    int64_t distance_before_us = 0;  ///< then
    int64_t distance_us = 0;         ///< now
    double pace = 1;                 ///< true duration of a microsecond of media
  };

  /// A unit with the time `media_us` by its stamp. A finding comes at most each 10 s.
  Finding observe(int64_t media_us, int64_t arrival_us);
  /// The time line was broken: what was seen so far says nothing about what follows.
  void restart();
  /// After kBad.
  const Run& run() const { return run_; }

 private:
  struct Window {
    int64_t start_us = 0;
    int64_t distance_us = 0, arrival_us = 0;  ///< of the least delayed unit
  };

  bool ran_off(size_t stride, int64_t least_us, int64_t now_us);
  bool kept() const;
  /// The least of `count` windows, `skip` windows ago.
  const Window& least(size_t skip, size_t count) const;

  std::deque<Window> windows_;
  Window running_;
  bool started_ = false;
  Run run_;
};

}  // namespace thimble::media
