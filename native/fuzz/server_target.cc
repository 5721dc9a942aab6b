// The bytes of a client through the RTSP server's side of a conversation: requests, logins, transports.
#include <string>

#include "fuzz/target.h"
#include "rtsp/digest.h"
#include "rtsp/server.h"

namespace thimble::fuzz {

namespace {

constexpr char kSecret[] = "secret-canary";

class Judge final : public rtsp::ServerHandler {
 public:
  void on_send(std::string_view bytes) override {
    touch(ByteView(bytes));
    expect(ends == 0, "nothing is said behind the end");
    expect(bytes.substr(0, 9) == "RTSP/1.0 ", "only answers are sent");
    const std::string_view head = bytes.substr(0, bytes.find("\r\n\r\n"));
    expect(head.size() < bytes.size(), "an answer has an end");
    for (const char c : head) {
      expect(static_cast<unsigned char>(c) >= ' ' || c == '\r' || c == '\n' || c == '\t',
             "no control characters in answers");
    }
  }
  const rtsp::ServerUser* find_user(std::string_view name) override {
    return name == user.name ? &user : nullptr;
  }
  bool may_see(const std::string& name, const rtsp::ServedPath& path) override {
    expect(name == "ann", "nobody sees anything without a login");
    return path.camera < 10;
  }
  void on_describe(const rtsp::ServedPath& path) override { expect(path.camera > 0, "cameras count from 1"); }
  bool on_play(const std::vector<rtsp::ServedChannel>& channels, std::vector<rtsp::PlayInfo>* info) override {
    bool used[256] = {};
    for (const rtsp::ServedChannel& channel : channels) {
      expect(channel.track < 2, "tracks are those that were described");
      expect(channel.channel < 255 && !used[channel.channel] && !used[channel.channel + 1],
             "each channel is used once");
      used[channel.channel] = used[channel.channel + 1] = true;
      info->push_back({1, true, 2});
    }
    expect(!channels.empty(), "something plays");
    played = true;
    return true;
  }
  void on_refused(const std::string& name) override { expect(name.size() <= 64, "names are short"); }
  void on_end() override { expect(++ends == 1, "a session ends once"); }

  rtsp::ServerUser user{"ann", rtsp::digest_hash(false, std::string("ann:Thimble:") + kSecret),
                        rtsp::digest_hash(true, std::string("ann:Thimble:") + kSecret)};
  bool played = false;
  int ends = 0;
};

std::vector<rtsp::ServedTrack> tracks() {
  rtsp::ServedTrack video;
  video.codec = rtsp::Codec::kH264;
  video.sps = {{0x67, 66, 0xc0, 10}};
  rtsp::ServedTrack sound;
  sound.codec = rtsp::Codec::kAac;
  sound.clock_rate = 48000;
  sound.channels = 2;
  sound.config = {0x11, 0x90};
  return {video, sound};
}

/// The first byte says how the rest is cut into pieces, and whether somebody has to log in (then the
/// input has no way to get far: nonces are random).
bool check(ByteView input) {
  if (input.empty()) return false;
  class Open final : public rtsp::ServerHandler {
   public:
    explicit Open(Judge& judge) : judge_(judge) {}
    void on_send(std::string_view bytes) override { judge_.on_send(bytes); }
    const rtsp::ServerUser* find_user(std::string_view) override { return nullptr; }
    bool may_see(const std::string& name, const rtsp::ServedPath&) override {
      expect(name.empty(), "nobody has logged in");
      return true;
    }
    void on_describe(const rtsp::ServedPath& path) override { judge_.on_describe(path); }
    bool on_play(const std::vector<rtsp::ServedChannel>& channels,
                 std::vector<rtsp::PlayInfo>* info) override {
      return judge_.on_play(channels, info);
    }
    void on_refused(const std::string&) override { expect(false, "nobody is asked"); }
    void on_end() override { judge_.on_end(); }

   private:
    Judge& judge_;
  };
  Judge judge;
  Open open(judge);
  const bool login = input[0] >= 128;
  rtsp::ServerHandler& handler = login ? static_cast<rtsp::ServerHandler&>(judge) : open;
  int64_t now_us = 1'000'000;
  rtsp::ServerSession session({login ? "Thimble" : "", 5}, handler, now_us);
  uint32_t cut = input[0];
  for (size_t at = 1; at < input.size;) {
    cut = cut * 1664525u + 1013904223u;
    const size_t size = input[0] % 128 == 0 ? input.size : 1 + (cut >> 16) % (input[0] % 128 * 8u);
    const ByteView piece = input.sub(at, size);
    const Bytes exact(piece.data, piece.data + piece.size);
    session.receive(view(exact), now_us);
    now_us += 1000;
    at += size;
    // Whoever was refused hears of it, and goes on.
    if (login && input[0] % 4 == 3) session.tick(now_us += rtsp::ServerSession::kRefusalUs);
    while (session.describing()) {
      if (input[0] % 16 == 9) {
        session.not_described(503, now_us);
      } else {
        session.described(tracks(), now_us);
      }
      session.receive({}, now_us);
    }
  }
  session.tick(now_us += 16'000'000);
  expect(judge.played || session.ended(), "who does not play goes");
  return judge.played;
}

Bytes conversation(uint8_t cut) {
  const std::string url = "rtsp://10.0.0.1:8554/ring/3/main";
  std::string text(1, static_cast<char>(cut));
  text += "OPTIONS " + url + " RTSP/1.0\r\nCSeq: 1\r\nUser-Agent: x\r\n\r\n";
  text += "DESCRIBE " + url + " RTSP/1.0\r\nCSeq: 2\r\nAccept: application/sdp\r\n";
  text += "Authorization: Digest username=\"ann\", realm=\"Thimble\", nonce=\"0123\", uri=\"" + url +
          "\", response=\"aa\", algorithm=MD5, qop=auth, nc=00000001, cnonce=\"c\"\r\n\r\n";
  text += "SETUP " + url +
          "/trackID=0 RTSP/1.0\r\nCSeq: 3\r\nTransport: RTP/AVP;unicast;client_port=1-2,"
          "RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n";
  text += "SETUP " + url +
          "/trackID=1 RTSP/1.0\r\nCSeq: 4\r\nSession: {session}\r\nTransport: "
          "RTP/AVP/TCP\r\n\r\n";
  text += "PLAY " + url + " RTSP/1.0\r\nCSeq: 5\r\nSession: {session}\r\n\r\n";
  text += std::string("$\1\0\4abcd", 8) + "GET_PARAMETER " + url +
          " RTSP/1.0\r\nCSeq: 6\r\nContent-Length: 4\r\n\r\nabcd";
  // The same for the same seed.
  for (size_t at; (at = text.find("{session}")) != std::string::npos;)
    text.replace(at, 9, rtsp::ServerSession::id_of(5));
  return {text.begin(), text.end()};
}

std::vector<Bytes> seeds() {
  return {conversation(0), conversation(7), conversation(100)};
}

}  // namespace

Target server_target() {
  return {"rtsp-server", check, seeds};
}

}  // namespace thimble::fuzz
