// Makes the fragments that live viewers of one stream get: a picture each, as it comes, written once for all
// of them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "media/codec_parameters.h"
#include "media/events.h"
#include "media/fragment.h"
#include "media/packet_ring.h"
#include "media/recorder.h"
#include "media/ring_follower.h"
#include "media/wall_clock.h"

namespace thimble::media {

/// Lives on the ingest thread, and only while somebody watches. Media time goes on over parameter changes and
/// sessions as the wall clock does, so that whoever keeps what came before need not move it.
class LiveFeed final : public RingFollower {
 public:
  /// What may be on its way to the shell, of all feeds that share an account. Beyond it everything up to the
  /// next keyframe is left out: the shell hangs, and neither memory nor the camera waits for it.
  static constexpr size_t kMostOnTheWay = 8u << 20;
  /// A GOP so far that is larger begins with its keyframe alone: clients and their queues have bounds too.
  static constexpr size_t kMostBegin = 3u << 20;

  /// All borrowed. `zero_ms`: UTC from which media time is counted, so that a feed that begins again, or one
  /// of another stream, goes on where viewers were; 0 = from its first picture.
  LiveFeed(const StreamKey& key, bool sound, PacketRing& ring, const WallClock& clock, EventSink& sink,
           LiveBytes::Account on_the_way, int64_t zero_ms = 0)
      : key_(key),
        sound_(sound),
        ring_(ring),
        clock_(clock),
        sink_(sink),
        on_the_way_(std::move(on_the_way)),
        zero_ms_(zero_ms) {}

  bool sound() const { return sound_; }
  void begin_session(const RecordSession& session) override;
  void end_session() override;
  void set_parameters(const VideoParameters& video, const AudioParameters* audio) override;
  /// Times are told anew with the next keyframe.
  void on_clock_step() override { changed_ = true; }
  /// Gives `viewer` the header and what the ring holds from the newest keyframe on, in one fragment; what
  /// follows is for all. Without a keyframe nothing: the next one is for all.
  /// `key_alone`: only the keyframe.
  void begin(uint64_t viewer, bool key_alone = false);
  void on_video(uint64_t index, bool jump) override;
  /// Sound goes with the next picture, or alone when none comes for long.
  void on_audio(bool jump) override;

 private:
  struct Header {
    uint64_t generation = 0;
    std::string codecs;
    int width = 0, height = 0;
    double fps = 0;
    int64_t zero_ms = 0;
    std::shared_ptr<const LiveBytes> init;
  };

  bool open(uint64_t key_index);
  bool make_init();
  void set_zero(const Packet& first);
  bool sound_flows() const;
  bool awaits_sound(int64_t now_us) const;
  int64_t utc_ms(int64_t pts90k) const;
  int64_t sound_time(int64_t ticks) const;
  uint64_t sound_at(int64_t pts90k) const;
  void follow_sync(int64_t passed_ticks);
  void add_video(uint64_t from, uint64_t to, Fragment* fragment) const;
  /// Advances `cursor` over the sound whose duration is known, up to `end`. `follow`: the sound's place may
  /// be moved on the way.
  void add_audio(uint64_t* cursor, uint64_t end, bool follow, Fragment* fragment);
  bool send(uint64_t viewer, const Fragment& fragment, bool goes_on);
  void send_header(uint64_t viewer, int64_t first_pts90k);
  void send_begin(uint64_t viewer, bool key_alone);

  const StreamKey key_;
  const bool sound_;
  PacketRing& ring_;
  const WallClock& clock_;
  EventSink& sink_;
  const LiveBytes::Account on_the_way_;

  std::optional<RecordSession> session_;
  VideoParameters video_;
  std::optional<AudioParameters> audio_;
  bool refused_ = false;  ///< libavformat does not take these parameters
  bool changed_ = false;  ///< a header is due with the next keyframe
  bool broken_ = true;    ///< and media time is tied to the wall clock anew
  bool awaits_key_ = true;
  int64_t began_us_ = 0;  ///< arrival of the first picture of a session that was watched from its beginning

  bool open_ = false;  ///< header_ and what is below hold
  Header header_;
  bool has_audio_ = false;
  int64_t zero90k_ = 0;            ///< ring time of media time 0
  int64_t zero_ms_;                ///< UTC of media time 0, as of the newest header; 0 = not decided
  std::optional<int64_t> end90k_;  ///< media time where the newest picture ends
  int64_t frame90k_ = 3600;        ///< duration of a picture that none follows yet
  int64_t last_dts_ = 0;
  uint64_t broke_at_ = UINT64_MAX;  ///< pictures from here on are of another time line
  int64_t audio_origin90k_ = 0, audio_zero_ = 0;
  uint64_t next_audio_ = 0;
  int64_t sent_at_us_ = 0;  ///< arrival of what was sent last
  uint32_t sequence_ = 0;
};

}  // namespace thimble::media
