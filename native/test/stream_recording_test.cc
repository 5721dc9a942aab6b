// A stream against a camera on loopback, on a clock that the test winds: what is recorded, and with which
// parameters.
#include "stream_rig.h"

using namespace stream_rig;

TEST_CASE("stream: a camera that closes leaves a whole segment and is asked again within a second") {
  LoopbackCamera camera;
  camera.with_sound = true;
  Rig rig({&camera});
  REQUIRE(rig.connect());
  rig.play(3'300'000, true);
  camera.hang_up();
  rig.wait(100'000);
  CHECK(rig.sink.link().state == LinkState::kWaiting);
  CHECK(rig.sink.link().problem == LinkProblem::kClosed);
  REQUIRE(rig.writer.files.size() == 1);
  CHECK(rig.writer.files[0].closed);
  CHECK(rig.recorded() == camera.pictures);
  rig.wait(1 * kSecond);
  CHECK(camera.connections() == 2);
  rig.stop();
}

TEST_CASE("stream: pictures that come before PLAY is answered are recorded") {
  LoopbackCamera camera;
  camera.early_media = true;
  camera.answers["PLAY"] = "";
  Rig rig({&camera});
  rig.make();
  rig.wait(300'000);
  REQUIRE(camera.asked("PLAY") == 1);
  rig.play(3 * kSecond);
  CHECK(rig.sink.link().state == LinkState::kLive);
  rig.stop();
  CHECK(rig.recorded() == camera.pictures);
}

TEST_CASE("stream: a new address moves the session and ends the segment") {
  LoopbackCamera first, second("127.0.0.2");
  Rig rig({&first, &second});
  REQUIRE(rig.connect());
  rig.play(2 * kSecond);
  rig.settings.urls = {second.url()};
  rig.stream->set(rig.settings, rig.now_us);
  // Once more while the first camera is told.
  rig.settings.password = "new";
  rig.stream->set(rig.settings, rig.now_us);
  CHECK(rig.writer.files[0].closed);
  CHECK(rig.writer.files[0].reason == EndReason::kReconnect);
  first.send_picture(rig.now_us);
  rig.wait(400'000);
  CHECK(first.asked("TEARDOWN") == 1);
  CHECK(first.connected() == 0);
  CHECK(second.playing());
  CHECK(second.connections() == 1);
  // The change is no failure.
  CHECK(rig.sink.count(LinkState::kWaiting) == 0);
  rig.cameras = {&second, &first};
  rig.play(2 * kSecond);
  rig.stop();
  CHECK(rig.writer.files.size() == 2);
  CHECK(rig.recorded() == 50 + 50);
}

TEST_CASE("stream: recording is switched without touching the session") {
  LoopbackCamera camera;
  Rig rig({&camera}, false);
  REQUIRE(rig.connect());
  rig.play(2'400'000);
  CHECK(rig.writer.files.empty());
  rig.settings.record = true;
  rig.stream->set(rig.settings, rig.now_us);
  rig.play(2 * kSecond);
  rig.settings.record = false;
  rig.stream->set(rig.settings, rig.now_us);
  rig.play(2 * kSecond);
  rig.stop();
  REQUIRE(rig.writer.files.size() == 1);
  CHECK(rig.writer.files[0].reason == EndReason::kMode);
  // From the newest key on, picture 50.
  CHECK(rig.recorded() == 110 - 50);
  CHECK(camera.connections() == 1);
}

TEST_CASE("stream: without a pre-roll the ring still holds what a late trigger is about") {
  LoopbackCamera camera;
  camera.gop = 5;
  Rig rig({&camera});
  rig.settings.events = true;
  REQUIRE(rig.connect());
  rig.play(6 * kSecond);
  const int64_t now_ms = rig.clock.utc_ms(rig.now_us);
  rig.stream->capture(now_ms - 1800, now_ms, rig.now_us);
  rig.play(1 * kSecond);
  rig.stop();
  REQUIRE(rig.writer.files.size() == 1);
  CHECK(rig.writer.files[0].spec.identity.start_ms <= now_ms - 1800);
}

TEST_CASE("stream: settings that change while the name is looked up count") {
  LoopbackCamera first, second("127.0.0.2");
  Rig rig({&first, &second});
  rig.make();
  rig.stream->tick(rig.now_us);  // asks for the address
  rig.settings.urls = {second.url()};
  rig.stream->set(rig.settings, rig.now_us);
  rig.settle();
  rig.wait(200'000);
  CHECK(first.connections() == 0);
  CHECK(second.playing());
  rig.stop();
}

TEST_CASE("stream: stopped at any moment of its beginning, it is idle soon and says nothing more") {
  for (int step = 0; step < 12; ++step) {
    for (const bool silent : {false, true}) {
      CAPTURE(step);
      LoopbackCamera camera;
      if (silent) camera.answers["TEARDOWN"] = "";
      Rig rig({&camera});
      rig.make();
      rig.stream->tick(rig.now_us);
      for (int i = 0; i < step; ++i) {
        // One hand at a time.
        camera.serve();
        epoll_event event;
        if (rig.poller.wait(&event, 1, 1) != 1) continue;
        auto* target = static_cast<PollTarget*>(event.data.ptr);
        if (target) {
          target->on_ready(event.events, rig.now_us);
        } else {
          rig.resolver.dispatch(rig.now_us);
        }
      }
      if (camera.playing()) camera.send_picture(rig.now_us);
      const size_t told = rig.sink.events.size();
      rig.stream->stop(EndReason::kStop, rig.now_us);
      rig.stream->stop(EndReason::kRemoved, rig.now_us);
      if (camera.playing()) camera.send_picture(rig.now_us + kFrameUs);
      rig.settle();
      rig.wait(250'000);
      CHECK(rig.stream->idle());
      CHECK(rig.sink.events.size() == told);
      for (const rig::File& file : rig.writer.files) CHECK(file.closed);
      rig.wait(2 * kSecond, 250'000);
      CHECK(camera.connections() <= 1);
    }
  }
}

TEST_CASE("stream: what waits for its time is recorded when the stream ends") {
  for (const bool by_camera : {false, true}) {
    LoopbackCamera camera;
    Rig rig({&camera});
    REQUIRE(rig.connect());
    rig.play(2 * kSecond);
    // Two pictures hours off: is it a jump or are they strays?
    for (int i = 1; i <= 2; ++i) {
      camera.send_picture(rig.now_us + 9000 * kSecond + i * kFrameUs);
      rig.settle();
    }
    if (by_camera) {
      camera.hang_up();
      rig.wait(100'000);
    }
    rig.stop();
    CHECK(rig.recorded() == camera.pictures);
  }
}

TEST_CASE("stream: other parameter sets of the same size begin a new segment") {
  LoopbackCamera camera;
  Rig rig({&camera});
  REQUIRE(rig.connect());
  rig.play(3 * kSecond);
  camera.level = 11;
  rig.play(3 * kSecond);
  rig.stop();
  REQUIRE(rig.writer.files.size() == 2);
  CHECK(rig.writer.files[0].reason == EndReason::kParameters);
  CHECK(rig.writer.files[0].end_ms == rig.writer.files[1].spec.identity.start_ms);
  CHECK(rig.writer.files[1].spec.codecs == "avc1.42c00b");
  CHECK(rig.sink.all<ParametersEvent>().size() == 2);
  CHECK(rig.recorded() == camera.pictures);
}

TEST_CASE("stream: a camera that changes its sets with every key gets a file each 10 s, and loses nothing") {
  LoopbackCamera camera;
  Rig rig({&camera});
  REQUIRE(rig.connect());
  for (int second = 0; second < 25; ++second) {
    camera.level = static_cast<uint8_t>(10 + second % 2);
    rig.play(kSecond);
  }
  rig.stop();
  // The first change is followed at once, the next at the first key that differs 10 s later.
  REQUIRE(rig.writer.files.size() == 4);
  CHECK(rig.writer.files[1].spec.identity.start_ms - rig.writer.files[0].spec.identity.start_ms == 1000);
  CHECK(rig.writer.files[2].spec.identity.start_ms - rig.writer.files[1].spec.identity.start_ms == 11'000);
  CHECK(rig.recorded() == camera.pictures);
  CHECK(rig.stream->stats(rig.now_us).dropped_bytes == 0);
  // Where the file's own sets do not tell, the sample does: keys are larger by two parameter sets.
  const auto key_size = [&](size_t file, size_t key) {
    std::vector<uint32_t> sizes;
    rig.writer.files[file].each(true, [&](const rig::Sample& sample) {
      if (sample.sample.key) sizes.push_back(sample.sample.size);
    });
    return sizes.at(key);
  };
  CHECK(key_size(1, 1) - key_size(1, 0) == 4 + tiny::sps().size() + 4 + tiny::pps().size());
  CHECK(key_size(1, 2) == key_size(1, 1));
  CHECK(key_size(2, 0) == key_size(1, 0));
}

TEST_CASE("stream: a camera that changes its size with every key cannot flood the disk with files") {
  LoopbackCamera camera;
  camera.gop = 5;
  Rig rig({&camera});
  REQUIRE(rig.connect());
  for (int change = 0; change < 100; ++change) {
    camera.width_macroblocks = 4 + change % 2;
    rig.play(200'000);
  }
  rig.stop();
  CHECK(rig.writer.files.size() <= 4);
  CHECK(rig.writer.files.size() >= 3);
  // What no file could take is counted.
  CHECK(rig.recorded() < camera.pictures);
  CHECK(rig.stream->stats(rig.now_us).dropped_bytes > 50 * 5 * 60);
}

TEST_CASE("stream: what the writer lost counts as dropped") {
  LoopbackCamera camera;
  Rig rig({&camera});
  REQUIRE(rig.connect());
  rig.play(2'000'000);
  const uint64_t before = rig.stream->stats(rig.now_us).dropped_bytes;
  rig.stream->on_segment_failed(999, 4321, rig.now_us);
  CHECK(rig.stream->stats(rig.now_us).dropped_bytes == before + 4321);
  rig.stop();
}

TEST_CASE("stream: a description without a length is read after half a second, not after fifteen") {
  LoopbackCamera camera;
  camera.answers["DESCRIBE"] =
      "RTSP/1.0 200 OK\r\nCSeq: {cseq}\r\nContent-Type: application/sdp\r\n\r\n"
      "v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:track1\r\n";
  Rig rig({&camera});
  rig.make();
  rig.wait(1 * kSecond);
  CHECK(camera.playing());
  rig.stop();
}

TEST_CASE("stream: absurd clock rates make no absurd times") {
  for (const char* rate : {"1", "4294967295", "999999999"}) {
    LoopbackCamera camera;
    camera.video_clock = rate;
    Rig rig({&camera});
    if (!rig.connect()) continue;
    rig.play(4 * kSecond);
    rig.stop();
    CHECK(rig.recorded() == camera.pictures);
    CHECK(rig.writer.files.back().end_ms - rig.writer.files[0].spec.identity.start_ms < 5000);
  }
}

TEST_CASE("stream: a camera that sends us in circles is left alone") {
  LoopbackCamera camera;
  camera.answers["DESCRIBE"] = "RTSP/1.0 302 Moved\r\nCSeq: {cseq}\r\nLocation: " + camera.url() + "\r\n\r\n";
  Rig rig({&camera});
  rig.make();
  rig.wait(2 * kSecond);
  CHECK(camera.connections() == 4);
  CHECK(rig.sink.link().state == LinkState::kWaiting);
  rig.stop();
}

TEST_CASE("stream: who is sent to another host does not show the password there") {
  LoopbackCamera first, second("127.0.0.2");
  const std::string challenge =
      "RTSP/1.0 401 Unauthorized\r\nCSeq: {cseq}\r\nWWW-Authenticate: Basic realm=\"c\"\r\n\r\n";
  first.answers["DESCRIBE"] = "RTSP/1.0 302 Moved\r\nCSeq: {cseq}\r\nLocation: " + second.url() + "\r\n\r\n";
  second.answers["DESCRIBE"] = challenge;
  Rig rig({&first, &second});
  rig.settings.username = "admin";
  rig.settings.password = "secret";
  rig.make();
  rig.wait(1 * kSecond);
  REQUIRE(second.asked("DESCRIBE") >= 1);
  for (const std::string& request : second.requests)
    CHECK(request.find("Authorization") == std::string::npos);
  CHECK(rig.sink.link().problem == LinkProblem::kUnauthorized);
  rig.stop();
}

TEST_CASE("stream: the memory of the ring goes with the stream") {
  LoopbackCamera camera;
  camera.with_sound = true;
  camera.raw_macroblocks = 16;
  Rig rig({&camera});
  rig.settings.ring_max_bytes = 256 << 10;
  REQUIRE(rig.connect());
  camera.gop = 1000;
  rig.play(8 * kSecond, true);
  // GOPs that exceed the bound: recording goes on.
  CHECK(rig.stream->stats(rig.now_us).ring_bytes <= (256 << 10) + 4 * 65536);
  rig.stop();
  CHECK(rig.recorded() == camera.pictures);
}

TEST_CASE("stream: new footage begins no earlier than that of the run before ended") {
  constexpr int64_t kConnectMs = 1'767'225'600'000 + 50'000;
  for (const bool told_later : {false, true}) {
    for (const uint32_t generation : {0u, 1u}) {
      CAPTURE(told_later);
      CAPTURE(generation);
      LoopbackCamera camera;
      Rig rig({&camera}, !told_later);
      const FootageEnd end{kConnectMs + 3000, generation};
      if (!told_later) rig.settings.footage_end = end;
      REQUIRE(rig.connect());
      // The ring holds pictures from before the end, as after a burst.
      rig.play(1 * kSecond);
      if (told_later) {
        rig.settings.footage_end = end;
        rig.settings.record = true;
        rig.stream->set(rig.settings, rig.now_us);
      }
      rig.play(2 * kSecond);
      rig.stop();
      REQUIRE(rig.writer.files.size() == 1);
      const rig::File& file = rig.writer.files[0];
      // Footage of another generation may lie at the same time.
      CHECK((file.spec.identity.start_ms == end.utc_ms) == (generation == 1));
      CHECK(file.spec.identity.clock_generation == 1);
      CHECK(file.end_ms > file.spec.identity.start_ms);
      CHECK(rig.recorded() == 75);
    }
  }
}

TEST_CASE("stream: an end of footage that is older than what was written since changes nothing") {
  LoopbackCamera camera;
  Rig rig({&camera});
  REQUIRE(rig.connect());
  rig.play(4 * kSecond);
  rig.settings.record = false;
  rig.stream->set(rig.settings, rig.now_us);
  const int64_t first_end_ms = rig.writer.files.at(0).end_ms;
  rig.settings.record = true;
  rig.settings.footage_end = {first_end_ms - 3000, 1};
  rig.stream->set(rig.settings, rig.now_us);
  rig.play(2 * kSecond);
  rig.stop();
  REQUIRE(rig.writer.files.size() == 2);
  CHECK(rig.writer.files[1].spec.identity.start_ms >= first_end_ms);
}
