// See restream_server.h.
#include "media/restream_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "rtsp/connector.h"

namespace thimble::media {

namespace {
constexpr int kBacklog = 32, kMostAccepted = 16;
constexpr int64_t kPauseUs = 1'000'000, kBetweenRefusalsUs = 1'000'000;
/// What the kernel keeps for a client that takes nothing; it doubles it. A board of 64 MB has 3.5 MB for all
/// its connections (tcp_mem) before those of the cameras suffer.
constexpr int kSendBufferBytes = 64 * 1024;
/// And of what a client says, known or not. Requests are small.
constexpr int kReceiveBufferBytes = 16 * 1024;
constexpr int kUnacknowledgedMs = 15'000;
/// A client to which nothing is sent, since its camera is away, is asked so often whether it is still there.
constexpr int kAskS = 30;

void set_up_client(int fd) {
  const int on = 1, send_bytes = kSendBufferBytes, timeout_ms = kUnacknowledgedMs, ask_s = kAskS;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &ask_s, sizeof ask_s);
  setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, sizeof timeout_ms);
  setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send_bytes, sizeof send_bytes);
}

std::string words_of(const sockaddr_storage& address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
  } else if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
      inet_ntop(AF_INET, v6.sin6_addr.s6_addr + 12, text, sizeof text);
    } else {
      inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
    }
  }
  return text;
}
}  // namespace

int open_restream_port(const std::string& host, uint16_t* port) {
  rtsp::SocketAddress address;
  if (!rtsp::parse_address(host, *port, &address)) return -EINVAL;
  const int fd = socket(address.get()->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  const int on = 1, receive_bytes = kReceiveBufferBytes;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  // Those that are accepted have it from the start.
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
  sockaddr_storage bound = {};
  socklen_t length = sizeof bound;
  if (bind(fd, address.get(), address.length()) != 0 || ::listen(fd, kBacklog) != 0 ||
      getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &length) != 0) {
    const int error = errno;
    ::close(fd);
    return -error;
  }
  // The port lies at the same place for both kinds of addresses.
  *port = ntohs(reinterpret_cast<const sockaddr_in&>(bound).sin_port);
  return fd;
}

RestreamServer::~RestreamServer() {
  close_all();
}

void RestreamServer::close_door(Door& door) {
  if (door.fd < 0) return;
  if (door.pause_until_us == 0) poller_.remove(door.fd);
  ::close(door.fd);
  door.fd = -1;
  door.pause_until_us = 0;
  for (const auto& client : clients_) {
    if (client->inside() == door.inside()) client->close();
  }
}

void RestreamServer::listen(bool inside, int fd) {
  Door& door = inside ? inside_ : outside_;
  close_door(door);
  door.fd = fd;
  if (fd >= 0) poller_.add(fd, EPOLLIN, &door);
}

void RestreamServer::allow(RestreamAccess access) {
  access_ = std::move(access);
  for (const auto& client : clients_) {
    // Who is still to log in is judged then.
    const std::string& user = client->user();
    const bool sees = client->key() ? may_see(client->inside(), user, *client->key(), client->viewer())
                                    : user.empty() || user_named(user);
    if (!sees) client->close();
  }
}

void RestreamServer::close_all() {
  close_door(inside_);
  close_door(outside_);
  clients_.clear();
  for (auto& [key, entry] : feeds_) follow(*entry.feed, nullptr);
  feeds_.clear();
}

// --- streams

void RestreamServer::follow(RestreamFeed& feed, Stream* stream) {
  Stream* const before = find_(feed.key());
  if (!stream) {
    if (before) before->follow(nullptr);
    feed.set_ring(nullptr);
    return;
  }
  feed.set_ring(&stream->ring());
  stream->follow(&feed);
}

void RestreamServer::attach(Stream& stream) {
  const auto entry = feeds_.find({stream.key().camera, stream.key().stream});
  if (entry != feeds_.end()) follow(*entry->second.feed, &stream);
}

void RestreamServer::detach(const StreamKey& key) {
  const auto entry = feeds_.find({key.camera, key.stream});
  if (entry != feeds_.end()) entry->second.feed->set_ring(nullptr);
}

RestreamFeed& RestreamServer::feed_of(const StreamKey& key) {
  Entry& entry = feeds_[{key.camera, key.stream}];
  entry.unwanted_since_us = 0;
  if (!entry.feed) {
    entry.feed = std::make_unique<RestreamFeed>(key, clock_);
    if (Stream* const stream = find_(key)) follow(*entry.feed, stream);
    sink_.on_event(RestreamWantedEvent{key, true});
  }
  return *entry.feed;
}

// --- who may

const RestreamUser* RestreamServer::user_named(std::string_view name) const {
  const auto found = std::find_if(access_.users.begin(), access_.users.end(),
                                  [name](const RestreamUser& user) { return user.login.name == name; });
  return found == access_.users.end() ? nullptr : &*found;
}

