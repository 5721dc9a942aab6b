// The RTSP server's state machine: conversations, and those who do not keep to the rules.
#include "rtsp_peer.h"

using namespace thimble;
using thimble::test::Peer;

namespace {
bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}
std::string track(int number, const char* path = "/ring/1/main") {
  return std::string("rtsp://192.168.1.2:8554") + path + "/trackID=" + std::to_string(number);
}
}  // namespace

TEST_CASE("rtsp server: a conversation from the first request to the last") {
  Peer peer;
  CHECK(has(peer.ask("OPTIONS"), "Public: OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER"));
  const std::string described = peer.ask("DESCRIBE");
  CHECK(Peer::status(described) == 200);
  CHECK(Peer::header(described, "Content-Base") == std::string(Peer::kUrl) + "/");
  CHECK(has(described, "\r\n\r\nv=0\r\n"));
  CHECK(has(described, "a=rtpmap:8 PCMA/8000\r\n"));
  const std::string first = peer.ask("SETUP", track(0), Peer::kTransport);
  CHECK(has(Peer::header(first, "Transport"), "RTP/AVP/TCP;unicast;interleaved=0-1;ssrc="));
  const std::string id = Peer::header(first, "Session");
  CHECK(has(id, ";timeout=60"));
  const std::string session = "Session: " + id.substr(0, 16) + "\r\n";
  CHECK(peer.status_of("SETUP", track(1), session + "Transport: RTP/AVP/TCP;unicast\r\n") == 200);
  const std::string played = peer.ask("PLAY", Peer::kUrl, session);
  CHECK(Peer::status(played) == 200);
  CHECK(Peer::header(played, "RTP-Info") ==
        "url=" + track(0) + ";seq=7;rtptime=1234,url=" + track(1) + ";seq=8");
  REQUIRE(peer.channels.size() == 2);
  CHECK(peer.channels[0].channel == 0);
  CHECK(peer.channels[1].channel == 2);
  CHECK(peer.session.playing());
  CHECK(peer.status_of("GET_PARAMETER", Peer::kUrl, session) == 200);
  CHECK(peer.status_of("SET_PARAMETER", Peer::kUrl, session) == 200);
  CHECK(peer.status_of("PLAY", Peer::kUrl, session) == 200);
  CHECK(peer.status_of("TEARDOWN", Peer::kUrl, session) == 200);
  CHECK(peer.ends == 1);
  CHECK(peer.ask("OPTIONS").empty());
}

TEST_CASE("rtsp server: only interleaved; channels as wished, as far as they are free") {
  Peer peer;
  REQUIRE(peer.status_of("DESCRIBE") == 200);
  for (const char* transport :
       {"Transport: RTP/AVP;unicast;client_port=5000-5001\r\n", "Transport: RTP/AVP/UDP;unicast\r\n",
        "Transport: RTP/AVP/TCP;multicast\r\n", "Transport: RTP/AVP/TCP;interleaved=255-256\r\n",
        "Transport: RTP/AVP/TCP;interleaved=x\r\n", "Transport: \r\n", ""}) {
    CAPTURE(transport);
    CHECK(peer.status_of("SETUP", track(0), transport) == 461);
  }
  const std::string answer = peer.ask(
      "SETUP", track(0), "Transport: RTP/AVP;unicast;client_port=1-2,RTP/AVP/TCP;interleaved=6-7\r\n");
  CHECK(has(Peer::header(answer, "Transport"), "interleaved=6-7"));
  const std::string session = "Session: " + Peer::header(answer, "Session").substr(0, 16) + "\r\n";
  CHECK(peer.status_of("SETUP", track(1), session + "Transport: RTP/AVP/TCP;interleaved=7-8\r\n") == 461);
  CHECK(peer.status_of("SETUP", track(0), session + Peer::kTransport) == 455);
  CHECK(peer.status_of("SETUP", track(2), session + Peer::kTransport) == 404);
  CHECK(peer.status_of("SETUP", track(1), Peer::kTransport) == 454);
  CHECK(peer.status_of("SETUP", track(1, "/ring/1/sub"), session + Peer::kTransport) == 404);
  CHECK(peer.status_of("DESCRIBE") == 455);
  CHECK(peer.status_of("PLAY", Peer::kUrl, "Session: 0123456789abcdef\r\n") == 454);
  CHECK(peer.status_of("PLAY", Peer::kUrl, session) == 200);
  CHECK(peer.status_of("SETUP", track(1), session + Peer::kTransport) == 455);
}

