// The RTSP server: who may connect and see what, which streams are wanted, and all its clients.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "media/restream_client.h"
#include "media/restream_feed.h"
#include "media/stream.h"

namespace thimble::media {

struct RestreamUser {
  rtsp::ServerUser login;
  bool all_cameras = false;
  std::vector<uint32_t> cameras;  ///< without `all_cameras`
};

/// Who may see what. Whoever may no more is cut.
struct RestreamAccess {
  std::string realm;  ///< of the users' hashes; not empty
  std::vector<RestreamUser> users;
  std::vector<StreamKey> streams;  ///< those that there are
  /// Whoever names itself from inside is one of them.
  std::vector<std::string> viewers;
};

struct RestreamClientStats {
  StreamKey key;
  bool inside = false;
  std::string user, address;
  int64_t since_ms = 0;  ///< UTC
  uint64_t sent_bytes = 0, skips = 0;
};

/// Opens a port for `RestreamServer::listen`, not blocking, on an address as numbers. 0 = any port; `port` is
/// set to what it became. Returns the descriptor, which the caller owns, or -errno.
int open_restream_port(const std::string& host, uint16_t* port);

/// Lives on the ingest thread; `listen`, `allow` and `stats` may be called by others while that rests. There
/// are two ways in: from inside, for this machine's own helpers, where nobody has to log in; and from
/// outside.
class RestreamServer final : private RestreamOwner {
 public:
  /// Of each way. Those that play, and all, of which those that do not play yet make room for others.
  static constexpr size_t kMostPlaying = 48, kMostClients = 64;
  /// So long a stream is kept that nobody takes any more: clients come back.
  static constexpr int64_t kLingerUs = 10'000'000;

  /// Null when there is no such stream.
  using StreamFinder = std::function<Stream*(const StreamKey& key)>;

  RestreamServer(Poller& poller, ByteView read_buffer, const WallClock& clock, EventSink& sink,
                 StreamFinder find)
      : poller_(poller), read_buffer_(read_buffer), clock_(clock), sink_(sink), find_(std::move(find)) {}
  ~RestreamServer() override;

  /// Takes a listening descriptor; -1 = that way is closed, and all who came by it are cut.
  void listen(bool inside, int fd);
  void allow(RestreamAccess access);
  /// A stream is there (again): before its first packet if it is new.
  void attach(Stream& stream);
  /// It goes, and has told its follower so.
  void detach(const StreamKey& key);
  /// Call at least ten times a second while `busy`.
  void tick(int64_t now_us);
  bool busy() const { return !clients_.empty() || !feeds_.empty() || pausing(); }
  void close_all();
  std::vector<RestreamClientStats> stats() const;

 private:
  /// A listening socket.
  class Door final : public PollTarget {
   public:
    Door(RestreamServer& server, bool inside) : server_(server), inside_(inside) {}
    void on_ready(uint32_t, int64_t now_us) override { server_.accept_all(*this, now_us); }
    bool paced() const override { return !inside_; }
    bool inside() const { return inside_; }
    int fd = -1;
    int64_t pause_until_us = 0;  ///< there was no descriptor for another client

   private:
    RestreamServer& server_;
    const bool inside_;
  };
  struct Entry {
    std::unique_ptr<RestreamFeed> feed;
    int64_t unwanted_since_us = 0;  ///< 0 = wanted
  };

  // RestreamOwner
  const rtsp::ServerUser* find_user(std::string_view name) override;
  bool may_see(bool inside, const std::string& user, const StreamKey& key,
               const std::string& viewer) override;
  RestreamFeed& feed_of(const StreamKey& key) override;
  bool room_to_play(bool inside) override;
  void on_refused(const std::string& user, const std::string& address, int64_t now_us) override;

  void accept_all(Door& door, int64_t now_us);
  bool make_room(bool inside);
  void close_door(Door& door);
  bool pausing() const { return inside_.pause_until_us > 0 || outside_.pause_until_us > 0; }
  const RestreamUser* user_named(std::string_view name) const;
  void follow(RestreamFeed& feed, Stream* stream);

  Poller& poller_;
  const ByteView read_buffer_;
  const WallClock& clock_;
  EventSink& sink_;
  Door inside_{*this, true}, outside_{*this, false};
  const StreamFinder find_;
  RestreamAccess access_;
  std::map<std::pair<uint32_t, StreamKind>, Entry> feeds_;
  std::vector<std::unique_ptr<RestreamClient>> clients_;
  int64_t told_refusal_us_ = 0;
};

}  // namespace thimble::media
