// Bytes and pictures per second over the last few seconds.
#pragma once

#include <cstdint>

namespace thimble::media {

/// A ring of one-second buckets; the running second does not count.
class RateMeter {
 public:
  void add(uint64_t bytes, bool picture, int64_t now_us) {
    roll(now_us);
    buckets_[second_ % kBuckets].bytes += bytes;
    if (picture) ++buckets_[second_ % kBuckets].pictures;
  }
  double bytes_per_second(int64_t now_us) const { return sum(now_us, true); }
  double pictures_per_second(int64_t now_us) const { return sum(now_us, false); }

 private:
  static constexpr int64_t kBuckets = 6;
  struct Bucket {
    uint64_t bytes = 0;
    uint32_t pictures = 0;
  };

  void roll(int64_t now_us) {
    const int64_t second = now_us / 1000000;
    if (first_ < 0) first_ = second_ = second;
    if (second - second_ >= kBuckets) {
      for (Bucket& bucket : buckets_) bucket = Bucket{};
      first_ = second_ = second;
    }
    while (second_ < second) buckets_[++second_ % kBuckets] = Bucket{};
  }
  double sum(int64_t now_us, bool bytes) const {
    const int64_t second = now_us / 1000000;
    double total = 0;
    int64_t seconds = 0;
    for (int64_t s = second - 1; s > second - kBuckets && s > first_ && first_ >= 0; --s) {
      ++seconds;
      if (s > second_ || s <= second_ - kBuckets) continue;
      total += bytes ? static_cast<double>(buckets_[s % kBuckets].bytes) : buckets_[s % kBuckets].pictures;
    }
    return seconds > 0 ? total / static_cast<double>(seconds) : 0;
  }

  Bucket buckets_[kBuckets];
  int64_t second_ = -1, first_ = -1;
};

}  // namespace thimble::media
