// What the clients of the RTSP server read of one stream: its ring, what has to be known before, and where
// its time lines broke.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "media/events.h"
#include "media/packet_ring.h"
#include "media/ring_follower.h"
#include "media/wall_clock.h"
#include "rtsp/served_track.h"

namespace thimble::media {

class RestreamClient;

/// One per stream that somebody wants, connected or not. It copies nothing: clients look packets up in the
/// ring when they can take them.
class RestreamFeed final : public RingFollower {
 public:
  RestreamFeed(const StreamKey& key, const WallClock& clock) : key_(key), clock_(clock) {}

  const StreamKey& key() const { return key_; }
  /// The ring that is followed; null = the stream is not there. Before Stream::follow.
  void set_ring(PacketRing* ring) { ring_ = ring; }
  void add(RestreamClient* client) { clients_.push_back(client); }
  void remove(RestreamClient* client);
  bool wanted() const { return !clients_.empty(); }

  /// The tracks as they can be described now; empty while no picture is known. Sound is the last.
  std::vector<rtsp::ServedTrack> tracks() const;
  /// One of them, as far as it is known; that of the sound perhaps before that of the pictures.
  std::optional<rtsp::ServedTrack> picture_track() const;
  std::optional<rtsp::ServedTrack> sound_track() const;
  /// Changes when these may give others.
  uint64_t edition() const { return edition_; }
  /// Counts the sessions: packet numbers and times mean something within one only.
  uint64_t session_number() const { return session_number_; }
  /// What a client that plays reads. Null between sessions, and of sound that is not there.
  const PacketTrack* pictures() const { return session_ && ring_ ? &ring_->video() : nullptr; }
  const PacketTrack* sound() const;
  /// The newest keyframe, or the end of the pictures. `pictures` must not be null.
  uint64_t newest_key() const { return ring_->newest_key(); }
  /// A picture's time on the time line of the sound, as far as that is known; else the least there is.
  int64_t sound_ticks(int64_t pts90k) const;
  /// The first sound packet that is heard from a picture's time on. `sound` must not be null.
  uint64_t sound_at(int64_t pts90k) const;
  /// A time line broke in (after, index].
  bool broke(bool video, uint64_t after, uint64_t index) const;
  /// The parameter sets of the keyframe `index`; may be empty.
  std::vector<ByteView> sets_of(uint64_t index) const;
  /// UTC in microseconds of tick 0 of a track's times, as it is known now.
  std::optional<int64_t> zero_utc_us(bool video) const;

  // RingFollower
  void begin_session(const RecordSession& session) override;
  void end_session() override;
  void set_parameters(const VideoParameters& video, const AudioParameters* audio) override;
  void on_clock_step() override {}
  void on_video(uint64_t index, bool jump) override;
  void on_audio(bool jump) override;

 private:
  struct Sets {
    uint64_t index;  ///< of the first keyframe that they hold for
    VideoParameters video;
  };
  void note_break(bool video, uint64_t index);
  void tell_clients(int64_t now_us);

  const StreamKey key_;
  const WallClock& clock_;
  PacketRing* ring_ = nullptr;
  std::optional<RecordSession> session_;
  uint64_t session_number_ = 0, edition_ = 0;
  VideoParameters video_;
  bool changed_ = true;  ///< `video_` is not in `sets_` yet
  std::deque<Sets> sets_;
  std::deque<uint64_t> video_breaks_, sound_breaks_;
  std::vector<RestreamClient*> clients_;
};

}  // namespace thimble::media
