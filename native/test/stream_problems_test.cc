// What a stream says is wrong with a camera, and that recording goes on all the same.
#include <cmath>
#include <random>

#include "media/stream_problems.h"
#include "stream_rig.h"

using namespace stream_rig;

namespace {

using Problems = std::vector<StreamProblem>;

/// The lists that were told, oldest first.
std::vector<Problems> told(const Rig& rig) {
  std::vector<Problems> lists;
  for (const ProblemsEvent& event : rig.sink.all<ProblemsEvent>()) lists.push_back(event.problems);
  return lists;
}

/// Length of all pictures of a file on its time line.
int64_t duration90k(const rig::File& file) {
  int64_t duration = 0;
  for (const rig::Piece& piece : file.pieces) duration += piece.duration90k;
  return duration;
}

}  // namespace

TEST_CASE("problems: standing ones stay, noted ones end when they were not seen for a minute") {
  StreamProblems problems;
  CHECK_FALSE(problems.take_change(0));
  problems.set(StreamProblem::kNoAudio, true);
  problems.note(StreamProblem::kLongGop, kSecond);
  CHECK(problems.take_change(kSecond));
  CHECK(problems.list() == Problems{StreamProblem::kLongGop, StreamProblem::kNoAudio});
  for (int64_t now_us = 2 * kSecond; now_us < 200 * kSecond; now_us += kSecond) {
    problems.note(StreamProblem::kLongGop, now_us);
    problems.set(StreamProblem::kNoAudio, true);
    REQUIRE_FALSE(problems.take_change(now_us));
  }
  CHECK_FALSE(problems.take_change(258 * kSecond));
  CHECK(problems.take_change(259 * kSecond));
  CHECK(problems.list() == Problems{StreamProblem::kNoAudio});
  problems.clear();
  CHECK(problems.take_change(260 * kSecond));
  CHECK(problems.list().empty());
}

TEST_CASE("stream: flapping parameters are told once, and taken back after a quiet minute") {
  LoopbackCamera camera;
  camera.gop = 5;
  Rig rig({&camera});
  rig.frame_us = 200'000;
  REQUIRE(rig.connect());
  rig.play(2 * kSecond);
  camera.level = 11;
  rig.play(3 * kSecond);
  // One change is none.
  CHECK(told(rig).empty());
  for (int second = 0; second < 20; ++second) {
    camera.level = static_cast<uint8_t>(10 + second % 2);
    rig.play(kSecond);
  }
  CHECK(told(rig) == std::vector<Problems>{{StreamProblem::kFlappingParameters}});
  rig.play(50 * kSecond);
  CHECK(told(rig).size() == 1);
  rig.play(15 * kSecond);
  CHECK(told(rig) == std::vector<Problems>{{StreamProblem::kFlappingParameters}, {}});
  rig.stop();
  CHECK(rig.recorded() == camera.pictures);
}

TEST_CASE("stream: keyframes more than 10 s apart are a long GOP, also the first one") {
  LoopbackCamera camera;
  camera.keys = false;
  Rig rig({&camera});
  rig.frame_us = 200'000;
  REQUIRE(rig.connect());
  rig.play(9 * kSecond);
  CHECK(told(rig).empty());
  rig.play(2 * kSecond);
  CHECK(told(rig) == std::vector<Problems>{{StreamProblem::kLongGop}});
  camera.keys = true;
  camera.gop = 5;
  rig.play(70 * kSecond);
  CHECK(told(rig).size() == 2);
  CHECK(told(rig).back().empty());
  camera.gop = 49;
  rig.play(40 * kSecond);
  CHECK(told(rig).size() == 2);
  camera.gop = 60;
  rig.play(40 * kSecond);
  CHECK(told(rig).back() == Problems{StreamProblem::kLongGop});
  // Silence is no long GOP, nor is a reconnect: it ends by itself.
  camera.gop = 5;
  rig.play(10 * kSecond);
  for (int i = 0; i < 7; ++i) {
    rig.wait(9'500'000);
    rig.play(2 * kSecond);
  }
  CHECK(told(rig).size() == 4);
  CHECK(told(rig).back().empty());
  rig.stop();
}

