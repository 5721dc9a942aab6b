// A stream against a camera on loopback, on a clock that the test winds: states, waits, and what is recorded.
#include <doctest/doctest.h>

#include <functional>

#include "loopback_camera.h"
#include "media/stream.h"
#include "recorder_rig.h"

using namespace thimble;
using namespace thimble::media;
using thimble::test::LoopbackCamera;

namespace {

constexpr int64_t kFrameUs = 40'000;
constexpr int64_t kSecond = 1'000'000;
constexpr uint8_t kStore[16] = {9};

struct Sink final : EventSink {
  void on_event(Event&& event) override { events.push_back(std::move(event)); }
  std::vector<Event> events;

  template <typename Kind>
  std::vector<Kind> all() const {
    std::vector<Kind> found;
    for (const Event& event : events) {
      if (const Kind* kind = std::get_if<Kind>(&event)) found.push_back(*kind);
    }
    return found;
  }
  LinkEvent link() const {
    const auto links = all<LinkEvent>();
    REQUIRE_FALSE(links.empty());
    return links.back();
  }
  size_t count(LinkState state) const {
    size_t found = 0;
    for (const LinkEvent& link : all<LinkEvent>()) found += link.state == state;
    return found;
  }
};

struct Rig {
  explicit Rig(std::vector<LoopbackCamera*> cameras, bool record = true)
      : cameras(cameras), now_us(50 * kSecond) {
    settings.key = {5, StreamKind::kMain};
    if (!cameras.empty()) settings.urls = {cameras[0]->url()};
    settings.allow_loopback = true;
    settings.record = record;
    REQUIRE(poller.usable());
    poller.add(resolver.fd(), EPOLLIN, nullptr);
  }
  void make() {
    const StreamContext context{poller, resolver, writer, clock, sink, {buffer.data(), buffer.size()},
                                kStore, agent};
    stream = std::make_unique<Stream>(context, settings, FootageEnd{}, now_us);
  }
  /// Both sides take what has arrived. True when there was anything.
  bool pump(int patience_ms) {
    bool busy = false;
    for (LoopbackCamera* camera : cameras) busy = camera->serve() || busy;
    epoll_event events[16];
    const int count = poller.wait(events, 16, busy ? 0 : patience_ms);
    for (int i = 0; i < count; ++i) {
      auto* target = static_cast<PollTarget*>(events[i].data.ptr);
      if (target) {
        target->on_ready(events[i].events, now_us);
      } else {
        resolver.dispatch(now_us);
      }
    }
    return busy || count > 0;
  }
  /// Lets everything that is on its way arrive, without time passing.
  void settle() {
    for (int quiet = 0; quiet < 2;) quiet = pump(1) ? 0 : quiet + 1;
  }
  uint64_t missing_bytes() const {
    uint64_t sent = 0;
    for (const LoopbackCamera* camera : cameras) sent += camera->sent_bytes();
    return sent - stream->stats(now_us).received_bytes;
  }
  /// Time passes in silence.
  void wait(int64_t us, int64_t each_us = 50'000) {
    settle();
    for (const int64_t end_us = now_us + us; now_us < end_us;) {
      now_us += std::min(each_us, end_us - now_us);
      stream->tick(now_us);
      if (cameras.empty() || !cameras[0]->playing()) settle();
      pump(0);
    }
    settle();
  }
  /// The first camera plays.
  void play(int64_t us, bool sound = false) {
    settle();
    const uint64_t lost_bytes = missing_bytes();
    for (const int64_t end_us = now_us + us; now_us < end_us;) {
      now_us += frame_us;
      stream->tick(now_us);
      cameras[0]->send_picture(now_us);
      if (sound) {
        cameras[0]->send_sound(now_us - 20'000);
        cameras[0]->send_sound(now_us);
      }
      pump(0);
      for (int i = 0; i < 200 && missing_bytes() > lost_bytes; ++i) pump(1);
    }
  }
  bool connect() {
    if (!stream) make();
    for (int i = 0; i < 20 && !cameras[0]->playing(); ++i) wait(50'000);
    return cameras[0]->playing();
  }
  size_t recorded() const {
    size_t count = 0;
    for (const rig::File& file : writer.files) file.each(true, [&](const rig::Sample&) { ++count; });
    return count;
  }
  void stop() {
    stream->stop(EndReason::kStop, now_us);
    settle();
    for (int i = 0; i < 5 && !stream->idle(); ++i) wait(50'000);
    CHECK(stream->idle());
  }

  std::vector<LoopbackCamera*> cameras;
  int64_t now_us;
  int64_t frame_us = kFrameUs;
  StreamSettings settings;
  Poller poller;
  rtsp::Resolver resolver;
  rig::KeepingWriter writer;
  WallClock clock{1'767'225'600 * kSecond, 0, 1};
  Sink sink;
  std::vector<uint8_t> buffer = std::vector<uint8_t>(65536);
  std::string agent = "Thimble/test";
  std::unique_ptr<Stream> stream;
};

}  // namespace

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
  rig.settings.urls.clear();
  rig.stream->set(rig.settings, rig.now_us);
  rig.wait(200'000);
  CHECK(rig.sink.link().problem == LinkProblem::kNotRtsp);
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
