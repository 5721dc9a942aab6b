// A client of the RTSP server for tests of the server's state machine: says what it is told, and keeps what
// it hears.
#pragma once

#include <doctest/doctest.h>

#include <map>
#include <string>
#include <vector>

#include "rtsp/digest.h"
#include "rtsp/server.h"

namespace thimble::test {

inline constexpr char kRealm[] = "Thimble";

inline rtsp::ServerUser user_of(const std::string& name, const std::string& secret) {
  const std::string text = name + ":" + kRealm + ":" + secret;
  return {name, rtsp::digest_hash(false, text), rtsp::digest_hash(true, text)};
}

class Peer final : public rtsp::ServerHandler {
 public:
  explicit Peer(bool login = false) : session({login ? kRealm : "", 42}, *this, 1'000'000) {
    users["ann"] = user_of("ann", "ann-s-secret");
    streams = {{1, false}, {1, true}};
    rtsp::ServedTrack video;
    video.codec = rtsp::Codec::kH264;
    video.sps = {{0x67, 66, 0xc0, 10}};
    video.pps = {{0x68, 1}};
    rtsp::ServedTrack sound;
    sound.codec = rtsp::Codec::kPcma;
    sound.clock_rate = 8000;
    sound.channels = 1;
    tracks = {video, sound};
  }

  /// Sends text; the answers that it led to.
  std::string say(const std::string& text) {
    heard.clear();
    session.receive(ByteView(std::string_view(text)), now_us);
    return heard;
  }
  /// A request with the next number. The answer.
  std::string ask(const std::string& method, const std::string& url = kUrl, const std::string& headers = {}) {
    return say(method + " " + url + " RTSP/1.0\r\nCSeq: " + std::to_string(++cseq) + "\r\n" + headers +
               "\r\n");
  }
  static int status(const std::string& answer) {
    return answer.size() > 12 && answer.compare(0, 9, "RTSP/1.0 ") == 0 ? std::stoi(answer.substr(9, 3)) : 0;
  }
  int status_of(const std::string& method, const std::string& url = kUrl, const std::string& headers = {}) {
    return status(ask(method, url, headers));
  }
  /// The same of one that is to be refused: the answer comes later.
  int late_status_of(const std::string& method, const std::string& url = kUrl,
                     const std::string& headers = {}) {
    CHECK(ask(method, url, headers).empty());
    session.tick(now_us += rtsp::ServerSession::kRefusalUs - 1);
    CHECK(heard.empty());
    session.tick(now_us += 1);
    return status(heard);
  }
  static std::string header(const std::string& answer, const std::string& name) {
    const size_t at = answer.find("\r\n" + name + ": ");
    if (at == std::string::npos) return {};
    const size_t begin = at + name.size() + 4;
    return answer.substr(begin, answer.find("\r\n", begin) - begin);
  }
  /// DESCRIBE and SETUP of the first track; the session id.
  std::string set_up() {
    REQUIRE(status_of("DESCRIBE") == 200);
    const std::string answer = ask("SETUP", std::string(kUrl) + "/trackID=0", kTransport);
    REQUIRE(status(answer) == 200);
    const std::string session_header = header(answer, "Session");
    return "Session: " + session_header.substr(0, session_header.find(';')) + "\r\n";
  }

  static constexpr char kUrl[] = "rtsp://192.168.1.2:8554/ring/1/main";
  static constexpr char kTransport[] = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n";

  // ServerHandler
  void on_send(std::string_view bytes) override { heard.append(bytes); }
  const rtsp::ServerUser* find_user(std::string_view name) override {
    const auto found = users.find(std::string(name));
    return found == users.end() ? nullptr : &found->second;
  }
  bool may_see(const std::string& user, const rtsp::ServedPath& path) override {
    seen_as = user;
    for (const auto& [camera, sub] : streams) {
      if (camera == path.camera && sub == path.sub) return true;
    }
    return false;
  }
  void on_describe(const rtsp::ServedPath&) override {
    if (at_once) session.described(tracks, now_us);
  }
  bool on_play(const std::vector<rtsp::ServedChannel>& given, std::vector<rtsp::PlayInfo>* info) override {
    channels = given;
    for (size_t i = 0; i < given.size(); ++i) info->push_back({static_cast<uint16_t>(7 + i), i == 0, 1234});
    return room;
  }
  void on_refused(const std::string& name) override { refused.push_back(name); }
  void on_end() override { ++ends; }

  std::map<std::string, rtsp::ServerUser> users;
  std::vector<std::pair<uint32_t, bool>> streams;
  std::vector<rtsp::ServedTrack> tracks;
  bool at_once = true, room = true;
  std::string heard, seen_as;
  std::vector<std::string> refused;
  std::vector<rtsp::ServedChannel> channels;
  int ends = 0, cseq = 0;
  int64_t now_us = 1'000'000;
  rtsp::ServerSession session;
};

}  // namespace thimble::test
