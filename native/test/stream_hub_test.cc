// Streams behind go2rtc: splices, a camera that is away, go2rtc itself away; and what is different without
// it.
#include "media/splice_watch.h"
#include "stream_rig.h"

using namespace stream_rig;

namespace {
/// As go2rtc names its methods, and as little as it answers.
void as_go2rtc(LoopbackCamera& camera) {
  camera.public_methods = "OPTIONS, SETUP, TEARDOWN, DESCRIBE, PLAY, PAUSE, ANNOUNCE, RECORD";
  camera.answers["GET_PARAMETER"] = camera.answers["TEARDOWN"] = "";
}

struct HubRig : Rig {
  explicit HubRig(LoopbackCamera& camera) : Rig({&camera}) {
    as_go2rtc(camera);
    settings.hub = true;
  }
};

/// Pictures go on until the next session plays.
void play_on(Rig& rig, LoopbackCamera& camera) {
  const size_t before = camera.connections();
  for (int i = 0; i < 50 && !(camera.connections() > before && camera.playing()); ++i) {
    camera.send_picture(rig.now_us);
    rig.wait(40'000, 40'000);
  }
}

std::string packet(uint32_t ssrc, uint16_t sequence) {
  std::string bytes(20, '\0');
  bytes[0] = '\x80';
  bytes[2] = static_cast<char>(sequence >> 8);
  bytes[3] = static_cast<char>(sequence);
  for (int i = 0; i < 4; ++i) bytes[static_cast<size_t>(8 + i)] = static_cast<char>(ssrc >> (24 - 8 * i));
  return bytes;
}
}  // namespace

