// A stream against a camera on loopback, on a clock that the test winds: states, waits and attempts.
#include "stream_rig.h"

using namespace stream_rig;

TEST_CASE("stream: connects, tells what it gets, records every picture and closes") {
  LoopbackCamera camera;
  camera.with_sound = true;
  Rig rig({&camera});
  REQUIRE(rig.connect());
  rig.play(6 * kSecond, true);
  CHECK(rig.sink.link().state == LinkState::kLive);
  CHECK(rig.stream->stats(rig.now_us).fps == doctest::Approx(25).epsilon(0.05));
  const auto parameters = rig.sink.all<ParametersEvent>();
  REQUIRE(parameters.size() == 1);
  CHECK(parameters[0].width == 64);
  CHECK(parameters[0].has_audio);
  rig.stop();
  REQUIRE(rig.writer.files.size() == 1);
  CHECK(rig.writer.files[0].reason == EndReason::kStop);
  CHECK(rig.recorded() == camera.pictures);
  CHECK(camera.asked("TEARDOWN") == 1);
  CHECK(camera.connected() == 0);
}

TEST_CASE("stream: a frozen camera is stalled after 5 s, lost after 10 s, and asked again at once") {
  LoopbackCamera camera;
  Rig rig({&camera});
  REQUIRE(rig.connect());
  rig.play(3 * kSecond);
  const int64_t last_us = rig.now_us;
  rig.wait(4'950'000);
  CHECK(rig.sink.link().state == LinkState::kLive);
  rig.wait(100'000);
  CHECK(rig.sink.link().state == LinkState::kStalled);
  CHECK(rig.sink.link().last_packet_ms == rig.clock.utc_ms(last_us));
  // Everything is in the file meanwhile.
  CHECK(rig.recorded() == camera.pictures);
  rig.wait(4'800'000);
  CHECK(rig.sink.link().state == LinkState::kStalled);
  rig.wait(200'000);
  CHECK(rig.sink.count(LinkState::kWaiting) == 1);
  CHECK(rig.sink.all<LinkEvent>()[3].problem == LinkProblem::kStalled);
  CHECK(rig.writer.files[0].reason == EndReason::kReconnect);
  REQUIRE(rig.connect());
  CHECK(camera.connections() == 2);
  rig.play(1 * kSecond);
  CHECK(rig.sink.link().state == LinkState::kLive);
  CHECK(rig.stream->stats(rig.now_us).reconnects == 1);
  rig.stop();
  REQUIRE(rig.writer.files.size() == 2);
  CHECK(rig.writer.files[1].spec.identity.start_ms >= rig.writer.files[0].end_ms);
}

TEST_CASE("stream: pictures that come again end the stall") {
  LoopbackCamera camera;
  Rig rig({&camera});
  REQUIRE(rig.connect());
  rig.play(2 * kSecond);
  rig.wait(6 * kSecond);
  CHECK(rig.sink.link().state == LinkState::kStalled);
  rig.play(2 * kSecond);
  CHECK(rig.sink.link().state == LinkState::kLive);
  rig.stop();
  CHECK(camera.connections() == 1);
  CHECK(rig.recorded() == camera.pictures);
}

TEST_CASE("stream: a slow camera is stalled after four of its pictures, at most 9 s") {
  for (const int64_t frame_us : {1'600'000, 3'000'000}) {
    CAPTURE(frame_us);
    LoopbackCamera camera;
    camera.gop = 2;
    Rig rig({&camera});
    REQUIRE(rig.connect());
    for (int i = 0; i < 12; ++i) {
      camera.send_picture(rig.now_us);
      rig.settle();
      rig.wait(frame_us);
    }
    CHECK(rig.sink.count(LinkState::kStalled) == 0);
    const int64_t limit_us = frame_us == 1'600'000 ? 5 * kSecond : 8 * kSecond;
    rig.wait(limit_us - frame_us);
    CHECK(rig.sink.count(LinkState::kStalled) == 0);
    rig.wait(9 * kSecond + 100'000 - limit_us);
    CHECK(rig.sink.count(LinkState::kStalled) == 1);
    rig.wait(1 * kSecond);
    CHECK(rig.sink.count(LinkState::kWaiting) == 1);
    rig.stop();
  }
}

TEST_CASE("stream: a trickle that never becomes a picture keeps nothing alive") {
  LoopbackCamera camera;
  Rig rig({&camera});
  REQUIRE(rig.connect());
  rig.play(2 * kSecond);
  for (int i = 0; i < 22; ++i) {
    camera.send_crumb(rig.now_us);
    rig.wait(500'000);
  }
  CHECK(rig.sink.count(LinkState::kStalled) == 1);
  CHECK(rig.sink.count(LinkState::kWaiting) == 1);
  rig.stop();
}

TEST_CASE("stream: a camera that only accepts is given up after 10 s") {
  for (const bool crumbs : {false, true}) {
    LoopbackCamera camera;
    Rig rig({&camera});
    REQUIRE(rig.connect());
    for (int i = 0; i < 21; ++i) {
      if (crumbs) camera.send_crumb(rig.now_us);
      rig.wait(500'000);
    }
    CHECK(rig.sink.count(LinkState::kWaiting) == 1);
    CHECK(rig.sink.all<LinkEvent>()[1].problem == LinkProblem::kTimeout);
    rig.stop();
  }
}

TEST_CASE("stream: no keyframe for a minute is a failure of its own") {
  LoopbackCamera camera;
  camera.keys = false;
  Rig rig({&camera});
  rig.frame_us = 200'000;
  REQUIRE(rig.connect());
  rig.play(59 * kSecond);
  CHECK(rig.sink.count(LinkState::kWaiting) == 0);
  rig.play(2 * kSecond);
  REQUIRE(rig.sink.count(LinkState::kWaiting) == 1);
  CHECK(rig.sink.all<LinkEvent>()[1].problem == LinkProblem::kNoKeyframe);
  CHECK(rig.writer.files.empty());
  rig.stop();
}

TEST_CASE("stream: a wrong password waits 5 minutes, and not at all for new settings") {
  LoopbackCamera camera;
  camera.answers["DESCRIBE"] =
      "RTSP/1.0 401 Unauthorized\r\nCSeq: {cseq}\r\nWWW-Authenticate: Digest realm=\"c\", "
      "nonce=\"1\"\r\n\r\n";
  Rig rig({&camera});
  rig.settings.username = "admin";
  rig.settings.password = "wrong";
  rig.make();
  rig.wait(kSecond);
  const LinkEvent link = rig.sink.link();
  CHECK(link.state == LinkState::kWaiting);
  CHECK(link.problem == LinkProblem::kUnauthorized);
  CHECK(link.retry_at_ms - rig.clock.utc_ms(rig.now_us) > 298'000);
  CHECK(link.message.find("wrong") == std::string::npos);
  const size_t tries = camera.connections();
  rig.wait(280 * kSecond, kSecond);
  CHECK(camera.connections() == tries);
  camera.answers.clear();
  rig.settings.password = "right";
  rig.stream->set(rig.settings, rig.now_us);
  REQUIRE(rig.connect());
  rig.stop();
}

TEST_CASE("stream: a refused connection is tried each second, and the event says when") {
  LoopbackCamera camera;
  Rig rig({&camera});
  camera.stop_listening();
  rig.make();
  rig.wait(200'000);
  const LinkEvent link = rig.sink.link();
  CHECK(link.state == LinkState::kWaiting);
  CHECK(link.problem == LinkProblem::kRefused);
  CHECK(link.retry_at_ms > rig.clock.utc_ms(rig.now_us) - 200);
  CHECK(link.retry_at_ms <= rig.clock.utc_ms(rig.now_us) + 1000);
  CHECK(link.last_packet_ms == 0);
  rig.wait(20 * kSecond);
  CHECK(rig.sink.count(LinkState::kWaiting) >= 18);
  CHECK(rig.sink.count(LinkState::kWaiting) <= 27);
  rig.stop();
}

TEST_CASE("stream: addresses that cannot be used fail with words and are tried again") {
  Rig rig({});
  rig.settings.urls = {"http://camera/", "rtsp://0.0.0.0.1.2/"};
  rig.make();
  rig.wait(200'000);
  CHECK(rig.sink.link().problem == LinkProblem::kNotRtsp);
  rig.settings.urls = {"rtsp://127.0.0.1:1/"};
  rig.settings.allow_loopback = false;
  rig.stream->set(rig.settings, rig.now_us);
  rig.wait(200'000);
  CHECK(rig.sink.link().problem == LinkProblem::kAddressForbidden);
  rig.stop();
}

TEST_CASE("stream: further addresses are tried in turn") {
  LoopbackCamera dead, alive("127.0.0.2");
  dead.stop_listening();
  Rig rig({&alive, &dead});
  rig.settings.urls = {dead.url(), alive.url()};
  rig.make();
  rig.wait(1'500'000);
  CHECK(alive.playing());
  rig.stop();
}

TEST_CASE("stream: what was live for a minute is tried again before other addresses") {
  LoopbackCamera first, second("127.0.0.2");
  Rig rig({&first, &second});
  rig.settings.urls = {first.url(), second.url()};
  rig.frame_us = 200'000;
  REQUIRE(rig.connect());
  rig.play(61 * kSecond);
  first.hang_up();
  rig.wait(1'500'000);
  CHECK(first.connections() == 2);
  CHECK(second.connections() == 0);
  REQUIRE(first.playing());
  // An address that does not hold is left for the next one.
  rig.play(5 * kSecond);
  first.hang_up();
  rig.wait(1'500'000);
  CHECK(first.connections() == 2);
  CHECK(second.connections() == 1);
  rig.stop();
}
