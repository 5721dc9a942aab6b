// The client against a scripted camera: login, keep-alives, errors and what the server asks.
#include <doctest/doctest.h>

#include "rtsp_camera.h"

namespace thimble::test {
namespace {

using rtsp::Outcome;
using rtsp::TrackUse;

constexpr int64_t kSecondUs = 1'000'000;

const char* const kDigest = "WWW-Authenticate: Digest realm=\"r\", nonce=\"n1\"\r\n";

}  // namespace

TEST_CASE("rtsp client: keep-alives come within a third of the timeout and each 20 s at the latest") {
  struct Case {
    const char* session;
    int64_t longest_us;
  };
  for (const Case& c : {Case{"1;timeout=20", 20 * kSecondUs / 3}, Case{"1", 20 * kSecondUs},
                        Case{"1;timeout=0", 20 * kSecondUs}, Case{"1;timeout=700", 20 * kSecondUs},
                        Case{"1;timeout=5", 5 * kSecondUs / 3}}) {
    Camera camera;
    camera.script("SETUP", {setup_answer("0-1", c.session), setup_answer("2-3", "1")});
    camera.start();
    CAPTURE(c.session);
    int64_t last_us = camera.now_us;
    for (size_t n = 1; n <= 20; ++n) {
      camera.tick_at(camera.now_us);
      CHECK(camera.next_tick_us - last_us <= c.longest_us);
      CHECK(camera.next_tick_us - last_us >= c.longest_us * 8 / 10);
      last_us = camera.next_tick_us;
      camera.tick_at(last_us);
      camera.answer_all();
      REQUIRE(camera.asked("GET_PARAMETER").size() == n);
    }
    CHECK(camera.asked("GET_PARAMETER")[0] ==
          "GET_PARAMETER rtsp://192.0.2.30:554/stream1/ RTSP/1.0\r\nCSeq: 6\r\nUser-Agent: "
          "Thimble/1\r\nSession: 1\r\n\r\n");
  }
}

TEST_CASE("rtsp client: the keep-alive method is switched after an error or silence, and neither is fatal") {
  for (const std::string& reply : {answer("501 Not Implemented"), answer("400 Bad Request"), std::string()}) {
    Camera camera;
    camera.script("GET_PARAMETER", {reply});
    camera.start();
    for (int n = 0; n < 2; ++n) {
      camera.advance(20 * kSecondUs);
      camera.answer_all();
    }
    CHECK(camera.asked("GET_PARAMETER").size() == 1);
    CHECK(camera.asked("OPTIONS").size() == 2);
    CHECK(Camera::header(camera.asked("OPTIONS")[1], "Session") == "4711");
    CHECK(camera.asked("SET_PARAMETER").empty());
    CHECK(camera.ends == 0);
    camera.send(answer("400 Bad Request"));  // unasked, as a Tapo C100 does
    CHECK(camera.client->playing());
  }
  Camera plain;
  plain.script("OPTIONS", {answer("551 Option not supported")});
  plain.start();
  CHECK(plain.playing);
  plain.advance(20 * kSecondUs);
  CHECK(plain.asked("OPTIONS").size() == 2);
}

TEST_CASE("rtsp client: 454 to a keep-alive ends the session only when media stops for 2 s") {
  Camera camera;
  camera.script("GET_PARAMETER", {answer("454 Session Not Found")});
  camera.start();
  camera.advance(20 * kSecondUs);
  camera.answer_all();
  for (int i = 0; i < 5; ++i) {
    camera.advance(kSecondUs);
    camera.send(frame(0, rtp(96, static_cast<uint16_t>(i))));
  }
  CHECK(camera.ends == 0);
  camera.advance(1'999'999);
  CHECK(camera.ends == 0);
  camera.advance(1);
  CHECK(camera.outcome == Outcome::kSessionNotFound);
}

TEST_CASE("rtsp client: every request is authenticated with the newest nonce") {
  Camera camera;
  camera.script("DESCRIBE", {answer("401 Unauthorized", kDigest), describe_answer(plain_sdp())});
  camera.script(
      "SETUP",
      {answer("401 x", "WWW-Authenticate: Digest realm=\"r\", nonce=\"n2\"\r\n"), setup_answer("0-1"),
       answer("401 x", "WWW-Authenticate: Digest realm=\"r\", nonce=\"n3\", stale=true\r\n"),
       setup_answer("2-3")});
  camera.script("GET_PARAMETER", {answer("401 x", "WWW-Authenticate: Digest realm=\"r\", nonce=\"n4\"\r\n"),
                                  answer("200 OK")});
  camera.start();
  CHECK(camera.playing);
  CHECK(Camera::header(camera.sent[0], "Authorization").empty());
  const std::string digest = Camera::header(camera.asked("DESCRIBE").at(1), "Authorization");
  CHECK(digest.find("uri=\"rtsp://192.0.2.30:554/stream1\"") != std::string::npos);
  CHECK(Camera::header(camera.asked("SETUP").at(1), "Authorization").find("nonce=\"n2\"") !=
        std::string::npos);
  CHECK(Camera::header(camera.asked("SETUP").at(3), "Authorization").find("nonce=\"n3\"") !=
        std::string::npos);
  CHECK(Camera::header(camera.asked("PLAY").at(0), "Authorization").find("nonce=\"n3\"") !=
        std::string::npos);
  camera.advance(20 * kSecondUs);
  camera.answer_all();
  CHECK(camera.asked("GET_PARAMETER").size() == 2);
  CHECK(camera.ends == 0);
}

TEST_CASE("rtsp client: wrong credentials are tried once, and never shown") {
  Camera camera;
  camera.script("DESCRIBE", {answer("401 Unauthorized", kDigest)});
  camera.start();
  CHECK(camera.outcome == Outcome::kUnauthorized);
  CHECK(camera.asked("DESCRIBE").size() == 2);
  CHECK(camera.message.find("Thimble-12") == std::string::npos);
  rtsp::ClientConfig config = Camera::default_config();
  config.username = config.password = "";
  Camera nobody(config);
  nobody.script("DESCRIBE",
                {answer("401 Unauthorized", "WWW-Authenticate: Basic realm=\"TP-LINK IP-Camera\"\r\n")});
  nobody.start();
  CHECK(nobody.outcome == Outcome::kUnauthorized);
  CHECK(nobody.asked("DESCRIBE").size() == 1);
  CHECK(nobody.message.find("Tapo") != std::string::npos);
  config.url = "rtsp://me:my%20word@192.0.2.30:554/stream1";
  Camera split(config);
  split.script("OPTIONS", {answer("401 x", "WWW-Authenticate: Basic realm=\"r\"\r\n")});
  split.start();
  CHECK(split.playing);
  CHECK(Camera::header(split.asked("DESCRIBE").at(0), "Authorization") == "Basic bWU6bXkgd29yZA==");
  for (const std::string& text : split.sent) CHECK(text.find("me:my") == std::string::npos);
}

TEST_CASE("rtsp client: errors have names, words and a time to wait") {
  struct Case {
    const char* status;
    Outcome outcome;
  };
  for (const Case& c : {Case{"403 x", Outcome::kForbidden}, Case{"404 x", Outcome::kNotFound},
                        Case{"405 x", Outcome::kMethodNotAllowed}, Case{"406 x", Outcome::kNotAcceptable},
                        Case{"453 x", Outcome::kNotEnoughBandwidth}, Case{"455 x", Outcome::kInvalidState},
                        Case{"461 x", Outcome::kUnsupportedTransport}, Case{"503 x", Outcome::kServerError},
                        Case{"400 x", Outcome::kBadResponse}, Case{"302 x", Outcome::kBadResponse}}) {
    Camera camera;
    camera.script("DESCRIBE", {answer(c.status, "Retry-After: 40\r\n")});
    camera.start();
    CHECK(camera.outcome == c.outcome);
    CHECK(camera.ends == 1);
    CHECK_FALSE(camera.message.empty());
    if (c.outcome == Outcome::kServerError) CHECK(camera.client->retry_after_s() == 40);
  }
  Camera moved;
  moved.script("OPTIONS", {answer("301 x", "Location: /new\r\n")});
  moved.start();
  CHECK(moved.outcome == Outcome::kRedirect);
  CHECK(moved.client->redirect_url() == "rtsp://192.0.2.30:554/new");
  Camera jpeg;
  jpeg.script("DESCRIBE", {describe_answer("m=video 0 RTP/AVP 26\r\n")});
  jpeg.start();
  CHECK(jpeg.outcome == Outcome::kUnsupportedVideo);
  CHECK(jpeg.message.find("JPEG") != std::string::npos);
  Camera empty;
  empty.script("DESCRIBE", {answer("200 OK", "Content-Length: 0\r\n")});
  empty.start();
  CHECK(empty.outcome == Outcome::kNoVideo);
  Camera gone;
  gone.start();
  gone.client->closed(gone.now_us);
  CHECK(gone.outcome == Outcome::kClosed);
  CHECK(gone.asked("TEARDOWN").empty());
  rtsp::ClientConfig config;
  config.url = "http://192.0.2.30/";
  CHECK(rtsp::Client::create(config, gone) == nullptr);
}

TEST_CASE("rtsp client: requests by the server are answered and never end the session") {
  Camera camera;
  camera.start();
  const size_t before = camera.sent.size();
  camera.send(
      "OPTIONS rtsp://x RTSP/1.0\r\nCSeq: 77\r\n\r\nANNOUNCE rtsp://x RTSP/1.0\r\nCSeq: "
      "78\r\nContent-Length: 4\r\n\r\nabcd" +
      frame(0, rtp(96, 1)));
  REQUIRE(camera.sent.size() == before + 2);
  CHECK(Camera::first_line(camera.sent[before]) == "RTSP/1.0 200 OK");
  CHECK(Camera::header(camera.sent[before], "CSeq") == "77");
  CHECK(Camera::first_line(camera.sent[before + 1]) == "RTSP/1.0 501 Not Implemented");
  CHECK(camera.packets.size() == 1);
  for (int i = 0; i < 1000; ++i) camera.send("OPTIONS rtsp://x RTSP/1.0\r\nCSeq: 1\r\n\r\n");
  CHECK(camera.sent.size() < before + 30);
  CHECK(camera.client->playing());
}

}  // namespace thimble::test
