// One client of the RTSP server: its socket, its conversation and the packets on their way to it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "media/poller.h"
#include "media/restream_feed.h"
#include "media/restream_track.h"
#include "rtsp/server.h"

namespace thimble::media {

/// What a client asks of those who know users, streams and other clients. On the ingest thread.
class RestreamOwner {
 public:
  virtual ~RestreamOwner() = default;
  virtual const rtsp::ServerUser* find_user(std::string_view name) = 0;
  /// `inside`: whoever came that way may see all that there is.
  /// `viewer` empty = nobody is named.
  virtual bool may_see(bool inside, const std::string& user, const StreamKey& key,
                       const std::string& viewer) = 0;
  /// The feed of a stream, which is there until the last client has left it.
  virtual RestreamFeed& feed_of(const StreamKey& key) = 0;
  virtual bool room_to_play(bool inside) = 0;
  virtual void on_refused(const std::string& user, const std::string& address, int64_t now_us) = 0;
};

/// Lives on the ingest thread. It is freed by its owner when it has `ended`, not from within a call.
///
/// It holds no more than `kMostUnsent` bytes of packets: what it takes slowly waits in the ring, and from
/// there goes on at a newer keyframe when it is 3 s late. Who takes nothing for 10 s is cut.
class RestreamClient final : public PollTarget, private rtsp::ServerHandler {
 public:
  static constexpr size_t kMostUnsent = 64 * 1024;
  static constexpr int64_t kStuckUs = 10'000'000;
  /// So long a description waits for a stream that is being connected; receivers give up after 5 s.
  static constexpr int64_t kDescribeUs = 4'000'000;
  /// Wake-ups that are not paced.
  static constexpr int kQuickWakeUps = 32;

  /// Takes the descriptor. `realm` empty = nobody has to log in.
  RestreamClient(int fd, std::string address, bool inside, std::string realm, Poller& poller,
                 ByteView read_buffer, const WallClock& clock, RestreamOwner& owner, int64_t now_us);
  ~RestreamClient() override;

  bool begin();
  void on_ready(uint32_t events, int64_t now_us) override;
  /// What is said before PLAY is answered at once, as far as anybody has that much to say.
  bool paced() const override { return session_.playing() || quick_left_ == 0; }
  void tick(int64_t now_us);
  /// Packets came into the ring. `now_us`: about when.
  void on_packets(int64_t now_us);
  /// Ends at once.
  void close();

  bool ended() const { return fd_ < 0; }
  bool inside() const { return inside_; }
  bool playing() const { return session_.playing(); }
  int64_t since_us() const { return since_us_; }
  const std::string& address() const { return address_; }
  const std::string& user() const { return session_.user(); }
  /// The stream that it asked for; null before.
  const StreamKey* key() const { return feed_ ? &feed_->key() : nullptr; }
  /// For whom it came from inside; empty = it did not say.
  const std::string& viewer() const { return viewer_; }
  uint64_t sent_bytes() const { return sent_bytes_; }
  uint64_t skips() const;

 private:
  // rtsp::ServerHandler
  void on_send(std::string_view bytes) override;
  const rtsp::ServerUser* find_user(std::string_view name) override { return owner_.find_user(name); }
  bool may_see(const std::string& user, const rtsp::ServedPath& path) override;
  void on_describe(const rtsp::ServedPath& path) override;
  bool on_play(const std::vector<rtsp::ServedChannel>& channels, std::vector<rtsp::PlayInfo>* info) override;
  void on_refused(const std::string& name) override { owner_.on_refused(name, address_, now_us_); }
  void on_end() override { ending_ = true; }

  void read();
  void pump();
  bool fill();
  bool write_some();
  void watch();
  void describe_if_known();
  bool description_holds();
  void report_all();
  RestreamTrack* next_track();
  void leave_feed();
  size_t unsent() const { return out_.size() - out_at_; }

  int fd_;
  const std::string address_;
  const bool inside_;
  Poller& poller_;
  const ByteView read_buffer_;
  const WallClock& clock_;
  RestreamOwner& owner_;
  rtsp::ServerSession session_;
  RestreamFeed* feed_ = nullptr;
  std::vector<RestreamTrack> tracks_;  ///< in the order in which they were set up
  std::string cname_;
  std::string viewer_;

  std::string out_;
  size_t out_at_ = 0;
  uint32_t watched_ = 0;
  int quick_left_ = kQuickWakeUps;
  bool ending_ = false;       ///< to be closed when all is sent
  bool shut_ = false;         ///< and that was told: now it is the client's turn
  uint64_t edition_ = 0;      ///< of the feed, for which the description held
  bool more_ = false;         ///< more could be written than was in one go
  bool awaits_rest_ = false;  ///< the session may have requests that it held back
  bool started_ = false;      ///< the packets follow the answer to PLAY
  int64_t now_us_, since_us_, progress_us_, shut_us_ = 0, describe_since_us_ = 0, next_report_us_ = 0;
  uint64_t sent_bytes_ = 0;
};

}  // namespace thimble::media