TEST_CASE("rtsp server: which paths name a stream") {
  rtsp::ServedPath path;
  CHECK(rtsp::parse_served_path("rtsp://h/ring/7/sub", &path));
  CHECK(path.camera == 7);
  CHECK(path.sub);
  CHECK(rtsp::parse_served_path("rtsp://h:8554/7/main/?x=/1/main", &path));
  CHECK(path.track == -1);
  CHECK(rtsp::parse_served_path("rtsp://u:p@h/ring/7/main/trackID=1/", &path));
  CHECK(path.track == 1);
  CHECK(path.viewer.empty());
  CHECK(rtsp::parse_served_path("rtsp://h/ring/7/main?viewer=aZ0-_", &path));
  CHECK(path.viewer == "aZ0-_");
  for (const char* url :
       {"rtsp://h", "rtsp://h/", "*", "rtsp://h/ring/7", "rtsp://h/ring/0/main", "rtsp://h/x/7/main",
        "rtsp://h/ring/ring/7/main", "rtsp://h/ring/-7/main", "rtsp://h/ring/7/Main",
        "rtsp://h/ring/4294967296/main", "rtsp://h/ring/7/main/trackID=", "/../7/main/x",
        "rtsp://h/ring/7/main/trackID=100", "rtsp://h/7 /main", "rtsp://h/ring/7/main?viewer=",
        "rtsp://h/ring/7/main?viewer=a&b", "rtsp://h/ring/7/main?viewer=123456789012345678901234567890123"}) {
    CAPTURE(url);
    CHECK_FALSE(rtsp::parse_served_path(url, &path));
  }
  Peer peer;
  CHECK(peer.status_of("DESCRIBE", "rtsp://h/ring/2/main") == 404);
  CHECK(peer.status_of("DESCRIBE", track(0)) == 404);
  CHECK(peer.status_of("DESCRIBE", "rtsp://u:p@h/1/main?a=b") == 200);
  CHECK_FALSE(has(peer.heard, "u:p"));
}

TEST_CASE("rtsp server: what it does not know, or not yet") {
  Peer peer;
  CHECK(peer.status_of("SETUP", track(0), Peer::kTransport) == 455);
  CHECK(peer.status_of("PLAY") == 454);
  CHECK(peer.status_of("TEARDOWN") == 454);
  for (const char* method : {"PAUSE", "ANNOUNCE", "RECORD", "REDIRECT"}) CHECK(peer.status_of(method) == 405);
  CHECK(Peer::status(peer.say("FETCH rtsp://h/1/main RTSP/1.0\r\nCSeq: 9\r\n\r\n")) == 501);
  CHECK(peer.ends == 0);
  Peer other;
  CHECK(other.status_of("DESCRIBE", Peer::kUrl, "Require: www.onvif.org/ver20/backchannel\r\n") == 551);
  CHECK(Peer::header(other.heard, "Unsupported") == "www.onvif.org/ver20/backchannel");
  CHECK(Peer::status(other.say("OPTIONS * RTSP/2.0\r\nCSeq: 3\r\n\r\n")) == 505);
  CHECK(Peer::status(other.say("SET_PARAMETER * RTSP/1.0\r\nCSeq: 4\r\nContent-Length: 7\r\n\r\nvolume\n")) ==
        451);
  CHECK(other.status_of("DESCRIBE") == 200);
}

TEST_CASE("rtsp server: a description that comes later, or not; what was sent meanwhile waits") {
  Peer peer;
  peer.at_once = false;
  CHECK(peer.ask("DESCRIBE").empty());
  CHECK(peer.session.describing());
  CHECK(peer.ask("OPTIONS").empty());
  peer.heard.clear();
  peer.session.not_described(503, peer.now_us);
  CHECK(Peer::status(peer.heard) == 503);
  CHECK(Peer::header(peer.heard, "CSeq") == "1");
  CHECK(Peer::header(peer.say(""), "CSeq") == "2");
  CHECK(peer.ask("DESCRIBE").empty());
  peer.session.described(peer.tracks, peer.now_us);
  CHECK(Peer::status(peer.heard) == 200);
  // Nobody waits for an answer and sends a megabyte.
  CHECK(peer.ask("TEARDOWN").size() > 0);
  Peer flood;
  flood.at_once = false;
  flood.ask("DESCRIBE");
  for (int i = 0; i < 100 && flood.ends == 0; ++i)
    flood.say("OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nX: " + std::string(300, 'x') + "\r\n\r\n");
  CHECK(flood.ends == 1);
}

