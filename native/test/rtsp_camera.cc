// See rtsp_camera.h.
#include "rtsp_camera.h"

#include <doctest/doctest.h>

namespace thimble::test {

std::string plain_sdp() {
  return "v=0\r\no=- 1 1 IN IP4 192.0.2.30\r\ns=Media\r\nt=0 0\r\na=control:*\r\n"
         "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
         "a=fmtp:96 "
         "packetization-mode=1;sprop-parameter-sets=Z0LAKNoB4AiflwEQAAADABAAAAMCgPGDKg==,aM4PyA==\r\n"
         "a=control:track1\r\n"
         "m=audio 0 RTP/AVP 97\r\na=rtpmap:97 MPEG4-GENERIC/16000/1\r\n"
         "a=fmtp:97 mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3;config=1408\r\n"
         "a=control:track2\r\n";
}

std::string answer(const std::string& status, const std::string& headers, const std::string& body) {
  const std::string length = body.empty() ? "" : "Content-Length: " + std::to_string(body.size()) + "\r\n";
  return "RTSP/1.0 " + status + "\r\nCSeq: {cseq}\r\n" + headers + length + "\r\n" + body;
}

std::string describe_answer(const std::string& sdp) {
  return answer("200 OK", "Content-Base: rtsp://192.0.2.30:554/stream1/\r\nContent-Type: application/sdp\r\n",
                sdp);
}

std::string setup_answer(const std::string& channels, const std::string& session) {
  return answer("200 OK", "Transport: RTP/AVP/TCP;unicast;interleaved=" + channels +
                              "\r\nSession: " + session + "\r\n");
}

std::string frame(int channel, const std::string& payload) {
  std::string out = {'$', static_cast<char>(channel), static_cast<char>(payload.size() >> 8),
                     static_cast<char>(payload.size())};
  return out + payload;
}

std::string rtp(int payload_type, uint16_t sequence, uint32_t ssrc, size_t payload_bytes) {
  std::string packet(12, '\0');
  packet[0] = static_cast<char>(0x80);
  packet[1] = static_cast<char>(payload_type);
  write_be16(reinterpret_cast<uint8_t*>(&packet[2]), sequence);
  write_be32(reinterpret_cast<uint8_t*>(&packet[8]), ssrc);
  for (size_t i = 0; i < payload_bytes; ++i) packet.push_back(static_cast<char>(sequence * 31 + i * 7));
  return packet;
}

rtsp::ClientConfig Camera::default_config() {
  rtsp::ClientConfig config;
  config.url = kCameraUrl;
  config.username = "admin";
  config.password = "Thimble-12";
  config.user_agent = "Thimble/1";
  config.seed = 7;
  return config;
}

Camera::Camera() : Camera(default_config()) {}

Camera::Camera(rtsp::ClientConfig config) : client(rtsp::Client::create(std::move(config), *this)) {
  REQUIRE(client != nullptr);
  script("OPTIONS",
         {answer("200 OK", "Public: OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER, TEARDOWN\r\n")});
  script("DESCRIBE", {describe_answer(plain_sdp())});
  script("SETUP",
         {answer("200 OK", "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 4711;timeout=60\r\n"),
          answer("200 OK", "Transport: RTP/AVP/TCP;unicast;interleaved=2-3\r\nSession: 4711\r\n")});
  script("PLAY", {answer("200 OK", "Session: 4711\r\n")});
  script("GET_PARAMETER", {answer("200 OK")});
  script("TEARDOWN", {answer("200 OK")});
}

void Camera::start() {
  client->start(now_us);
  answer_all();
}

void Camera::answer_all() {
  while (answered_ < sent.size()) {
    const std::string request = sent[answered_++];
    std::deque<std::string>& answers = script_[request.substr(0, request.find(' '))];
    if (answers.empty()) continue;
    std::string text = answers.front();
    if (answers.size() > 1) answers.pop_front();
    const size_t mark = text.find("{cseq}");
    if (mark != std::string::npos) text.replace(mark, 6, header(request, "CSeq"));
    send(text);
  }
}

void Camera::send(const std::string& bytes) {
  client->receive(ByteView(bytes), now_us);
}

void Camera::tick_at(int64_t us) {
  now_us = us;
  next_tick_us = client->tick(us);
}

std::vector<std::string> Camera::asked(const std::string& method) const {
  std::vector<std::string> found;
  for (const std::string& text : sent) {
    if (text.compare(0, method.size() + 1, method + " ") == 0) found.push_back(text);
  }
  return found;
}

std::string Camera::header(const std::string& request, const std::string& name) {
  const size_t at = request.find("\r\n" + name + ": ");
  if (at == std::string::npos) return {};
  const size_t begin = at + 4 + name.size();
  return request.substr(begin, request.find("\r\n", begin) - begin);
}

std::string Camera::first_line(const std::string& request) {
  return request.substr(0, request.find("\r\n"));
}

void Camera::on_send(ByteView bytes) {
  CHECK(ends == 0);
  sent.emplace_back(bytes.text());
}

void Camera::on_packet(rtsp::TrackUse track, bool is_rtcp, ByteView packet, int64_t now) {
  CHECK(ends == 0);
  CHECK(now == now_us);
  packets.push_back({track, is_rtcp, std::string(packet.text())});
}

void Camera::on_end(rtsp::Outcome given, const std::string& words) {
  ++ends;
  outcome = given;
  message = words;
}

}  // namespace thimble::test
