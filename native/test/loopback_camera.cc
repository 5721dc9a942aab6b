// See loopback_camera.h.
#include "loopback_camera.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace thimble::test {

namespace {

std::string header_of(const std::string& request, const std::string& name) {
  const size_t at = request.find("\r\n" + name + ": ");
  if (at == std::string::npos) return {};
  const size_t begin = at + 4 + name.size();
  return request.substr(begin, request.find("\r\n", begin) - begin);
}

/// The NAL behind a 4-byte length.
tiny::Bytes without_length(const tiny::Bytes& unit) {
  return {unit.begin() + 4, unit.end()};
}

}  // namespace

LoopbackCamera::LoopbackCamera(const char* address) : address_(address) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  sockaddr_in in{};
  in.sin_family = AF_INET;
  ::inet_pton(AF_INET, address, &in.sin_addr);
  REQUIRE(::bind(listener_, reinterpret_cast<sockaddr*>(&in), sizeof in) == 0);
  REQUIRE(::listen(listener_, 64) == 0);
  socklen_t length = sizeof in;
  REQUIRE(::getsockname(listener_, reinterpret_cast<sockaddr*>(&in), &length) == 0);
  port_ = ntohs(in.sin_port);
}

LoopbackCamera::~LoopbackCamera() {
  hang_up();
  stop_listening();
}

std::string LoopbackCamera::url() const {
  return "rtsp://" + address_ + ":" + std::to_string(port_) + "/stream";
}

void LoopbackCamera::stop_listening() {
  if (listener_ >= 0) ::close(listener_);
  listener_ = -1;
}

void LoopbackCamera::hang_up() {
  for (Connection& connection : connections_) ::close(connection.fd);
  connections_.clear();
}

bool LoopbackCamera::serve() {
  bool busy = false;
  while (listener_ >= 0) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) break;
    // Or the second small packet waits for the acknowledgement of the first.
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    connections_.push_back({fd, {}, {}});
    ++accepted_;
    busy = true;
  }
  for (size_t i = 0; i < connections_.size();) {
    Connection& connection = connections_[i];
    char bytes[4096];
    const ssize_t count = ::recv(connection.fd, bytes, sizeof bytes, 0);
    const bool gone = count == 0 || (count < 0 && errno != EAGAIN);
    if (count > 0) connection.unread.append(bytes, static_cast<size_t>(count));
    while (!connection.unread.empty()) {
      if (connection.unread[0] == '$') {
        if (connection.unread.size() < 4) break;
        const size_t size = 4 + (static_cast<uint8_t>(connection.unread[2]) << 8 |
                                 static_cast<uint8_t>(connection.unread[3]));
        if (connection.unread.size() < size) break;
        connection.unread.erase(0, size);
        continue;
      }
      const size_t end = connection.unread.find("\r\n\r\n");
      if (end == std::string::npos) break;
      const std::string request = connection.unread.substr(0, end + 4);
      connection.unread.erase(0, end + 4);
      answer(connection, request);
    }
    const bool sent = flush(connection);
    if (gone || (sent && connection.closing)) {
      ::close(connection.fd);
      connections_.erase(connections_.begin() + static_cast<ptrdiff_t>(i));
      busy = true;
    } else {
      busy = busy || count > 0;
      ++i;
    }
  }
  return busy;
}

void LoopbackCamera::answer(Connection& connection, const std::string& request) {
  requests.push_back(request);
  const std::string method = request.substr(0, request.find(' '));
  const auto given = answers.find(method);
  std::string text = given == answers.end() ? usual_answer(connection, method) : given->second;
  const size_t mark = text.find("{cseq}");
  if (mark != std::string::npos) text.replace(mark, 6, header_of(request, "CSeq"));
  connection.unsent += text;
  if (method == "SETUP") connection.set_up = true;
  if (method == "PLAY" && text.find(" 200 ") != std::string::npos) connection.playing = true;
  if (method == "TEARDOWN") connection.closing = !text.empty(), connection.playing = false;
}

std::string LoopbackCamera::usual_answer(Connection& connection, const std::string& method) const {
  const std::string ok = "RTSP/1.0 200 OK\r\nCSeq: {cseq}\r\n";
  if (method == "OPTIONS") return ok + "Public: " + public_methods + "\r\n\r\n";
  if (method == "DESCRIBE") {
    const std::string sdp = description();
    return ok + "Content-Type: application/sdp\r\nContent-Length: " + std::to_string(sdp.size()) +
           "\r\n\r\n" + sdp;
  }
  if (method == "SETUP") {
    const char* channels = connection.set_up ? "2-3" : "0-1";
    return ok + "Session: 4711;timeout=60\r\nTransport: RTP/AVP/TCP;unicast;interleaved=" + channels +
           "\r\n\r\n";
  }
  return ok + "Session: 4711\r\n\r\n";
}

