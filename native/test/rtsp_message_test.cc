// URLs, messages and the framing of the byte stream, without any recorded data.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "rtsp/answer_headers.h"
#include "rtsp/client.h"
#include "rtsp/framing.h"
#include "rtsp/message.h"
#include "rtsp/text.h"
#include "rtsp/url.h"
#include "rtsp_camera.h"

namespace thimble::test {
namespace {

struct Seen final : rtsp::StreamSink {
  void on_frame(uint8_t channel, ByteView packet) override {
    items.push_back(std::to_string(channel) + ":" + std::string(packet.text()));
  }
  void on_message(const rtsp::Message& message) override {
    items.push_back(message.method + std::to_string(message.status) + "|" + std::string(message.body));
  }
  void on_broken(const char* why) override { broken = why; }
  std::vector<std::string> items;
  std::string broken;
};

// Feeds `bytes` in pieces of `step` with channels 0 and 1 in use.
Seen feed(const std::string& bytes, size_t step, uint64_t* resyncs = nullptr, bool assigned = true) {
  Seen seen;
  rtsp::Framing framing(seen);
  if (assigned) framing.assign(0);
  if (assigned) framing.assign(1);
  for (size_t i = 0; i < bytes.size(); i += step) {
    // A copy of its own, so that a read behind the piece is seen.
    const std::vector<uint8_t> piece(bytes.begin() + static_cast<long>(i),
                                     bytes.begin() + static_cast<long>(std::min(bytes.size(), i + step)));
    framing.receive({piece.data(), piece.size()});
  }
  if (resyncs != nullptr) *resyncs = framing.resyncs();
  return seen;
}

std::string item(int channel, const std::string& payload) {
  return std::to_string(channel) + ":" + payload;
}

}  // namespace

TEST_CASE("rtsp url: user and password are split off and decoded") {
  rtsp::UrlParts parts;
  REQUIRE(rtsp::parse_rtsp_url(" RTSP://admin:p%40ss:w%@cam-1.local:8554/a/b?x=1 ", &parts));
  CHECK(parts.username == "admin");
  CHECK(parts.password == "p@ss:w%");
  CHECK(parts.host == "cam-1.local");
  CHECK(parts.port == 8554);
  CHECK(parts.without_userinfo == "rtsp://cam-1.local:8554/a/b?x=1");
  REQUIRE(rtsp::parse_rtsp_url("rtsp://us@er:p@ss@192.0.2.1", &parts));
  CHECK(parts.username == "us@er");
  CHECK(parts.password == "p@ss");
  CHECK(parts.port == 554);
  REQUIRE(rtsp::parse_rtsp_url("rtsp://[2001:db8::1]:1554/x", &parts));
  CHECK(parts.host == "2001:db8::1");
  CHECK(parts.without_userinfo == "rtsp://[2001:db8::1]:1554/x");
}

TEST_CASE("rtsp url: what is no usable address is refused") {
  rtsp::UrlParts parts;
  for (const char* url : {"", "rtsp://", "http://a/", "rtsps://a/", "rtsp://a b/", "rtsp://a/\r\nX: y",
                          "rtsp://a:0/", "rtsp://a:65536/", "rtsp://a:x/", "rtsp://::1/", "rtsp://[::1/",
                          "rtsp://[xx]/", "rtsp://a%0d%0a:b@c/\x01", "rtsp://u%0d%0aX:y@host/",
                          "rtsp://user@/", "rtsp://[::1]x/", "rtsp:///path"}) {
    CAPTURE(url);
    CHECK_FALSE(rtsp::parse_rtsp_url(url, &parts));
  }
  CHECK_FALSE(rtsp::parse_rtsp_url("rtsp://" + std::string(5000, 'a') + "/", &parts));
}

TEST_CASE("rtsp url: bases are repaired and controls joined as cameras expect") {
  const std::string request = "rtsp://u:p@192.0.2.1/s";
  CHECK(rtsp::repair_base(request, "") == "rtsp://192.0.2.1/s");
  CHECK(rtsp::repair_base(request, "192.0.2.1:554/s/") == "rtsp://192.0.2.1:554/s/");
  CHECK(rtsp::repair_base(request, "rtsp://rtsp://192.0.2.1/s/") == "rtsp://192.0.2.1/s/");
  CHECK(rtsp::repair_base(request, "rtsp://u:p@10.0.0.1/s/") == "rtsp://10.0.0.1/s/");
  CHECK(rtsp::repair_base(request, "rtsp://::ffff:192.0.2.30/s/") == "rtsp://192.0.2.1/s");
  CHECK(rtsp::repair_base(request, "/s/") == "rtsp://192.0.2.1/s");
  CHECK(rtsp::join_control("rtsp://h/s", "track1") == "rtsp://h/s/track1");
  CHECK(rtsp::join_control("rtsp://h/s/", "track1") == "rtsp://h/s/track1");
  CHECK(rtsp::join_control("rtsp://h/s?c=1&d=2", "trackID=0") == "rtsp://h/s?c=1&d=2/trackID=0");
  CHECK(rtsp::join_control("rtsp://h/s", "?ctype=video") == "rtsp://h/s?ctype=video");
  CHECK(rtsp::join_control("rtsp://h/s", "/t") == "rtsp://h/s/t");
  CHECK(rtsp::join_control("rtsp://h/s", "*") == "rtsp://h/s");
  CHECK(rtsp::join_control("rtsp://h/s", "rtsp://u:p@other/x") == "rtsp://other/x");
  CHECK(rtsp::join_control("rtsp://h/s", "a b\tc") == "rtsp://h/s/a%20b%09c");
}

TEST_CASE("rtsp url: a redirect may be relative but must lead to an rtsp:// address") {
  const std::string request = "rtsp://h:8554/live/main?x=/y";
  CHECK(rtsp::resolve_location(request, "rtsp://u:p@b/c") == "rtsp://b/c");
  CHECK(rtsp::resolve_location(request, "/other") == "rtsp://h:8554/other");
  CHECK(rtsp::resolve_location(request, "sub") == "rtsp://h:8554/live/sub");
  CHECK(rtsp::resolve_location("rtsp://h", "sub") == "rtsp://h/sub");
  CHECK(rtsp::resolve_location(request, "//b:1/c") == "rtsp://b:1/c");
  CHECK(rtsp::resolve_location(request, "http://b/").empty());
  CHECK(rtsp::resolve_location(request, "rtsps://b/").empty());
  CHECK(rtsp::resolve_location(request, "").empty());
}

TEST_CASE("rtsp message: header lines as cameras write them") {
  rtsp::Message message;
  REQUIRE(rtsp::parse_message("RTSP/1.0 200\nCseq : 3 \nX-Empty:\r\nno colon\r\nFold: a,\r\n \t b\r\n\r\n",
                              &message));
  CHECK(message.status == 200);
  REQUIRE(message.header("CSEQ") != nullptr);
  CHECK(*message.header("cseq") == "3");
  CHECK(*message.header("x-empty") == "");
  CHECK(*message.header("fold") == "a, b");
  CHECK(message.header("no colon") == nullptr);
  REQUIRE(rtsp::parse_message("RTSP/2.0 404 Not Found\r\n\r\n", &message));
  CHECK(message.version == "RTSP/2.0");
  REQUIRE(rtsp::parse_message("SET_PARAMETER rtsp://h/s RTSP/1.0\r\nCSeq: 1\r\n\r\n", &message));
  CHECK(message.method == "SET_PARAMETER");
  CHECK(message.status == 0);
  for (const char* bad : {"HTTP/1.1 200 OK\r\n", "RTSP/1.0 20\r\n", "RTSP/1.0 abc\r\n", "RTSP/1.0\r\n",
                          "RTSP/1.0 2000 x\r\n", "RTSP/10 200 x\r\n", "OPTIONS * HTTP/1.1\r\n", "", "\r\n"}) {
    CAPTURE(bad);
    CHECK_FALSE(rtsp::parse_message(bad, &message));
  }
}

TEST_CASE("rtsp message: session, transport and RTP-Info headers") {
  rtsp::Message m;
  REQUIRE(rtsp::parse_message(
      "RTSP/1.0 200 OK\r\nSession:   5A3F22 ; timeout = \"30\" \r\n"
      "Transport: RTP/AVP;unicast;client_port=5000-5001\r\n"
      "Transport: RTP/AVP/TCP;ssrc= D6D6627;interleaved=4\r\n"
      "RTP-Info: url=rtsp://h/a;seq=1;rtptime=-1,url=b;rtptime=7;,;;seq,url=;seq=99999\r\n"
      "Retry-After: 120\r\n\r\n",
      &m));
  CHECK(rtsp::parse_session(m)->id == "5A3F22");
  CHECK(rtsp::parse_session(m)->timeout_s == 30);
  const rtsp::TransportHeader transport = rtsp::parse_transport(m);
  CHECK(transport.interleaved);
  CHECK(transport.rtp_channel == 4);
  CHECK(transport.rtcp_channel == 5);
  CHECK(transport.ssrc == 0xd6d6627);
  const auto parts = rtsp::parse_rtp_info(m);
  REQUIRE(parts.size() == 2);
  CHECK(parts[0].sequence == 1);
  CHECK_FALSE(parts[0].rtp_time.has_value());
  CHECK(parts[1].rtp_time == 7);
  CHECK(rtsp::parse_retry_after(m) == 120);
  REQUIRE(
      rtsp::parse_message("RTSP/1.0 503 x\r\nRetry-After: 301\r\nSession: ;timeout=5\r\n"
                          "Transport: RTP/AVP/UDP;client_port=1-2,RTP/AVP/TCP;interleaved=300-301\r\n\r\n",
                          &m));
  CHECK(rtsp::parse_retry_after(m) == 0);
  CHECK_FALSE(rtsp::parse_session(m).has_value());
  CHECK_FALSE(rtsp::parse_transport(m).interleaved);
  CHECK_FALSE(rtsp::parse_transport(m).other_transport);
}

TEST_CASE("rtsp framing: frames and messages come out the same however the bytes are cut") {
  const std::string a = rtp(96, 1), b = rtp(96, 2), big = rtp(96, 3, 1, 65000);
  const std::string stream =
      frame(0, a) + "\r\nRTSP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n$\x01\x02\x03\x04" + frame(0, "") +
      frame(0, big) + "RTSP/1.0 400 Bad\n\n" + "OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n" + frame(1, b);
  const std::vector<std::string> expected = {
      item(0, a), "200|$\x01\x02\x03\x04", item(0, ""), item(0, big), "400|", "OPTIONS0|", item(1, b)};
  for (size_t step : {size_t{1}, size_t{2}, size_t{3}, size_t{7}, size_t{1000}, stream.size()}) {
    CAPTURE(step);
    uint64_t resyncs = 0;
    const Seen seen = feed(stream, step, &resyncs);
    CHECK(seen.items == expected);
    CHECK(seen.broken.empty());
    CHECK(resyncs == 0);
  }
}

TEST_CASE("rtsp framing: garbage between frames is skipped up to a frame that another one confirms") {
  const std::string a = rtp(96, 1), b = rtp(96, 2), c = rtp(96, 3);
  for (const std::string& garbage :
       {std::string("garbage $ and more"), std::string("$\x00\x00\x30zz", 6),
        std::string("\x01RTSP/1.0 x\r\n\r\n"), std::string("RTSP/1.0 2000 x\r\n\r\n"),
        std::string("$\x07\xff\xff", 4)}) {
    for (size_t step : {size_t{1}, size_t{5}, size_t{5000}}) {
      uint64_t resyncs = 0;
      const Seen seen = feed("RTSP/1.0 200 OK\r\n\r\n" + frame(0, a) + garbage + frame(0, b) + frame(1, c) +
                                 frame(0, std::string(70, 'x')) + std::string(66000, 'x'),
                             step, &resyncs);
      CAPTURE(step);
      CAPTURE(garbage);
      REQUIRE(seen.items.size() >= 4);
      CHECK(seen.items[1] == item(0, a));
      CHECK(seen.items[2] == item(0, b));
      CHECK(seen.items[3] == item(1, c));
      CHECK(resyncs >= 1);
    }
  }
}

TEST_CASE("rtsp framing: frames of channels that were never set up are skipped by their length") {
  const std::string a = rtp(96, 1), meta = rtp(107, 9), old(3, 'x');
  const std::string stream =
      frame(4, meta) + frame(200, meta) + frame(0, a) + frame(0, old) + frame(5, "") + frame(0, a) + "\r\n";
  uint64_t resyncs = 0;
  const Seen seen = feed(stream, 4, &resyncs);
  CHECK(seen.items == std::vector<std::string>{item(4, meta), item(200, meta), item(0, a), item(0, old),
                                               item(5, ""), item(0, a)});
  CHECK(resyncs == 0);
}

TEST_CASE("rtsp framing: text behind a body is not taken for an answer") {
  const Seen seen = feed(
      "RTSP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nabcontrol:track2\r\na=x-note:1\r\n$ RTSP/1.0 200 "
      "OK\r\n\r\n",
      3, nullptr, false);
  CHECK(seen.items == std::vector<std::string>{"200|ab", "200|"});
}

TEST_CASE("rtsp framing: limits end the connection") {
  CHECK_FALSE(feed("RTSP/1.0 200 OK\r\nX: " + std::string(17000, 'a'), 4096).broken.empty());
  CHECK_FALSE(feed("RTSP/1.0 200 OK\r\nContent-Length: 70000\r\n\r\n", 50).broken.empty());
  CHECK_FALSE(feed("RTSP/1.0 200 OK\r\nContent-Length: -1\r\n\r\n", 50).broken.empty());
  CHECK_FALSE(feed(frame(0, rtp(96, 1)) + std::string((1 << 20) + 100, 'x'), 65536).broken.empty());
  CHECK_FALSE(feed("HTTP/1.1 400 Bad Request\r\n\r\n", 1, nullptr, false).broken.empty());
  CHECK_FALSE(feed("SSH-2.0-x\r\n", 2, nullptr, false).broken.empty());
  // Half a megabyte of garbage is still worth the wait.
  const std::string b = rtp(96, 2), c = rtp(96, 3);
  CHECK(feed(frame(0, b) + std::string(1 << 19, 'x') + frame(0, b) + frame(1, c) + "\r\n", 65536)
            .items.size() == 3);
}

TEST_CASE("rtsp framing: garbage made of false frame starts costs no more than other garbage") {
  std::string garbage;
  for (int i = 0; i < 50000; ++i) garbage += std::string("$\x00\xff\x00\x80", 5);
  const std::string b = rtp(96, 2), c = rtp(96, 3);
  const Seen seen =
      feed(frame(0, b) + "x" + garbage + std::string(70000, 'y') + frame(0, b) + frame(1, c) + "\r\n", 100);
  REQUIRE(seen.items.size() >= 2);
  CHECK(seen.items.back() == item(1, c));
}

TEST_CASE("rtsp text: numbers are digits within their range and nothing else") {
  uint64_t value = 0;
  CHECK(rtsp::parse_decimal("0", 0, &value));
  CHECK(rtsp::parse_decimal("65535", 65535, &value));
  CHECK(value == 65535);
  for (const char* bad :
       {"", "-1", "+1", " 1", "1x", "65536", "99999999999999999999", "184467440737095516160"}) {
    CHECK_FALSE(rtsp::parse_decimal(bad, 65535, &value));
  }
}

}  // namespace thimble::test