TEST_CASE(
    "stream: a GOP of a minute at 30 Mbit/s through a small ring is recorded whole, in bounded memory") {
  LoopbackCamera camera;
  camera.gop = 1'000'000;
  // 6 KB each; the ring is to the GOP as 8 MiB are to 225 MB.
  camera.raw_macroblocks = 16;
  Rig rig({&camera});
  rig.settings.ring_max_bytes = 256 << 10;
  REQUIRE(rig.connect());
  size_t most = 0;
  for (int i = 0; i < 600; ++i) {
    rig.play(100'000);
    most = std::max<size_t>(most, rig.stream->stats(rig.now_us).ring_bytes);
    if (i == 9) CHECK(told(rig).empty());
    // Long before 10 s are over.
    if (i == 60) CHECK(told(rig) == std::vector<Problems>{{StreamProblem::kLongGop}});
  }
  // The writer of the test copies; what is kept is the ring's, the key picture's and a growing fragment's.
  CHECK(most <= (256 << 10) + 5 * 65536);
  rig.stop();
  REQUIRE(rig.writer.files.size() == 1);
  CHECK(rig.recorded() == camera.pictures);
  CHECK(rig.stream->stats(rig.now_us).dropped_bytes == 0);
  CHECK(told(rig).size() == 1);
}

TEST_CASE("stream: sound that cannot be recorded is told while it is wanted") {
  LoopbackCamera camera;
  camera.answers["DESCRIBE"] =
      "RTSP/1.0 200 OK\r\nCSeq: {cseq}\r\nContent-Type: application/sdp\r\nContent-Length: 155\r\n\r\n"
      "v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:track1\r\n"
      "m=audio 0 RTP/AVP 97\r\na=rtpmap:97 G726-32/8000\r\na=control:track2\r\n";
  const std::string& answer = camera.answers["DESCRIBE"];
  const std::string length = std::to_string(answer.size() - answer.find("v=0"));
  camera.answers["DESCRIBE"].replace(answer.find("155"), 3, length);
  Rig rig({&camera});
  REQUIRE(rig.connect());
  rig.play(kSecond);
  CHECK(told(rig) == std::vector<Problems>{{StreamProblem::kNoAudio}});
  rig.settings.audio = false;
  rig.stream->set(rig.settings, rig.now_us);
  rig.wait(300'000);
  REQUIRE(rig.connect());
  rig.play(kSecond);
  CHECK(told(rig) == std::vector<Problems>{{StreamProblem::kNoAudio}, {}});
  rig.stop();
}

TEST_CASE("stream: 21 pictures a second with the stamps of 25 cut one segment, and no time is missing") {
  LoopbackCamera camera;
  camera.gop = 21;
  Rig rig({&camera});
  REQUIRE(rig.connect());
  const int64_t first_us = rig.now_us + 47'619;
  for (int i = 0; i < 21 * 150; ++i) {
    rig.now_us = first_us + i * 47'619;
    rig.stream->tick(rig.now_us);
    camera.send_picture(first_us + i * 40'000);
    for (int wait = 0; wait < 200 && rig.missing_bytes() > 0; ++wait) rig.pump(1);
  }
  CHECK(told(rig) == std::vector<Problems>{{StreamProblem::kBadClock}});
  const int64_t last_us = rig.now_us;
  // A reconnect brings no second cut: the stamps are known.
  camera.hang_up();
  rig.wait(2 * kSecond);
  REQUIRE(rig.connect());
  const int64_t again_us = rig.now_us;
  for (int i = 0; i < 21 * 90; ++i) {
    rig.now_us = again_us + i * 47'619;
    rig.stream->tick(rig.now_us);
    camera.send_picture(again_us + i * 40'000);
    for (int wait = 0; wait < 200 && rig.missing_bytes() > 0; ++wait) rig.pump(1);
  }
  const int64_t end_us = rig.now_us;
  rig.stop();
  CHECK(told(rig).size() == 1);
  REQUIRE(rig.writer.files.size() == 3);
  CHECK(rig.recorded() == camera.pictures);
  const std::vector<rig::File>& files = rig.writer.files;
  CHECK(files[0].reason == EndReason::kTimestampJump);
  CHECK(files[1].reason == EndReason::kReconnect);
  CHECK(files[1].spec.identity.start_ms == files[0].end_ms);
  const int64_t recorded_us = (duration90k(files[0]) + duration90k(files[1])) * 100 / 9;
  CHECK(std::llabs(recorded_us - (last_us - first_us + 47'619)) <= 100'000);
  CHECK(std::llabs(files[1].end_ms - rig.clock.utc_ms(last_us)) <= 100);
  CHECK(std::llabs(duration90k(files[2]) * 100 / 9 - (end_us - again_us + 47'619)) <= 150'000);
  CHECK(std::llabs(files[2].end_ms - rig.clock.utc_ms(end_us)) <= 150);
}
