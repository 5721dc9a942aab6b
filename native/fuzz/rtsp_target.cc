// The bytes of a camera's connection through the whole client: framing, answers, headers, login, SDP.
#include <string>

#include "fuzz/target.h"
#include "rtsp/client.h"

namespace thimble::fuzz {

namespace {

constexpr char kPassword[] = "pass-canary";

/// Checks what the client says, and counts it.
class Judge final : public rtsp::ClientHandler {
 public:
  /// A camera that says the password itself may hear it again, in its URLs.
  explicit Judge(ByteView input) : knows_(input.text().find(kPassword) != std::string_view::npos) {}
  void on_send(ByteView bytes) override {
    touch(bytes);
    if (bytes.empty() || bytes[0] == '$') return;
    const std::string_view text = bytes.text();
    expect(knows_ || text.find(kPassword) == std::string_view::npos, "no request shows the password");
    expect(text.find("\r\n\r\n") == text.size() - 4, "one request at a time, ended by its empty line");
    for (size_t i = 0; i < text.size(); i++) {
      const auto c = static_cast<unsigned char>(text[i]);
      if (c == '\r') expect(text[i + 1] == '\n', "lines end in CRLF");
      if (c == '\n') expect(i > 0 && text[i - 1] == '\r', "lines end in CRLF");
      expect(c >= ' ' || c == '\r' || c == '\n' || c == '\t', "no control characters in requests");
    }
  }
  void on_described(const rtsp::SessionDescription& description) override {
    expect(description.video >= 0, "only what has video is described");
  }
  void on_playing() override { playing = true; }
  void on_packet(rtsp::TrackUse track, bool, ByteView packet, int64_t) override {
    expect(track != rtsp::TrackUse::kNo, "packets belong to a track in use");
    touch(packet);
  }
  void on_end(rtsp::Outcome, const std::string& message) override {
    expect(++ends == 1, "an attempt ends once");
    expect(knows_ || message.find(kPassword) == std::string::npos, "no message shows the password");
  }
  bool playing = false;
  int ends = 0;

 private:
  const bool knows_;
};

/// The first byte says how the rest is cut into pieces.
bool check(ByteView input) {
  if (input.empty()) return false;
  rtsp::ClientConfig config;
  config.url = "rtsp://10.0.0.2/live";
  config.username = "user";
  config.password = kPassword;
  config.audio_codecs = ~0u;
  config.user_agent = "Thimble/0";
  config.seed = 1;
  Judge judge(input);
  const auto client = rtsp::Client::create(config, judge);
  int64_t now_us = 1'000'000;
  client->start(now_us);
  uint32_t cut = input[0];
  for (size_t at = 1; at < input.size;) {
    cut = cut * 1664525u + 1013904223u;
    const size_t size = input[0] == 0 ? input.size : 1 + (cut >> 16) % (input[0] * 8u);
    const ByteView piece = input.sub(at, size);
    const Bytes exact(piece.data, piece.data + piece.size);
    client->receive(view(exact), now_us);
    now_us += 1000;
    at += size;
  }
  client->tick(now_us += 600'000);
  client->tick(now_us += 16'000'000);
  client->send_rtcp(rtsp::TrackUse::kVideo, ByteView(std::string_view("rtcp")));
  client->teardown(now_us);
  client->tick(now_us += 300'000);
  client->closed(now_us);
  expect(judge.ends == 1, "an attempt that was torn down ends");
  return judge.playing;
}

std::string answer(int cseq, const std::string& headers, const std::string& body = "") {
  std::string text = "RTSP/1.0 200 OK\r\nCSeq: " + std::to_string(cseq) + "\r\n" + headers;
  if (!body.empty()) text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  return text + "\r\n" + body;
}

std::string frame(uint8_t channel, std::string packet) {
  std::string header = "$";
  header += static_cast<char>(channel);
  header += static_cast<char>(packet.size() >> 8);
  header += static_cast<char>(packet.size());
  return header + packet;
}

Bytes conversation(uint8_t cut, const std::string& login, int first_cseq) {
  const std::string sdp =
      "v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:track1\r\nm=audio 0 RTP/AVP 97\r\n"
      "a=rtpmap:97 MPEG4-GENERIC/16000\r\na=fmtp:97 mode=AAC-hbr;config=1408;sizelength=13;indexlength=3;"
      "indexdeltalength=3\r\na=control:track2\r\n";
  int cseq = first_cseq;
  std::string text(1, static_cast<char>(cut));
  text += answer(1, "Public: OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER\r\n") + login;
  text += answer(cseq++, "Content-Type: application/sdp\r\nContent-Base: rtsp://10.0.0.2/live/\r\n", sdp);
  for (const char* channels : {"0-1", "2-3"}) {
    text += answer(cseq++, std::string("Session: 5;timeout=30\r\nTransport: RTP/AVP/TCP;interleaved=") +
                               channels + ";ssrc=11223344\r\n");
  }
  text += answer(cseq, "RTP-Info: url=track1;seq=1;rtptime=9,url=track2;rtptime=5\r\n");
  for (int i = 0; i < 6; i++) {
    text += frame(0, std::string("\x80\x60\0\1\0\0\0\0\0\0\0\1", 12) + std::string(20, 'v'));
    text += frame(2, std::string("\x80\x61\0\1\0\0\0\0\0\0\0\2", 12) + std::string(9, 'a'));
    if (i == 3)
      text += frame(1, std::string("\x80\xc8\0\1\0\0\0\1", 8)) + "RTSP/1.0 400 Bad\r\nCSeq: 9\r\n\r\n";
  }
  return {text.begin(), text.end()};
}

std::vector<Bytes> seeds() {
  const std::string digest =
      "RTSP/1.0 401 Unauthorized\r\nCSeq: 2\r\nWWW-Authenticate: Digest realm=\"cam\", nonce=\"abc\", "
      "qop=\"auth\", "
      "algorithm=SHA-256, opaque=\"o\"\r\nWWW-Authenticate: Basic realm=\"cam\"\r\n\r\n";
  const std::string request = "OPTIONS * RTSP/1.0\r\nCSeq: 77\r\n\r\n";
  return {conversation(0, "", 2), conversation(3, digest, 3), conversation(90, request, 2)};
}

}  // namespace

Target rtsp_target() {
  return {"rtsp", check, seeds};
}

}  // namespace thimble::fuzz
