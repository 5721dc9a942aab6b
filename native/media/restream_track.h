// One track on its way to one client of the RTSP server: which packet is next, and when it is shown there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "media/restream_feed.h"
#include "rtsp/packetizer.h"
#include "rtsp/server.h"

namespace thimble::media {

/// The client's time line goes on over the camera's sessions and steps: what breaks there goes on here as
/// late as it arrived.
class RestreamTrack {
 public:
  RestreamTrack(const rtsp::ServedTrack& track, const rtsp::ServedChannel& channel);

  bool is_video() const { return video_; }
  /// Puts the next packet to be sent: pictures at the newest keyframe, without one at the next that comes;
  /// sound where that picture is heard, or, without a picture, now. `picture`: null, or the other track.
  void start(const RestreamFeed& feed, const RestreamTrack* picture);
  /// What the client is told before the first packet.
  rtsp::PlayInfo info(const RestreamFeed& feed) const;

  /// Follows the ring: leaves out what it does not hold any more, and what a client that lags would get too
  /// late. Returns false when there is nothing to send; else `arrival_us` is when what is next came in.
  bool ready(const RestreamFeed& feed, int64_t* arrival_us);
  /// Adds one RTP packet to `out`. Only behind `ready`.
  void write(const RestreamFeed& feed, std::string* out);
  /// Pictures were left out: sound goes on at `pts90k`.
  void follow_picture(const RestreamFeed& feed, int64_t pts90k);
  /// The time of the keyframe to which pictures were last moved on; taken by this call.
  std::optional<int64_t> take_move() { return std::exchange(moved_to90k_, std::nullopt); }

  /// Adds a sender report, when it can be said which moment a time is.
  void report(const RestreamFeed& feed, int64_t now_us, int64_t offset_us, std::string_view cname,
              std::string* out);
  /// Its times have been tied to others, so that a report is due; taken by this call.
  bool take_tie() { return std::exchange(newly_tied_, false); }
  /// How often it was moved on.
  uint64_t skips() const { return skips_; }

 private:
  class Unit;
  struct Last {
    uint64_t index;
    int64_t latest;  ///< of all that was sent: pictures are sent in the order of decoding. Ticks + offset_
    int64_t arrival_us;
  };

  const PacketTrack* source(const RestreamFeed& feed) const {
    return video_ ? feed.pictures() : feed.sound();
  }
  void move_on(const RestreamFeed& feed, const PacketTrack& source);
  void begin_unit(const RestreamFeed& feed, const PacketTrack& source);
  void follow_time(const RestreamFeed& feed, const Packet& packet);

  const bool video_;
  const int64_t rate_;
  rtsp::Packetizer packetizer_;
  uint64_t session_ = 0;    ///< of the feed, in which next_ counts; 0 = none
  uint64_t next_ = 0;       ///< the packet under way, or to come
  bool await_key_ = false;  ///< pictures before the next keyframe are of no use
  int64_t offset_ = 0;      ///< RTP time - ticks
  int64_t lead_ = 0;        ///< ticks from the first picture to the first packet
  bool tied_ = false;       ///< offset_ holds for next_
  bool newly_tied_ = false;
  std::optional<Last> last_;
  std::optional<int64_t> zero_utc_us_;  ///< as it was told last
  std::optional<int64_t> moved_to90k_;
  uint64_t skips_ = 0;
};

}  // namespace thimble::media
