// The time line of one track for one client, over pictures that are not sent in the order in which they are
// shown.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "media/restream_track.h"
#include "tiny_h264.h"

using namespace thimble;
using namespace thimble::media;

namespace {

constexpr int64_t kFrameUs = 40'000, kFrame90k = 3600;

struct Rig {
  Rig() {
    feed.set_ring(&ring);
    feed.set_parameters(parameters(), nullptr);
  }
  static VideoParameters parameters() {
    VideoParameters video;
    video.codec = rtsp::Codec::kH264;
    video.sps = {tiny::sps()};
    video.pps = {tiny::pps()};
    video.sequence.width = video.sequence.height = 64;
    return video;
  }
  void begin() {
    ring.clear();
    session.anchor = &anchor;
    feed.begin_session(session);
  }
  void end() {
    feed.end_session();
    now_us += 10 * kFrameUs;
  }
  /// `frame`: when it is shown.
  void picture(int64_t frame, bool key, bool jump = false) {
    const std::vector<uint8_t> bytes = {0, 0, 0, 4, static_cast<uint8_t>(key ? 0x65 : 0x41), 1, 2, 3};
    Packet packet;
    packet.position = ring.video().arena().end();
    packet.size = static_cast<uint32_t>(bytes.size());
    packet.key = key;
    packet.pts = frame * kFrame90k;
    packet.arrival_us = now_us += kFrameUs;
    REQUIRE(ring.video().arena().append({bytes.data(), bytes.size()}));
    const uint64_t index = ring.video().end();
    ring.video().push(packet);
    anchor.observe(packet.pts * 100 / 9, packet.arrival_us);
    feed.on_video(index, jump);
    ring.evict(UINT64_MAX, UINT64_MAX, INT64_MIN);
    send();
  }
  /// I P B B P B B, all of it sent.
  void group(int64_t first_frame) {
    picture(first_frame, true);
    for (const int64_t frame : {3, 1, 2, 6, 4, 5}) picture(first_frame + frame, false);
  }
  void send() {
    if (!started) {
      track.start(feed, nullptr);
      started = true;
    }
    int64_t arrival_us = 0;
    while (track.ready(feed, &arrival_us)) {
      std::string out;
      track.write(feed, &out);
      if (out.empty()) continue;
      const auto* rtp = reinterpret_cast<const uint8_t*>(out.data()) + 4;
      const uint32_t time = read_be32(rtp + 4);
      if (times.empty() || times.back() != time) times.push_back(time);
      if (track.take_tie()) ++ties;
    }
  }

  WallClock clock{1'767'225'600'000'000, 0, 1};
  WallAnchor anchor;
  RecordSession session;
  PacketRing ring{1 << 20};
  RestreamFeed feed{{5, StreamKind::kMain}, clock};
  RestreamTrack track{served(), {0, 0, 0x0123456789abcdefu}};
  int64_t now_us = 50'000'000;
  bool started = false;
  int ties = 0;
  std::vector<uint32_t> times;

 private:
  static rtsp::ServedTrack served() {
    rtsp::ServedTrack track;
    track.codec = rtsp::Codec::kH264;
    return track;
  }
};

/// In frames from the first.
std::vector<int> shown(const std::vector<uint32_t>& times) {
  std::vector<int> frames;
  for (const uint32_t time : times) frames.push_back(static_cast<int>((time - times[0]) / kFrame90k));
  return frames;
}

}  // namespace

TEST_CASE("restream track: over a new session no picture is shown with, or before, one of the last") {
  Rig rig;
  rig.begin();
  rig.group(0);
  REQUIRE(shown(rig.times) == std::vector<int>{0, 3, 1, 2, 6, 4, 5});
  CHECK(rig.ties == 1);
  rig.end();
  rig.begin();
  rig.group(1000);
  REQUIRE(rig.times.size() == 14);
  // The first came 11 frames after the last, which was shown one before the newest.
  CHECK(shown(rig.times)[7] == 6 + 11);
  CHECK(shown({rig.times.begin() + 7, rig.times.end()}) == std::vector<int>{0, 3, 1, 2, 6, 4, 5});
  // Which moment that is has changed: it is told at once.
  CHECK(rig.ties == 2);
}

TEST_CASE("restream track: over a step within a session as well") {
  Rig rig;
  rig.begin();
  rig.group(0);
  rig.picture(-5000, true, true);
  REQUIRE(rig.times.size() == 8);
  CHECK(shown(rig.times)[7] == 7);
  CHECK(rig.ties == 2);
}

TEST_CASE("restream track: after a day without the camera times go on, from their newest") {
  Rig rig;
  rig.begin();
  rig.group(0);
  rig.now_us += 86'400'000'000;
  rig.end();
  rig.begin();
  rig.group(0);
  rig.end();
  rig.begin();
  rig.group(0);
  REQUIRE(rig.times.size() == 21);
  CHECK(rig.times[7] - rig.times[4] == static_cast<uint32_t>((86'400 * 25 + 11) * kFrame90k));
  CHECK(shown({rig.times.begin() + 7, rig.times.end()})[7] == 6 + 11);
}
