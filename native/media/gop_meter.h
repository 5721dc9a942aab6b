// Measures how far keyframes lie apart.
#pragma once

#include <cstdint>

namespace thimble::media {

/// Of one session. A silence of the camera is no part of a GOP, nor is a leap of its clock.
class GopMeter {
 public:
  /// Keyframes further apart make playback slow to start and pre-roll short.
  static constexpr int64_t kLongUs = 10'000'000;

  /// `broken`: the times before and after this picture cannot be compared.
  void add(bool key, int64_t media_us, int64_t arrival_us, bool broken) {
    const bool silence = media_us - newest_us_ >= kSilenceUs;
    newest_us_ = media_us;
    if (key && begun_) gop_us_ = arrival_us - key_arrival_us_;
    if (key) key_arrival_us_ = arrival_us;
    begun_ = begun_ || key;
    if (broken || silence) from_us_ = media_us;
    long_ = begun_ && media_us - from_us_ > kLongUs;
    if (key) from_us_ = media_us;
  }
  /// The GOP that the newest picture belongs to, or ends, lasts longer than kLongUs.
  bool too_long() const { return long_; }
  /// By arrival, between the last two keyframes; 0 = not known.
  int64_t gop_us() const { return gop_us_; }

 private:
  static constexpr int64_t kSilenceUs = 5'000'000;

  bool begun_ = false, long_ = false;
  int64_t newest_us_ = 0, from_us_ = 0, key_arrival_us_ = 0, gop_us_ = 0;
};

}  // namespace thimble::media