const rtsp::ServerUser* RestreamServer::find_user(std::string_view name) {
  const RestreamUser* const user = user_named(name);
  return user ? &user->login : nullptr;
}

bool RestreamServer::may_see(bool inside, const std::string& name, const StreamKey& key,
                             const std::string& viewer) {
  const auto& streams = access_.streams;
  if (std::find(streams.begin(), streams.end(), key) == streams.end()) return false;
  if (inside) {
    const auto& viewers = access_.viewers;
    return viewer.empty() || std::find(viewers.begin(), viewers.end(), viewer) != viewers.end();
  }
  const RestreamUser* const user = user_named(name);
  if (!user) return false;
  return user->all_cameras ||
         std::find(user->cameras.begin(), user->cameras.end(), key.camera) != user->cameras.end();
}

bool RestreamServer::room_to_play(bool inside) {
  const auto playing = [inside](const auto& client) {
    return !client->ended() && client->inside() == inside && client->playing();
  };
  return static_cast<size_t>(std::count_if(clients_.begin(), clients_.end(), playing)) < kMostPlaying;
}

void RestreamServer::on_refused(const std::string& user, const std::string& address, int64_t now_us) {
  if (told_refusal_us_ > 0 && now_us - told_refusal_us_ < kBetweenRefusalsUs) return;
  told_refusal_us_ = now_us;
  sink_.on_event(RestreamRefusedEvent{user, address});
}

// --- clients

/// Who does not play yet makes room, of the address that has most of them the oldest. False when all play.
bool RestreamServer::make_room(bool inside) {
  const auto counts = [inside](const RestreamClient& client) {
    return !client.ended() && client.inside() == inside;
  };
  size_t all = 0;
  std::map<std::string, size_t> waiting;
  for (const auto& client : clients_) {
    if (!counts(*client)) continue;
    ++all;
    if (!client->playing()) ++waiting[client->address()];
  }
  if (all < kMostClients) return true;
  RestreamClient* oldest = nullptr;
  for (const auto& client : clients_) {
    if (!counts(*client) || client->playing()) continue;
    const size_t own = waiting[client->address()], most = oldest ? waiting[oldest->address()] : 0;
    if (own > most || (own == most && client->since_us() < oldest->since_us())) oldest = client.get();
  }
  if (oldest) oldest->close();
  return oldest != nullptr;
}

void RestreamServer::accept_all(Door& door, int64_t now_us) {
  for (int i = 0; i < kMostAccepted && door.fd >= 0; ++i) {
    sockaddr_storage address = {};
    socklen_t length = sizeof address;
    const int fd =
        accept4(door.fd, reinterpret_cast<sockaddr*>(&address), &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED) return;
      // Without a descriptor the socket would stay readable: nobody is let in for a moment.
      poller_.remove(door.fd);
      door.pause_until_us = now_us + kPauseUs;
      return;
    }
    // Before it is said who may log in, nobody is asked for a login either.
    const bool closed = !door.inside() && access_.realm.empty();
    if (closed || !make_room(door.inside())) {
      ::close(fd);
      continue;
    }
    set_up_client(fd);
    clients_.push_back(std::make_unique<RestreamClient>(
        fd, words_of(address), door.inside(), door.inside() ? "" : access_.realm, poller_, read_buffer_,
        clock_, static_cast<RestreamOwner&>(*this), now_us));
    clients_.back()->begin();
  }
}

void RestreamServer::tick(int64_t now_us) {
  for (Door* door : {&inside_, &outside_}) {
    if (door->pause_until_us == 0 || now_us < door->pause_until_us) continue;
    door->pause_until_us = 0;
    poller_.add(door->fd, EPOLLIN, door);
  }
  for (const auto& client : clients_) client->tick(now_us);
  clients_.erase(std::remove_if(clients_.begin(), clients_.end(), [](const auto& c) { return c->ended(); }),
                 clients_.end());
  for (auto at = feeds_.begin(); at != feeds_.end();) {
    Entry& entry = at->second;
    if (entry.feed->wanted())
      entry.unwanted_since_us = 0;
    else if (entry.unwanted_since_us == 0)
      entry.unwanted_since_us = now_us;
    if (entry.unwanted_since_us == 0 || now_us - entry.unwanted_since_us < kLingerUs) {
      ++at;
      continue;
    }
    const StreamKey key = entry.feed->key();
    follow(*entry.feed, nullptr);
    at = feeds_.erase(at);
    sink_.on_event(RestreamWantedEvent{key, false});
  }
}

std::vector<RestreamClientStats> RestreamServer::stats() const {
  std::vector<RestreamClientStats> all;
  for (const auto& client : clients_) {
    if (client->ended() || !client->playing() || !client->key()) continue;
    all.push_back({*client->key(), client->inside(), client->user(), client->address(),
                   clock_.utc_ms(client->since_us()), client->sent_bytes(), client->skips()});
  }
  return all;
}

}  // namespace thimble::media