TEST_CASE("rtsp server: no room for another one") {
  Peer peer;
  const std::string session = peer.set_up();
  peer.room = false;
  CHECK(peer.status_of("PLAY", Peer::kUrl, session) == 453);
  CHECK_FALSE(peer.session.playing());
  peer.room = true;
  CHECK(peer.status_of("PLAY", Peer::kUrl, session) == 200);
}

TEST_CASE("rtsp server: requests in pieces, several at once, packets in between") {
  Peer peer;
  const std::string session = peer.set_up();
  const std::string text = "PLAY " + std::string(Peer::kUrl) + " RTSP/1.0\r\nCSeq: 8\r\n" + session + "\r\n" +
                           std::string("$\1\0\4abcd", 8) + "\r\nOPTIONS * RTSP/1.0\nCSeq: 9\n\n" +
                           std::string("$\3\0\0", 4) + "GET_PARAMETER * RTSP/1.0\r\nCSeq: 10\r\n\r\n";
  std::string heard;
  for (const char c : text) heard += peer.say(std::string(1, c));
  CHECK(has(heard, "CSeq: 8\r\n"));
  CHECK(has(heard, "CSeq: 9\r\n"));
  CHECK(has(heard, "CSeq: 10\r\n"));
  CHECK(peer.ends == 0);
}

TEST_CASE("rtsp server: what is no request ends the connection, with a word") {
  const std::vector<std::pair<std::string, int>> cases = {
      {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\n", 10), 400},
      {"OPTIONS * RTSP/1.0\r\n\r\n", 400},
      {"OPTIONS * RTSP/1.0\r\nCSeq: -1\r\n\r\n", 400},
      {"OPTIONS * RTSP/1.0\r\nCSeq: 12345678901\r\n\r\n", 400},
      {"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400},
      {"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nContent-Length: x\r\n\r\n", 400},
      {"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 5000\r\n\r\n", 413},
      {"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nX: " + std::string(9000, 'x') + "\r\n\r\n", 413},
      {"OPTIONS * RTSP/1.0\r\nX: " + std::string(20000, 'x'), 413},
      {"OPTIONS rtsp://h/\x01 RTSP/1.0\r\nCSeq: 1\r\n\r\n", 400},
      {std::string("OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nX: \0\r\n\r\n", 37), 400},
      {"RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n", 400},
  };
  for (const auto& [text, status] : cases) {
    CAPTURE(text.substr(0, 60));
    Peer peer;
    CHECK(Peer::status(peer.say(text)) == status);
    CHECK(peer.ends == 1);
    CHECK(peer.ask("OPTIONS").empty());
  }
}

TEST_CASE("rtsp server: nobody holds a place without playing, nor sends half a request for long") {
  constexpr int64_t kSecond = 1'000'000;
  Peer slow;
  slow.session.tick(slow.now_us += 14 * kSecond);
  CHECK(slow.ends == 0);
  slow.ask("OPTIONS");
  slow.session.tick(slow.now_us += 2 * kSecond);
  CHECK(slow.ends == 1);
  Peer playing;
  const std::string session = playing.set_up();
  REQUIRE(playing.status_of("PLAY", Peer::kUrl, session) == 200);
  playing.session.tick(playing.now_us += 3600 * kSecond);
  CHECK(playing.ends == 0);
  playing.say("OPTI");
  for (int i = 0; i < 4; ++i) {
    playing.session.tick(playing.now_us += 3 * kSecond);
    playing.say("O");
  }
  CHECK(playing.ends == 1);
  Peer busy;
  for (int i = 0; i < 100; ++i) busy.ask("OPTIONS");
  CHECK(busy.ends == 1);
}
