// What the RTSP server allows those whom it does not know, or no more: little time, little work, little
// memory.
#include <netinet/tcp.h>

#include "restream_rig.h"
#include "rtsp/digest.h"

using namespace restream_rig;

namespace {

/// Asks for nothing, sees nothing.
class Nobody final : public RestreamOwner {
 public:
  const rtsp::ServerUser* find_user(std::string_view) override { return nullptr; }
  bool may_see(bool, const std::string&, const StreamKey&, const std::string&) override { return false; }
  RestreamFeed& feed_of(const StreamKey&) override { return feed_; }
  bool room_to_play(bool) override { return false; }
  void on_refused(const std::string&, const std::string&, int64_t) override {}

 private:
  WallClock clock_{0, 0, 1};
  RestreamFeed feed_{{1, StreamKind::kMain}, clock_};
};

int option(int fd, int level, int name) {
  int value = -1;
  socklen_t length = sizeof value;
  REQUIRE(::getsockopt(fd, level, name, &value, &length) == 0);
  return value;
}

}  // namespace

TEST_CASE("restream: a login that is taken away is of no use to whoever has logged in and not asked yet") {
  LoopbackCamera camera;
  World world(camera);
  REQUIRE(world.rig.connect());
  world.play(400'000);
  Raw raw(world, false);
  const std::string url = world.url(false);
  const std::string begin = "SETUP " + url + " RTSP/1.0\r\nCSeq: 1\r\n";
  raw.say(begin + "\r\n");
  rtsp::Message answer;
  REQUIRE(rtsp::parse_message(raw.take(), &answer));
  rtsp::Authenticator authenticator("ann", "ann-s-secret", 5);
  REQUIRE(authenticator.on_unauthorized(answer, false, 0) == rtsp::Authenticator::Advice::kRepeat);
  raw.say(begin + "Authorization: " + authenticator.authorization("SETUP", url) + "\r\n\r\n");
  REQUIRE(raw.take().find("RTSP/1.0 455 ") == 0);
  // A new secret: for a moment there is no such user.
  const RestreamAccess before = world.access;
  world.access.users.clear();
  world.server->allow(world.access);
  world.access = before;
  world.access.users[0].login = test::user_of("ann", "another-secret");
  world.server->allow(world.access);
  world.wait(100'000);
  CHECK(raw.closed());
  world.rig.stop();
}

TEST_CASE("restream: guesses take their time, on each connection") {
  LoopbackCamera camera;
  World world(camera);
  REQUIRE(world.rig.connect());
  Raw raw(world, false);
  const std::string guess =
      "DESCRIBE " + world.url(false) + " RTSP/1.0\r\nCSeq: 1\r\nAuthorization: Basic eDp5\r\n\r\n";
  for (int i = 0; i < 10; ++i) raw.say(guess);
  CHECK(raw.take().empty());
  world.wait(rtsp::ServerSession::kRefusalUs - 100'000);
  CHECK(raw.take().empty());
  CHECK(world.rig.sink.all<RestreamRefusedEvent>().size() == 1);
  world.wait(200'000);
  CHECK(raw.take().find("RTSP/1.0 401 ") == 0);
  world.wait(2 * rtsp::ServerSession::kRefusalUs + 300'000);
  raw.take();
  CHECK(raw.closed());
  CHECK(world.rig.sink.all<RestreamRefusedEvent>().size() == 3);
  world.rig.stop();
}

TEST_CASE("restream: whoever has much to say before it plays waits its turn") {
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
  Poller poller;
  Nobody nobody;
  const WallClock clock{0, 0, 1};
  std::vector<uint8_t> buffer(65536);
  RestreamClient client(ends[0], "10.0.0.7", false, "Thimble", poller, {buffer.data(), buffer.size()}, clock,
                        nobody, kSecond);
  REQUIRE(client.begin());
  int quick = 0;
  for (int i = 0; i < 1000 && !client.ended(); ++i) {
    if (!client.paced()) ++quick;
    REQUIRE(::send(ends[1], "\r\n", 2, MSG_NOSIGNAL) == 2);
    client.on_ready(EPOLLIN, kSecond + i);
  }
  CHECK(quick >= 16);
  CHECK(quick <= RestreamClient::kQuickWakeUps);
  ::close(ends[1]);
}

TEST_CASE("restream: the kernel keeps little for each client, and notices those that are gone") {
  LoopbackCamera camera;
  World world(camera);
  Raw raw(world);
  const int fd = raw.server_end();
  REQUIRE(fd >= 0);
  CHECK(option(fd, SOL_SOCKET, SO_SNDBUF) <= 128 * 1024);
  CHECK(option(fd, SOL_SOCKET, SO_RCVBUF) <= 32 * 1024);
  CHECK(option(fd, SOL_SOCKET, SO_KEEPALIVE) != 0);
  CHECK(option(fd, IPPROTO_TCP, TCP_KEEPIDLE) <= 60);
  CHECK(option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT) > 0);
}
