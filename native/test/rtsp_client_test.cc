// The client against a scripted camera: one test for each rule of the conversation.
#include <doctest/doctest.h>

#include "rtsp_camera.h"

namespace thimble::test {
namespace {

using rtsp::Outcome;
using rtsp::TrackUse;

constexpr int64_t kSecondUs = 1'000'000;

}  // namespace

TEST_CASE("rtsp client: a plain conversation, request by request") {
  Camera camera;
  camera.start();
  CHECK(camera.playing);
  CHECK(camera.client->playing());
  REQUIRE(camera.sent.size() == 5);
  CHECK(camera.sent[0] ==
        "OPTIONS rtsp://192.0.2.30:554/stream1 RTSP/1.0\r\nCSeq: 1\r\nUser-Agent: Thimble/1\r\n\r\n");
  CHECK(camera.sent[1] ==
        "DESCRIBE rtsp://192.0.2.30:554/stream1 RTSP/1.0\r\nCSeq: 2\r\nUser-Agent: Thimble/1\r\n"
        "Accept: application/sdp\r\n\r\n");
  CHECK(camera.sent[2] ==
        "SETUP rtsp://192.0.2.30:554/stream1/track1 RTSP/1.0\r\nCSeq: 3\r\nUser-Agent: Thimble/1\r\n"
        "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n");
  CHECK(camera.sent[3] ==
        "SETUP rtsp://192.0.2.30:554/stream1/track2 RTSP/1.0\r\nCSeq: 4\r\nUser-Agent: Thimble/1\r\n"
        "Session: 4711\r\nTransport: RTP/AVP/TCP;unicast;interleaved=2-3\r\n\r\n");
  CHECK(camera.sent[4] ==
        "PLAY rtsp://192.0.2.30:554/stream1/ RTSP/1.0\r\nCSeq: 5\r\nUser-Agent: Thimble/1\r\n"
        "Session: 4711\r\nRange: npt=0.000-\r\n\r\n");
  camera.send(frame(0, rtp(96, 1)) + frame(1, std::string("\x80\xc8\x00\x01pppp", 8)) + frame(2, rtp(97, 5)) +
              frame(9, rtp(97, 5)) + "\r\n");
  REQUIRE(camera.packets.size() == 3);
  CHECK(camera.packets[0] == SeenPacket{TrackUse::kVideo, false, rtp(96, 1)});
  CHECK(camera.packets[1].is_rtcp);
  CHECK(camera.packets[2] == SeenPacket{TrackUse::kAudio, false, rtp(97, 5)});
  CHECK(camera.client->counters().unassigned_frames == 1);
  CHECK(camera.client->counters().cseq_mismatches == 0);
  CHECK(camera.client->counters().rtsp_messages == 5);
}

TEST_CASE("rtsp client: teardown waits for the answer, but no longer than 200 ms") {
  Camera camera;
  camera.script("TEARDOWN", {""});
  camera.start();
  camera.client->teardown(camera.now_us);
  CHECK(Camera::first_line(camera.asked("TEARDOWN").at(0)) ==
        "TEARDOWN rtsp://192.0.2.30:554/stream1/ RTSP/1.0");
  CHECK(Camera::header(camera.sent.back(), "Session") == "4711");
  camera.send(frame(0, rtp(96, 1)));
  CHECK(camera.packets.empty());
  camera.advance(199'000);
  CHECK(camera.ends == 0);
  CHECK(camera.next_tick_us == camera.now_us + 1000);
  camera.advance(1000);
  CHECK(camera.outcome == Outcome::kOk);
  Camera quick;
  quick.start();
  quick.client->teardown(quick.now_us);
  quick.answer_all();
  CHECK(quick.outcome == Outcome::kOk);
  Camera early;
  early.script("DESCRIBE", {""});
  early.start();
  early.client->teardown(early.now_us);
  CHECK(early.outcome == Outcome::kOk);
  CHECK(early.asked("TEARDOWN").empty());
}

TEST_CASE("rtsp client: DESCRIBE has 15 s, the others 10 s; a silent camera ends the attempt") {
  Camera options;
  options.script("OPTIONS", {""});
  options.start();
  options.advance(10 * kSecondUs - 1);
  CHECK(options.ends == 0);
  options.advance(1);
  CHECK(options.outcome == Outcome::kTimeout);
  Camera describe;
  describe.script("DESCRIBE", {""});
  describe.start();
  describe.advance(15 * kSecondUs - 1);
  CHECK(describe.ends == 0);
  CHECK(describe.next_tick_us == describe.now_us + 1);
  describe.advance(1);
  CHECK(describe.outcome == Outcome::kTimeout);
  CHECK(describe.client->tick(describe.now_us) == INT64_MAX);
  CHECK(describe.ends == 1);
}

TEST_CASE("rtsp client: a body without a length ends by 500 ms of silence") {
  Camera camera;
  camera.script("DESCRIBE",
                {"RTSP/1.0 200 OK\r\nCSeq: 2\r\nContent-Type: application/sdp\r\n\r\n" + plain_sdp()});
  camera.start();
  CHECK(camera.asked("SETUP").empty());
  camera.advance(499'000);
  CHECK(camera.asked("SETUP").empty());
  camera.advance(1000);
  camera.answer_all();
  CHECK(camera.playing);
}

TEST_CASE(
    "rtsp client: only the video is set up when sound is not wanted, not recordable or not to be told "
    "apart") {
  rtsp::ClientConfig config = Camera::default_config();
  config.want_audio = false;
  Camera silent(config);
  silent.start();
  CHECK(silent.asked("SETUP").size() == 1);
  CHECK(silent.playing);
  CHECK(silent.description.audio == -1);
  CHECK(silent.description.tracks[1].why == "sound not wanted");
  std::string sdp = plain_sdp();
  Camera g711;
  g711.script("DESCRIBE", {describe_answer(sdp.substr(0, sdp.find("m=audio")) +
                                           "m=audio 0 RTP/AVP 8\r\na=control:track2\r\n")});
  g711.start();
  CHECK(g711.asked("SETUP").size() == 1);
  CHECK(g711.description.tracks[1].why == "codec not recorded");
  config.want_audio = true;
  config.audio_codecs |= rtsp::codec_bit(rtsp::Codec::kPcma);
  Camera both(config);
  both.script("DESCRIBE", {describe_answer(sdp.substr(0, sdp.find("m=audio")) +
                                           "m=audio 0 RTP/AVP 8\r\na=control:track2\r\n")});
  both.start();
  CHECK(both.asked("SETUP").size() == 2);
  for (const char* control : {"a=control:track1\r\n", "a=control:track2\r\n"})
    sdp.erase(sdp.find(control), 18);
  Camera bare;
  bare.script("DESCRIBE", {describe_answer("m=audio 0 RTP/AVP 8\r\n" + sdp)});
  bare.start();
  REQUIRE(bare.asked("SETUP").size() == 1);
  CHECK(Camera::first_line(bare.asked("SETUP")[0]) == "SETUP rtsp://192.0.2.30:554/stream1/ RTSP/1.0");
  CHECK(Camera::header(bare.asked("SETUP")[0], "Transport") == "RTP/AVP/TCP;unicast;interleaved=2-3");
}

TEST_CASE("rtsp client: trouble with the sound does not stop the video") {
  for (const std::string& refusal :
       {answer("459 Aggregate Operation Not Allowed"), answer("461 x"), answer("500 x"), answer("401 x"),
        answer("200 OK", "Transport: RTP/AVP;unicast;client_port=1-2;server_port=3-4\r\n"), std::string()}) {
    Camera camera;
    camera.script("SETUP", {setup_answer("0-1"), refusal});
    camera.start();
    if (refusal.empty()) {
      camera.advance(10 * kSecondUs);
      // The answer comes after all: it is not taken for the one to PLAY.
      camera.send("RTSP/1.0 500 x\r\nCSeq: 4\r\n\r\n");
      camera.answer_all();
    }
    CHECK(camera.playing);
    CHECK_FALSE(camera.client->audio_problem().empty());
    CHECK_FALSE(camera.outcome.has_value());
    camera.send(frame(0, rtp(96, 1)));
    CHECK(camera.packets.size() == 1);
  }
}

TEST_CASE("rtsp client: the channels of the answer count") {
  Camera other;
  other.script("SETUP", {setup_answer("4-5"), setup_answer("10")});
  other.start();
  other.send(frame(4, rtp(96, 1)) + frame(10, rtp(97, 1)) + frame(11, rtp(97, 1)) + frame(0, rtp(96, 1)) +
             "\r\n");
  REQUIRE(other.packets.size() == 3);
  CHECK(other.packets[1].track == TrackUse::kAudio);
  CHECK(other.packets[2].is_rtcp);
  Camera udp;
  udp.script(
      "SETUP",
      {answer("200 OK", "Transport: RTP/AVP;unicast;client_port=1-2;server_port=3-4\r\nSession: 9\r\n")});
  udp.start();
  CHECK(udp.outcome == Outcome::kUnsupportedTransport);
  CHECK(udp.asked("TEARDOWN").size() == 1);
  Camera none;
  none.script("SETUP", {answer("200 OK", "Session: 9\r\n")});
  none.start();
  CHECK(none.playing);
  none.client->send_rtcp(TrackUse::kAudio, ByteView(std::string_view("abcd")));
  CHECK(none.sent.back() == std::string("$\x03\x00\x04"
                                        "abcd",
                                        8));
}

TEST_CASE("rtsp client: with the same channels for both tracks the payload type tells them apart") {
  Camera camera;
  camera.script("SETUP", {setup_answer("0-1")});
  camera.start();
  const std::string report_a = std::string("\x80\xc8\x00\x06", 4) + std::string("\x00\x00\x00\x09", 4);
  const std::string report_v = std::string("\x80\xc8\x00\x06", 4) + std::string("\x00\x00\x00\x05", 4);
  camera.send(frame(1, report_v) + frame(0, rtp(96, 1, 5)) + frame(0, rtp(97, 2, 9)) + frame(1, report_a) +
              frame(1, report_v) + frame(0, rtp(50, 2, 9)));
  REQUIRE(camera.packets.size() == 4);
  CHECK(camera.packets[0].track == TrackUse::kVideo);
  CHECK(camera.packets[1].track == TrackUse::kAudio);
  CHECK(camera.packets[2] == SeenPacket{TrackUse::kAudio, true, report_a});
  CHECK(camera.packets[3] == SeenPacket{TrackUse::kVideo, true, report_v});
  std::string sdp = plain_sdp();
  for (size_t at = sdp.find("97"); at != std::string::npos; at = sdp.find("97")) sdp.replace(at, 2, "96");
  Camera same;
  same.script("DESCRIBE", {describe_answer(sdp)});
  same.script("SETUP", {setup_answer("0-1")});
  same.start();
  CHECK(same.playing);
  CHECK_FALSE(same.client->audio_problem().empty());
}

TEST_CASE("rtsp client: the first session id of a SETUP is kept and sent alone") {
  Camera camera;
  camera.script("DESCRIBE", {answer("200 OK", "Session: early;timeout=20\r\n", plain_sdp())});
  camera.script("SETUP", {setup_answer("0-1", " 231970 ;timeout=30"), setup_answer("2-3", "231980")});
  camera.start();
  CHECK(Camera::header(camera.asked("SETUP")[0], "Session") == "early");
  CHECK(Camera::header(camera.asked("SETUP")[1], "Session") == "231970");
  CHECK(Camera::header(camera.asked("PLAY")[0], "Session") == "231970");
}

TEST_CASE("rtsp client: a connection that fails while we write ends the attempt once, for the first reason") {
  struct Fragile final : rtsp::ClientHandler {
    void on_send(ByteView bytes) override {
      if (bytes.text().substr(0, fails_at.size()) == fails_at) client->closed(1);
    }
    void on_described(const rtsp::SessionDescription&) override {}
    void on_playing() override {}
    void on_packet(TrackUse, bool, ByteView, int64_t) override {}
    void on_end(Outcome given, const std::string&) override {
      ++ends;
      outcome = given;
    }
    std::string fails_at;
    std::unique_ptr<rtsp::Client> client;
    int ends = 0;
    Outcome outcome = Outcome::kOk;
  };
  const std::string until_play =
      answer("200 OK") + describe_answer(plain_sdp()) + setup_answer("0-1") + setup_answer("2-3");
  for (const char* method : {"OPTIONS", "DESCRIBE", "SETUP", "PLAY", "TEARDOWN"}) {
    CAPTURE(method);
    Fragile handler;
    handler.fails_at = method;
    handler.client = rtsp::Client::create(Camera::default_config(), handler);
    const std::string bytes = until_play + answer("455 x");
    handler.client->start(1);
    handler.client->receive(ByteView(bytes), 1);
    CHECK(handler.ends == 1);
    CHECK(handler.outcome == (std::string(method) == "TEARDOWN" ? Outcome::kInvalidState : Outcome::kClosed));
    CHECK(handler.client->tick(INT64_MAX / 2) == INT64_MAX);
  }
}

TEST_CASE(
    "rtsp client: media before the PLAY answer is kept, RTP-Info times are used only when all are "
    "believable") {
  Camera camera;
  camera.script(
      "PLAY",
      {frame(1, "\x80\xc8pppppp") + frame(0, rtp(96, 1)) +
       answer("200 OK",
              "RTP-Info: url=track1;seq=1;rtptime=900,url=rtsp://10.0.0.1/stream1/track2;rtptime=160;\r\n") +
       frame(0, rtp(96, 2))});
  camera.start();
  CHECK(camera.packets.size() == 3);
  uint32_t time = 0;
  CHECK(camera.client->rtp_info_time(TrackUse::kVideo, &time));
  CHECK(time == 900);
  CHECK(camera.client->rtp_info_time(TrackUse::kAudio, &time));
  CHECK(time == 160);
  Camera partial;
  partial.script("PLAY",
                 {answer("200 OK", "RTP-Info: url=track1;seq=1;rtptime=900,url=track2;rtptime=0\r\n")});
  partial.start();
  CHECK(partial.playing);
  CHECK_FALSE(partial.client->rtp_info_time(TrackUse::kVideo, &time));
}

TEST_CASE("rtsp client: answers with a wrong or no CSeq count for the one request that is open") {
  Camera camera;
  camera.script("DESCRIBE", {"RTSP/1.0 200 OK\r\nCSeq: 0\r\nContent-Length: " +
                             std::to_string(plain_sdp().size()) + "\r\n\r\n" + plain_sdp()});
  camera.script("PLAY", {"RTSP/1.0 100 Continue\r\n\r\nRTSP/1.0 200 OK\r\n\r\n"});
  camera.start();
  CHECK(camera.playing);
  CHECK(camera.client->counters().cseq_mismatches == 2);
}

}  // namespace thimble::test
