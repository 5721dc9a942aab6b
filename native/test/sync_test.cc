// Where sound lies on the picture's time line: by reports, RTP-Info or arrival, and what is not believed.
#include <doctest/doctest.h>

#include "media/av_sync.h"

using namespace thimble;
using namespace thimble::media;

namespace {

constexpr int64_t kStartUs = 50'000'000;
/// NTP seconds of a day in 2026.
constexpr uint32_t k2026 = 3976300800u;

/// A camera whose sound begins `late_us` after its picture in truth, and takes `sound_delay_us` longer on its
/// way.
struct Camera {
  explicit Camera(int64_t late_us = 500'000, int64_t sound_delay_us = 0)
      : late_us(late_us), sound_delay_us(sound_delay_us) {}

  void run_until(int64_t end_us) {
    for (; now_us < end_us; now_us += 20'000) {
      if (now_us % 40'000 == 0) unit(true, now_us);
      if (now_us >= late_us) unit(false, now_us);
    }
  }
  void unit(bool is_video, int64_t at_us) {
    TrackClock& line = is_video ? video : audio;
    const int64_t delay_us = (at_us / 1000 % 5) * 1000 + (is_video ? 0 : sound_delay_us);
    line.push(is_video ? video_rtp(at_us) : audio_rtp(at_us), kStartUs + at_us + delay_us, false);
    TimelineStamp stamp;
    while (line.pop(&stamp)) {
      if (stamp.jump) sync.on_jump(is_video);
      sync.observe(is_video, stamp.ticks, kStartUs + at_us + delay_us);
    }
  }
  void report(bool is_video, int64_t at_us, int64_t ntp_error_us = 0, uint32_t seconds = k2026) {
    rtsp::SenderReport report;
    const int64_t us = at_us + ntp_error_us;
    report.ntp = (static_cast<uint64_t>(seconds + us / 1'000'000) << 32) +
                 (static_cast<uint64_t>(us % 1'000'000) << 32) / 1'000'000;
    report.rtp_time = is_video ? video_rtp(at_us) : audio_rtp(at_us);
    report.arrival_us = kStartUs + at_us;
    sync.on_report(is_video, report);
  }
  uint32_t video_rtp(int64_t at_us) const {
    return 4294000000u + static_cast<uint32_t>(at_us * 9 / 100) + leap;
  }
  uint32_t audio_rtp(int64_t at_us) const { return 77u + static_cast<uint32_t>(at_us * 6 / 125); }
  /// How far the answer is from the truth.
  int64_t error_us() const {
    const auto origin = sync.audio_origin90k();
    REQUIRE(origin.has_value());
    return *origin * 100 / 9 - late_us;
  }

  const int64_t late_us, sound_delay_us;
  int64_t now_us = 0;
  uint32_t leap = 0;
  TrackClock video{90000, TrackClock::Kind::kPictures, {}}, audio{48000, TrackClock::Kind::kSound, {}};
  AvSync sync{video, audio};
};

}  // namespace

TEST_CASE("sync: unknown before both tracks have begun") {
  Camera camera;
  camera.run_until(400'000);
  CHECK_FALSE(camera.sync.audio_origin90k().has_value());
  camera.run_until(600'000);
  CHECK(camera.sync.audio_origin90k().has_value());
}

TEST_CASE("sync: by arrival, when there is nothing better") {
  Camera camera;
  camera.run_until(5'000'000);
  CHECK(std::abs(camera.error_us()) <= 5'000);
}

TEST_CASE("sync: RTP-Info beats arrival, when it is believable") {
  Camera camera(500'000, 300'000);
  camera.sync.set_rtp_info(camera.video_rtp(0), camera.audio_rtp(0));
  camera.run_until(5'000'000);
  CHECK(std::abs(camera.error_us()) <= 100);

  Camera liar(500'000, 300'000);
  liar.sync.set_rtp_info(liar.video_rtp(0), 999'999'999);
  liar.run_until(5'000'000);
  CHECK(std::abs(liar.error_us() - 300'000) <= 5'000);
}

TEST_CASE("sync: two reports of each track that agree beat the rest") {
  Camera camera(500'000, 300'000);
  camera.sync.set_rtp_info(camera.video_rtp(0), camera.audio_rtp(1'000'000));
  camera.run_until(2'000'000);
  camera.report(true, 2'000'000);
  camera.report(false, 2'000'000);
  CHECK(std::abs(camera.error_us()) > 100'000);
  camera.run_until(7'000'000);
  camera.report(true, 7'000'000);
  CHECK(std::abs(camera.error_us()) > 100'000);
  camera.report(false, 7'000'000);
  CHECK(std::abs(camera.error_us()) <= 100);
}

TEST_CASE("sync: reports that do not agree with their RTP times are refused") {
  Camera camera(500'000, 300'000);
  for (int i = 0; i < 4; ++i) {
    camera.run_until((i + 1) * 5'000'000);
    camera.report(true, camera.now_us);
    // 60 ms more each 5 s.
    camera.report(false, camera.now_us, i * 60'000);
  }
  CHECK(std::abs(camera.error_us() - 300'000) <= 5'000);
  camera.run_until(25'000'000);
  camera.report(true, camera.now_us);
  camera.report(false, camera.now_us, 3 * 60'000 + 40'000);
  CHECK(std::abs(camera.error_us()) <= 230'000);
}

TEST_CASE("sync: no clock, 1970 and a step of the clock are no ground") {
  for (const uint32_t seconds : {0u, 1u, 2208988800u, 2208988800u + 86400}) {
    CAPTURE(seconds);
    Camera camera(500'000, 300'000);
    for (int i = 1; i < 4; ++i) {
      camera.run_until(i * 300'000 + 500'000);
      camera.report(true, seconds < 2 ? 0 : camera.now_us, 0, seconds);
      camera.report(false, seconds < 2 ? 0 : camera.now_us, 0, seconds);
    }
    CHECK(std::abs(camera.error_us() - 300'000) <= 5'000);
  }
  // The clock is set by years between the reports of the two tracks.
  Camera camera(500'000, 300'000);
  camera.run_until(2'000'000);
  camera.report(true, 2'000'000);
  camera.report(false, 2'000'000);
  camera.run_until(7'000'000);
  camera.report(true, 7'000'000);
  camera.report(false, 7'000'000);
  camera.run_until(12'000'000);
  camera.report(true, 12'000'000, 0, k2026 + 90'000'000);
  CHECK(std::abs(camera.error_us() - 300'000) <= 5'000);
}

TEST_CASE("sync: a jump makes void what was known of the track") {
  Camera camera(500'000, 300'000);
  camera.run_until(2'000'000);
  camera.report(true, 2'000'000);
  camera.report(false, 2'000'000);
  camera.run_until(7'000'000);
  camera.report(true, 7'000'000);
  camera.report(false, 7'000'000);
  CHECK(std::abs(camera.error_us()) <= 100);
  camera.leap = 90000 * 3600;
  camera.run_until(12'000'000);
  // By arrival again, and still near the truth because the time line goes on by arrival too.
  CHECK(std::abs(camera.error_us() - 300'000) <= 10'000);
  camera.report(true, 12'000'000);
  camera.report(false, 12'000'000);
  CHECK(std::abs(camera.error_us() - 300'000) <= 10'000);
  camera.run_until(17'000'000);
  camera.report(true, 17'000'000);
  camera.report(false, 17'000'000);
  CHECK(std::abs(camera.error_us()) <= 10'000);
}

TEST_CASE("sync: follows a sound clock that is slow, before its stamps are distrusted and after") {
  for (const int ppm : {400, 1000, 20000}) {
    CAPTURE(ppm);
    Camera camera;
    TrackClock& audio = camera.audio;
    for (int64_t at_us = 0; at_us < 600'000'000; at_us += 40'000) {
      camera.unit(true, at_us);
      audio.push(static_cast<uint32_t>(at_us * 6 / 125 * (1'000'000 - ppm) / 1'000'000), kStartUs + at_us,
                 false);
      TimelineStamp stamp;
      while (audio.pop(&stamp)) {
        if (stamp.switched) camera.sync.on_jump(false);
        camera.sync.observe(false, stamp.ticks, kStartUs + at_us);
        if (at_us < 30'000'000 || (at_us < 75'000'000 && ppm == 20000)) continue;
        const int64_t shown_us = *camera.sync.audio_origin90k() * 100 / 9 + stamp.ticks * 125 / 6;
        REQUIRE(std::abs(shown_us - at_us) <= 30'000);
      }
    }
    CHECK(audio.trusted() == (ppm == 400));
  }
}