std::string LoopbackCamera::description() const {
  std::string sdp =
      "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=control:*\r\n"
      "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/" +
      video_clock + "\r\na=control:track1\r\n";
  if (with_sound && plain_sound) {
    sdp += "m=audio 0 RTP/AVP 97\r\na=rtpmap:97 PCMA/8000\r\na=control:track2\r\n";
  } else if (with_sound) {
    sdp +=
        "m=audio 0 RTP/AVP 97\r\na=rtpmap:97 MPEG4-GENERIC/48000/2\r\n"
        "a=fmtp:97 "
        "mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3;config=1190\r\na=control:track2\r\n";
  }
  return sdp;
}

bool LoopbackCamera::gets_media(const Connection& connection) const {
  return connection.playing || (early_media && connection.set_up && !connection.closing);
}

bool LoopbackCamera::playing() const {
  return std::any_of(connections_.begin(), connections_.end(), [](const Connection& c) { return c.playing; });
}

size_t LoopbackCamera::asked(const std::string& method) const {
  return static_cast<size_t>(std::count_if(requests.begin(), requests.end(), [&](const std::string& request) {
    return request.compare(0, method.size() + 1, method + " ") == 0;
  }));
}

void LoopbackCamera::send_picture(int64_t at_us) {
  const int position = static_cast<int>(pictures % static_cast<uint64_t>(gop));
  const bool key = position == 0 && keys;
  const uint32_t time = static_cast<uint32_t>(at_us * 9 / 100) + 4294000000u;
  const tiny::Bytes picture = without_length(
      tiny::picture(key ? 0 : std::max(position, 1), raw_macroblocks, static_cast<uint32_t>(pictures)));
  tiny::Bytes sps = tiny::sps(width_macroblocks);
  sps[3] = level;
  for (Connection& connection : connections_) {
    if (!gets_media(connection)) continue;
    if (key) {
      send_rtp(connection, 0, time, false, sps);
      send_rtp(connection, 0, time, false, tiny::pps());
    }
    send_rtp(connection, 0, time, true, picture);
    flush(connection);
  }
  ++pictures;
}

void LoopbackCamera::send_sound(int64_t at_us) {
  tiny::Bytes payload(160, 0xd5);
  if (!plain_sound) {
    payload = {0, 16, 0, static_cast<uint8_t>(tiny::silent_aac().size() << 3)};
    for (const uint8_t byte : tiny::silent_aac()) payload.push_back(byte);
  }
  const uint32_t time = static_cast<uint32_t>(plain_sound ? at_us / 125 : at_us * 6 / 125) + 77;
  for (Connection& connection : connections_) {
    if (!gets_media(connection)) continue;
    send_rtp(connection, 2, time, true, payload);
    flush(connection);
  }
  ++sounds;
}

void LoopbackCamera::send_crumb(int64_t at_us) {
  for (Connection& connection : connections_) {
    if (!gets_media(connection)) continue;
    // The middle of a fragmented unit (RFC 6184 5.8) whose start never came.
    send_rtp(connection, 0, static_cast<uint32_t>(at_us * 9 / 100), false, {0x7c, 0x01, 0x55});
    flush(connection);
  }
}

void LoopbackCamera::send_rtp(Connection& connection, int channel, uint32_t time, bool marker,
                              const tiny::Bytes& payload) {
  if (channel == 0) {
    connection.video_sequence = static_cast<uint16_t>(connection.video_sequence + sequence_jump);
    sequence_jump = 0;
  }
  uint8_t head[16] = {'$', static_cast<uint8_t>(channel)};
  write_be16(head + 2, static_cast<uint16_t>(12 + payload.size()));
  head[4] = 0x80;
  head[5] = static_cast<uint8_t>((marker ? 0x80 : 0) | (channel == 0 ? 96 : 97));
  write_be16(head + 6, channel == 0 ? connection.video_sequence++ : connection.sound_sequence++);
  write_be32(head + 8, time + time_offset);
  write_be32(head + 12, channel == 0 ? video_ssrc : sound_ssrc);
  connection.unsent.append(reinterpret_cast<const char*>(head), sizeof head);
  connection.unsent.append(payload.begin(), payload.end());
}

bool LoopbackCamera::flush(Connection& connection) {
  while (!connection.unsent.empty()) {
    const ssize_t count =
        ::send(connection.fd, connection.unsent.data(), connection.unsent.size(), MSG_NOSIGNAL);
    if (count <= 0) return false;
    connection.unsent.erase(0, static_cast<size_t>(count));
    sent_bytes_ += static_cast<uint64_t>(count);
  }
  return true;
}

}  // namespace thimble::test