TEST_CASE("splice watch: another source, or a sequence that jumps; not loss, disorder or the wrap") {
  SpliceWatch watch;
  const auto see = [&](uint32_t ssrc, uint16_t sequence) {
    return watch.on_rtp(ByteView(packet(ssrc, sequence)));
  };
  CHECK_FALSE(see(7, 65'500));
  CHECK_FALSE(see(7, 65'501));
  CHECK_FALSE(see(7, 65'499));
  CHECK_FALSE(see(7, 65'535));
  CHECK_FALSE(see(7, 0));
  CHECK_FALSE(see(7, 900));
  CHECK(see(7, 2000));
  CHECK_FALSE(see(7, 2001));
  CHECK(see(8, 2002));
  CHECK_FALSE(see(8, 2003));
  CHECK(see(8, 500));
  CHECK_FALSE(watch.on_rtp(ByteView(std::string("short"))));
  CHECK_FALSE(see(8, 501));
}

TEST_CASE(
    "behind go2rtc: another session of the camera ends the file, and the stream is opened anew at once") {
  for (const bool by_sequence : {false, true}) {
    CAPTURE(by_sequence);
    LoopbackCamera camera;
    HubRig rig(camera);
    REQUIRE(rig.connect());
    rig.play(2 * kSecond);
    const uint64_t pictures = camera.pictures;
    if (by_sequence) {
      camera.sequence_jump = 1560;
    } else {
      camera.video_ssrc = 0x3003;
    }
    camera.time_offset = 0x5000'0000;
    play_on(rig, camera);
    CHECK(camera.connections() == 2);
    CHECK(camera.asked("DESCRIBE") == 2);
    REQUIRE(rig.sink.count(LinkState::kWaiting) == 1);
    CHECK(rig.sink.all<LinkEvent>()[2].problem == LinkProblem::kClosed);
    rig.play(2 * kSecond);
    CHECK(rig.sink.link().state == LinkState::kLive);
    rig.stop();
    REQUIRE(rig.writer.files.size() == 2);
    CHECK(rig.writer.files[0].reason == EndReason::kReconnect);
    size_t first = 0;
    rig.writer.files[0].each(true, [&](const rig::Sample&) { ++first; });
    CHECK(first == pictures);
    CHECK(rig.writer.files[1].spec.identity.start_ms >= rig.writer.files[0].end_ms);
  }
}

TEST_CASE("behind go2rtc: a splice of the sound alone is one, too, and so is a time line that breaks") {
  LoopbackCamera camera;
  camera.with_sound = true;
  HubRig rig(camera);
  REQUIRE(rig.connect());
  rig.play(2 * kSecond, true);
  camera.sound_ssrc = 0x4004;
  camera.send_sound(rig.now_us);
  play_on(rig, camera);
  CHECK(camera.connections() == 2);
  rig.play(2 * kSecond, true);
  camera.time_offset = 900'000;
  play_on(rig, camera);
  CHECK(camera.connections() == 3);
  rig.stop();
}

TEST_CASE("without go2rtc a camera that changes its source keeps its session") {
  LoopbackCamera camera;
  Rig rig({&camera});
  REQUIRE(rig.connect());
  rig.play(2 * kSecond);
  camera.video_ssrc = 0x3003;
  camera.time_offset = 0x5000'0000;
  rig.play(3 * kSecond);
  CHECK(camera.connections() == 1);
  CHECK(rig.sink.count(LinkState::kWaiting) == 0);
  rig.stop();
}

TEST_CASE("behind go2rtc: a camera that begins anew all the time is not opened all the time") {
  LoopbackCamera camera;
  HubRig rig(camera);
  REQUIRE(rig.connect());
  for (int i = 0; i < 40; ++i) {
    camera.video_ssrc += 1;
    camera.send_picture(rig.now_us);
    rig.wait(500'000);
  }
  CHECK(camera.connections() == 6);
  rig.stop();
}

TEST_CASE(
    "behind go2rtc: silence is left after 5 s, having been stalled before, and the stream opened at once") {
  LoopbackCamera camera;
  HubRig rig(camera);
  REQUIRE(rig.connect());
  rig.play(3 * kSecond);
  rig.wait(3'950'000);
  CHECK(rig.sink.link().state == LinkState::kLive);
  rig.wait(100'000);
  CHECK(rig.sink.link().state == LinkState::kStalled);
  rig.wait(850'000);
  CHECK(rig.sink.link().state == LinkState::kStalled);
  rig.wait(200'000);
  CHECK(rig.sink.count(LinkState::kWaiting) == 1);
  CHECK(rig.sink.all<LinkEvent>()[3].problem == LinkProblem::kStalled);
  CHECK(rig.sink.all<LinkEvent>()[3].message == "No picture came for 5 seconds.");
  REQUIRE(rig.connect());
  CHECK(camera.connections() == 2);
  // Accepted, and nothing comes: the camera is not there.
  rig.wait(5'200'000);
  CHECK(camera.connections() >= 2);
  CHECK(rig.sink.link().problem == LinkProblem::kTimeout);
  rig.stop();
}

TEST_CASE("behind go2rtc: a stream that it has not means a camera that is away, looked for each second") {
  LoopbackCamera camera;
  HubRig rig(camera);
  camera.answers["DESCRIBE"] = "RTSP/1.0 404 Not Found\r\nCSeq: {cseq}\r\n\r\n";
  rig.make();
  rig.wait(10 * kSecond);
  CHECK(rig.sink.link().problem == LinkProblem::kUnreachable);
  CHECK(rig.sink.count(LinkState::kWaiting) >= 8);
  CHECK(rig.sink.count(LinkState::kWaiting) <= 14);
  camera.answers.erase("DESCRIBE");
  REQUIRE(rig.connect());
  rig.play(kSecond);
  CHECK(rig.sink.link().state == LinkState::kLive);
  rig.stop();
}

TEST_CASE("behind go2rtc: connections that it closes or refuses are its own trouble") {
  LoopbackCamera camera;
  HubRig rig(camera);
  REQUIRE(rig.connect());
  rig.play(2 * kSecond);
  camera.stop_listening();
  camera.hang_up();
  rig.wait(100'000);
  CHECK(rig.sink.link().problem == LinkProblem::kHub);
  rig.wait(2 * kSecond);
  CHECK(rig.sink.link().problem == LinkProblem::kHub);
  CHECK(rig.sink.count(LinkState::kWaiting) >= 3);
  rig.stop();
}

TEST_CASE(
    "behind go2rtc: without a way the stream keeps its pictures and waits, and goes on at once with one") {
  LoopbackCamera camera;
  HubRig rig(camera);
  REQUIRE(rig.connect());
  rig.play(2 * kSecond);
  const std::vector<std::string> urls = rig.settings.urls;
  rig.settings.urls.clear();
  rig.stream->set(rig.settings, rig.now_us);
  rig.wait(30 * kSecond);
  CHECK(camera.connections() == 1);
  CHECK(camera.connected() == 0);
  CHECK(rig.stream->stats(rig.now_us).ring_bytes > 0);
  CHECK(rig.writer.files[0].reason == EndReason::kReconnect);
  rig.settings.urls = urls;
  rig.stream->set(rig.settings, rig.now_us);
  REQUIRE(rig.connect());
  rig.play(kSecond);
  CHECK(camera.connections() == 2);
  rig.stop();
  CHECK(rig.writer.files.size() == 2);
}

TEST_CASE("behind go2rtc: a stream may be made before there is a way") {
  LoopbackCamera camera;
  HubRig rig(camera);
  const std::vector<std::string> urls = rig.settings.urls;
  rig.settings.urls.clear();
  rig.make();
  rig.wait(5 * kSecond);
  CHECK(rig.sink.events.empty());
  rig.settings.urls = urls;
  rig.stream->set(rig.settings, rig.now_us);
  REQUIRE(rig.connect());
  rig.stop();
}

TEST_CASE(
    "behind go2rtc: keep-alives are OPTIONS at least each 20 s, and nobody waits for an answer to TEARDOWN") {
  LoopbackCamera camera;
  HubRig rig(camera);
  rig.frame_us = 100'000;
  REQUIRE(rig.connect());
  const size_t before = camera.asked("OPTIONS");
  rig.play(61 * kSecond);
  CHECK(camera.asked("OPTIONS") >= before + 3);
  CHECK(camera.asked("GET_PARAMETER") == 0);
  CHECK(camera.connections() == 1);
  rig.stream->stop(EndReason::kStop, rig.now_us);
  rig.stream->tick(rig.now_us);
  CHECK(rig.stream->idle());
}

TEST_CASE("behind go2rtc: a stream that we did not read for 4 s is opened anew") {
  LoopbackCamera camera;
  HubRig rig(camera);
  REQUIRE(rig.connect());
  rig.play(2 * kSecond);
  rig.now_us += 4'100'000;
  camera.send_picture(rig.now_us);
  rig.stream->tick(rig.now_us);
  CHECK(rig.sink.count(LinkState::kWaiting) == 1);
  play_on(rig, camera);
  CHECK(camera.connections() == 2);
  rig.stop();
}
