// The sources of the answer, and which of them is believed.
#include "media/av_sync.h"

#include <algorithm>
#include <cstdlib>

#include "media/ticks.h"

namespace thimble::media {

namespace {
/// Of a track that is timed by arrival the distance is nearly constant, and has to be known soon while its
/// line returns to the true time.
constexpr int64_t kWindowUs = 10'000'000, kPacedWindowUs = 2'000'000;
/// Sound and picture of one camera are never sent further apart than this; RTP-Info that says otherwise is
/// untrue.
constexpr int64_t kMostApartUs = 2'000'000;
constexpr int64_t kReportSpacingUs = 5'000'000;
/// NTP seconds of 1970-01-01.
constexpr uint32_t k1970 = 2208988800, kYearS = 31536000;
}  // namespace

void AvSync::observe(bool video, int64_t ticks, int64_t arrival_us) {
  Least* least = video ? &video_delay_ : &audio_delay_;
  if (rtp_info_ && video_.started() && audio_.started()) take_rtp_info();
  const int64_t distance = arrival_us - ticks_to_us(ticks, video ? video_.clock_rate() : audio_.clock_rate());
  const int64_t window_us = (video ? video_ : audio_).trusted() ? kWindowUs : kPacedWindowUs;
  if (!least->known) {
    *least = {true, distance, distance, arrival_us, false};
    return;
  }
  least->window_us = std::min(least->window_us, distance);
  least->distance_us = std::min(least->distance_us, distance);
  if (arrival_us - least->window_start_us >= window_us) {
    // A clock that runs slow shows a growing distance: the last whole window counts, not the least of all
    // time.
    least->distance_us = least->window_us;
    least->window_us = distance;
    least->window_start_us = arrival_us;
    least->settled = true;
    // It speaks of the first moment only, and clocks drift apart: from here on arrival shows how far.
    if (rtp_info_origin_us_ && !rtp_info_bias_us_ && video_delay_.settled && audio_delay_.settled) {
      rtp_info_bias_us_ = *rtp_info_origin_us_ - by_arrival_us();
    }
  }
}

void AvSync::take_rtp_info() {
  const auto video = video_.ticks_at(rtp_info_->video), audio = audio_.ticks_at(rtp_info_->audio);
  rtp_info_.reset();
  if (!video || !audio) return;
  rtp_info_origin_us_ = ticks_to_us(*video, video_.clock_rate()) - ticks_to_us(*audio, audio_.clock_rate());
}

void AvSync::on_report(bool video, const rtsp::SenderReport& report) {
  const TrackClock& line = video ? video_ : audio_;
  if (!line.started()) return;
  const auto ticks = line.ticks_at(report.rtp_time);
  if (!ticks) return;
  const uint32_t seconds = static_cast<uint32_t>(report.ntp >> 32);
  // A camera that never knew the time: it may set its clock at any moment. (A time in the future is harmless:
  // only the difference between the tracks counts, and it must agree with arrival.)
  if (seconds < 2 || (seconds >= k1970 && seconds - k1970 < kYearS)) return;
  Report next;
  next.known = true;
  next.ntp_us = static_cast<int64_t>(seconds) * 1000000 +
                static_cast<int64_t>(((report.ntp & 0xffffffffu) * 1000000) >> 32);
  next.media_us = ticks_to_us(*ticks, line.clock_rate());
  Report& last = video ? video_report_ : audio_report_;
  if (last.known) {
    const int64_t ntp_passed = next.ntp_us - last.ntp_us;
    const int64_t media_passed = next.media_us - last.media_us;
    // 50 ms for each 5 s between the two, in parts of 100.
    const int64_t tolerance_us = std::max(ntp_passed, kReportSpacingUs) / 100;
    next.trusted = ntp_passed > 0 && std::llabs(ntp_passed - media_passed) <= tolerance_us;
  }
  last = next;
}

void AvSync::on_jump(bool video) {
  (video ? video_report_ : audio_report_) = Report{};
  (video ? video_delay_ : audio_delay_) = Least{};
  rtp_info_.reset();
  rtp_info_origin_us_.reset();
  rtp_info_bias_us_.reset();
}

std::optional<int64_t> AvSync::audio_origin90k() const {
  if (!video_delay_.known || !audio_delay_.known) return std::nullopt;
  if (video_report_.trusted && audio_report_.trusted) {
    const int64_t by_report =
        (audio_report_.ntp_us - audio_report_.media_us) - (video_report_.ntp_us - video_report_.media_us);
    if (std::llabs(by_report - by_arrival_us()) <= kMostApartUs) return by_report * 9 / 100;
  }
  if (rtp_info_origin_us_) {
    const int64_t origin_us = rtp_info_bias_us_ ? by_arrival_us() + *rtp_info_bias_us_ : *rtp_info_origin_us_;
    if (std::llabs(origin_us - by_arrival_us()) <= kMostApartUs) return origin_us * 9 / 100;
  }
  return by_arrival_us() * 9 / 100;
}

}  // namespace thimble::media
