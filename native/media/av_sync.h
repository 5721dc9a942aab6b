// Finds where the sound track lies on the picture's time line.
#pragma once

#include <cstdint>
#include <optional>

#include "media/track_clock.h"
#include "rtsp/rtp_track.h"

namespace thimble::media {

/// The answer is one number: the 90 kHz video time of sound tick 0. Sources, best first: sender reports of
/// both tracks of which two in a row agree with their RTP times; RTP-Info, when both times are believable and
/// not far from arrival, which tells how it changes from then on; arrival (least delayed packets). The first
/// two need stamps that are trusted.
class AvSync {
 public:
  AvSync(const TrackClock& video, const TrackClock& audio) : video_(video), audio_(audio) {}

  void set_rtp_info(uint32_t video_rtp, uint32_t audio_rtp) { rtp_info_ = RtpInfo{video_rtp, audio_rtp}; }
  /// The access unit at `ticks` of a track came at `arrival_us`.
  void observe(bool video, int64_t ticks, int64_t arrival_us);
  void on_report(bool video, const rtsp::SenderReport& report);
  /// A track's time line broke, or its stamps count otherwise from now on: what was known of it is void.
  void on_jump(bool video);

  /// 90 kHz video time of sound tick 0, or nothing before both tracks have begun.
  std::optional<int64_t> audio_origin90k() const;

 private:
  struct Least {
    bool known = false;
    int64_t distance_us = 0;  ///< arrival - media time, least of the window
    int64_t window_us = 0, window_start_us = 0;
    bool settled = false;  ///< a whole window is over
  };
  struct Report {
    int64_t ntp_us = 0;
    int64_t media_us = 0;
    bool known = false, trusted = false;
  };

  void take_rtp_info();
  int64_t by_arrival_us() const { return audio_delay_.distance_us - video_delay_.distance_us; }

  const TrackClock& video_;
  const TrackClock& audio_;
  struct RtpInfo {
    uint32_t video, audio;
  };
  std::optional<RtpInfo> rtp_info_;  ///< until both tracks have begun
  std::optional<int64_t> rtp_info_origin_us_;
  std::optional<int64_t> rtp_info_bias_us_;  ///< its distance from arrival, when both were known
  Least video_delay_, audio_delay_;
  Report video_report_, audio_report_;
};

}  // namespace thimble::media
