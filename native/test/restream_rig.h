// What tests of the RTSP server need: a stream of a camera on loopback, the server on the same poller, and
// viewers that are our own client, or that say and take what the test wants.
#pragma once

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "media/restream_server.h"
#include "media/session.h"
#include "rtp_collect.h"
#include "rtsp_peer.h"
#include "stream_rig.h"

namespace restream_rig {

using namespace stream_rig;
using rtp_test::Unit;

inline sockaddr_in loopback(uint16_t port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

struct World {
  explicit World(LoopbackCamera& camera, bool record = true) : camera(camera), rig({&camera}, record) {
    server = std::make_unique<RestreamServer>(
        rig.poller, ByteView(rig.buffer.data(), rig.buffer.size()), rig.clock, rig.sink,
        [this](const StreamKey& key) {
          return rig.stream && rig.stream->key() == key ? rig.stream.get() : nullptr;
        });
    for (const bool inside : {true, false}) {
      const int fd = open_restream_port("127.0.0.1", inside ? &inside_port : &outside_port);
      REQUIRE(fd >= 0);
      server->listen(inside, fd);
    }
    access.realm = test::kRealm;
    access.streams = {{5, StreamKind::kMain}, {6, StreamKind::kMain}};
    access.users.push_back({test::user_of("ann", "ann-s-secret"), false, {5}});
    server->allow(access);
  }
  ~World() {
    // The stream may outlive what follows it.
    server.reset();
  }
  /// The camera plays, and what is sent on arrives.
  void play(int64_t us, bool sound = false) {
    for (const int64_t end_us = rig.now_us + us; rig.now_us < end_us;) {
      rig.play(std::min<int64_t>(200'000, end_us - rig.now_us), sound);
      server->tick(rig.now_us);
      rig.settle();
    }
  }
  /// Time passes in silence.
  void wait(int64_t us) {
    for (const int64_t end_us = rig.now_us + us; rig.now_us < end_us;) {
      rig.wait(std::min<int64_t>(100'000, end_us - rig.now_us));
      server->tick(rig.now_us);
      rig.settle();
    }
  }
  std::string url(bool inside, const std::string& path = "/ring/5/main") const {
    return "rtsp://127.0.0.1:" + std::to_string(inside ? inside_port : outside_port) + path;
  }
  size_t recorded() const { return rig.recorded(); }

  LoopbackCamera& camera;
  Rig rig;
  uint16_t inside_port = 0, outside_port = 0;
  RestreamAccess access;
  std::unique_ptr<RestreamServer> server;
};

/// Our own client, as it receives cameras.
class Viewer final : public SessionOwner {
 public:
  Viewer(World& world, bool inside, const std::string& path = "/ring/5/main", const std::string& secret = {})
      : world_(world), buffer_(65536) {
    rtsp::ClientConfig config;
    config.url = world.url(inside, path);
    if (!secret.empty()) {
      config.username = "ann";
      config.password = secret;
    }
    config.user_agent = "viewer";
    config.audio_codecs = ~0u;
    session_ =
        std::make_unique<Session>(world.rig.poller, ByteView(buffer_.data(), buffer_.size()), *this, config);
    const sockaddr_in address = loopback(inside ? world.inside_port : world.outside_port);
    session_->connect(reinterpret_cast<const sockaddr*>(&address), sizeof address, world.rig.now_us);
    world.rig.settle();
  }
  void tick() {
    session_->tick(world_.rig.now_us);
    world_.rig.settle();
  }
  /// The last picture waits for its end otherwise.
  bool ended() const { return session_->ended(); }
  const Session& session() const { return *session_; }

  // SessionOwner
  void on_described(const rtsp::SessionDescription& given) override { description = given; }
  void on_playing(int64_t) override { playing = true; }
  void on_video_unit(const rtsp::AccessUnit& unit) override { pictures.on_access_unit(unit); }
  void on_audio_unit(const rtsp::AccessUnit& unit) override { sounds.on_access_unit(unit); }
  void on_video_packet(int64_t) override {}
  bool on_splice(int64_t) override { return false; }
  void on_sender_report(bool video, const rtsp::SenderReport& report) override {
    (video ? video_reports : sound_reports).push_back(report);
  }

  rtsp::SessionDescription description;
  bool playing = false;
  rtp_test::Collect pictures, sounds;
  std::vector<rtsp::SenderReport> video_reports, sound_reports;
  uint64_t lost() const { return session_->video() ? session_->video()->counters().lost_packets : 0; }

 private:
  World& world_;
  std::vector<uint8_t> buffer_;
  std::unique_ptr<Session> session_;
};

/// A socket in the hands of the test.
class Raw {
 public:
  explicit Raw(World& world, bool inside = true, int receive_bytes = 0) : world_(world) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(fd_ >= 0);
    if (receive_bytes > 0) ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
    const sockaddr_in address = loopback(inside ? world.inside_port : world.outside_port);
    REQUIRE(::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    world.rig.settle();
  }
  ~Raw() { ::close(fd_); }
  Raw(const Raw&) = delete;
  Raw& operator=(const Raw&) = delete;

  void say(const std::string& text) {
    REQUIRE(::send(fd_, text.data(), text.size(), MSG_NOSIGNAL) >= 0);
    world_.rig.settle();
  }
  /// What has come, not waiting.
  std::string take(size_t most = 1 << 20) {
    std::string all;
    char bytes[4096];
    while (all.size() < most) {
      const ssize_t count = ::recv(fd_, bytes, std::min(sizeof bytes, most - all.size()), MSG_DONTWAIT);
      closed_ = closed_ || count == 0;
      if (count <= 0) break;
      all.append(bytes, static_cast<size_t>(count));
    }
    return all;
  }
  /// What has come and what the kernel still has on its way: through a small window that takes a while.
  std::string take_all() {
    constexpr int kQuietMs = 100;
    std::string all = take();
    pollfd waiting{fd_, POLLIN, 0};
    while (!closed() && ::poll(&waiting, 1, kQuietMs) > 0) all += take();
    return all;
  }
  /// The other side has ended.
  bool closed() {
    char byte;
    const ssize_t count = ::recv(fd_, &byte, 1, MSG_DONTWAIT | MSG_PEEK);
    return closed_ || count == 0 || (count < 0 && errno != EAGAIN);
  }
  /// To the answer of PLAY, with `tracks` set up in this order, each on the channels of its number; nothing
  /// is read from then on.
  void play(const std::string& url, const std::vector<int>& tracks = {0}) {
    say("DESCRIBE " + url + " RTSP/1.0\r\nCSeq: 1\r\n\r\n");
    take();
    std::string session;
    for (const int track : tracks) {
      const std::string first = std::to_string(track * 2), second = std::to_string(track * 2 + 1);
      say("SETUP " + url + "/trackID=" + std::to_string(track) + " RTSP/1.0\r\nCSeq: 2\r\n" + session +
          "Transport: RTP/AVP/TCP;interleaved=" + first + "-" + second + "\r\n\r\n");
      const std::string answer = take();
      const size_t at = answer.find("Session: ");
      REQUIRE(at != std::string::npos);
      session = answer.substr(at, 9 + 16) + "\r\n";
    }
    say("PLAY " + url + " RTSP/1.0\r\nCSeq: 3\r\n" + session + "\r\n");
  }
  /// The server's end of the connection; -1 = it has none.
  int server_end() const {
    sockaddr_in own = {}, peer = {};
    socklen_t length = sizeof own;
    REQUIRE(::getsockname(fd_, reinterpret_cast<sockaddr*>(&own), &length) == 0);
    for (int fd = 3; fd < 1024; ++fd) {
      length = sizeof peer;
      if (fd == fd_ || ::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &length) != 0) continue;
      if (peer.sin_family == AF_INET && peer.sin_port == own.sin_port) return fd;
    }
    return -1;
  }

 private:
  World& world_;
  int fd_ = -1;
  bool closed_ = false;
};

}  // namespace restream_rig
