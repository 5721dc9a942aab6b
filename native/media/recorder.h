// Decides where the footage of one stream is cut into fragments and segments, and hands them to the writer.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "media/av_sync.h"
#include "media/codec_parameters.h"
#include "media/packet_ring.h"
#include "media/segment.h"
#include "media/track_notes.h"
#include "media/wall_anchor.h"
#include "media/wall_clock.h"
#include "media/writer.h"

namespace thimble::media {

class SoundTrack;

struct RecordPlan {
  int64_t segment_ms = 300000;
  /// Taken off the length of the first segment of a session, so that cameras rotate at different moments.
  int64_t stagger_ms = 0;
  /// Only what `capture` asks for is recorded.
  bool events = false;
};

/// What the recorder needs to know of the session whose packets are in the ring. All borrowed.
struct RecordSession {
  WallAnchor* anchor = nullptr;  ///< media time = video pts in microseconds
  const AvSync* sync = nullptr;  ///< null without sound
  uint32_t audio_rate = 0;       ///< ticks per second of the ring's sound packets
  const SoundTrack* sound = nullptr;
};

/// Where the newest footage of a stream ends. Within a clock generation, later footage never begins before
/// it.
struct FootageEnd {
  int64_t utc_ms = 0;  ///< 0 = there is none
  uint32_t clock_generation = 0;

  bool is_after(const FootageEnd& other) const {
    return clock_generation == other.clock_generation ? utc_ms > other.utc_ms
                                                      : clock_generation > other.clock_generation;
  }
};

struct RecorderCounters {
  uint64_t dropped_bytes = 0;  ///< media that came in and was not recorded although it should have been
  uint64_t late_audio_units = 0;
};

/// Lives on the ingest thread. Times of packets are those of the ring: video 90 kHz, sound in its own rate.
class Recorder {
 public:
  struct Identity {
    uint8_t store[16];
    uint32_t camera;
    StreamKind stream;
  };
  struct Loss {
    int64_t start_ms;
    uint64_t bytes;
  };

  Recorder(const Identity& identity, PacketRing& ring, Writer& writer, const WallClock& clock);

  /// Starts, changes or (nullopt) ends recording; the segment that is open ends with kMode, at the next
  /// keyframe when only events are recorded from now on.
  void set_plan(const std::optional<RecordPlan>& plan, int64_t now_us);
  /// What lies between these moments (monotonic) has to be on the disk soon. With a plan for events, footage
  /// begins at the newest keyframe in the ring that is not younger than `from_us`, but never in what is
  /// recorded already, and ends before the first keyframe behind `until_us`. A later call moves the end, both
  /// ways. Works between two sessions too, as long as the ring holds the old one. Continuous footage is only
  /// made durable at once.
  void capture(int64_t from_us, int64_t until_us, int64_t now_us);
  /// Footage of an earlier recorder or run; what is older than what is known changes nothing.
  void begin_after(const FootageEnd& end) {
    if (end.is_after(last_end_)) last_end_ = end;
  }
  const FootageEnd& footage_end() const { return last_end_; }
  bool recording() const { return plan_.has_value(); }
  void begin_session(const RecordSession& session);
  /// What the next keyframe brings. `audio` null = no sound track in the files.
  void set_parameters(const VideoParameters& video, const AudioParameters* audio);
  /// The packet `index` was pushed to the ring's video track. `jump`: the camera's time line broke before it.
  void on_video(uint64_t index, bool jump, int64_t now_us);
  /// The time line of the sound changed its way: the file cannot follow that, another one can.
  void on_sound_switch() { jumped_ = true; }
  /// A sound packet was pushed.
  void on_audio(int64_t now_us);
  /// About ten times a second: lets a fragment go when no picture follows, ends the wait for late sound.
  void tick(int64_t now_us);
  /// The clock of the board stepped: the segment ends at the next keyframe.
  void on_clock_step() { clock_stepped_ = true; }
  /// The session is over (or the stream is): everything that is whole is handed over, the segment ends. With
  /// a plan for events the anchor may go now, and what the ring still holds can be captured until
  /// drop_session.
  void end_session(EndReason reason);
  /// Before the ring is emptied for a new session.
  void drop_session();
  /// The writer gave the segment up. Another one is begun at a keyframe, not before `retry_us`.
  void on_segment_failed(SegmentHandle handle, int64_t retry_us);
  void on_segment_closed(SegmentHandle handle);
  /// True while the writer has files of this stream that it has not reported as closed or failed.
  bool files_pending() const { return !files_.empty(); }

  /// First video packet that is not handed over yet; the ring must keep it.
  uint64_t keep_video() const {
    return open_ ? next_video_ : plan_ && session_.anchor && !idle() ? intake_ : UINT64_MAX;
  }
  uint64_t keep_audio() const { return open_ ? next_audio_ : UINT64_MAX; }
  /// Set when the disk was too slow: since when pictures are missing, and the bytes of the first that are.
  /// Cleared by the call. At most 1 s late: a segment that the writer gave up refuses fragments too, and that
  /// is told by on_segment_failed.
  std::optional<Loss> take_loss(int64_t now_us);
  /// libavformat did not take the sound's parameters: files have none until others come.
  bool sound_refused() const { return sound_refused_; }
  /// Set when libavformat refused the codec parameters: why. Cleared by the call.
  std::string take_init_error();
  const RecorderCounters& counters() const { return counters_; }
  /// The open segment, 0 = none.
  SegmentHandle open_handle() const { return open_ ? open_->handle : 0; }
  /// UTC of the end of what was handed to the writer for the open segment.
  int64_t handed_end_ms() const { return handed_end_ms_; }

 private:
  struct Segment {
    SegmentHandle handle = 0;  ///< 0 until the first fragment is handed over
    SegmentIdentity identity;
    VideoParameters parameters;
    bool start_fixed = false;  ///< identity has its times
    bool continues = false;    ///< directly on the end of the last footage
    bool follows_sound =
        false;               ///< directly on a file with sound: what comes before it came too late for that
    int64_t shorter_ms = 0;  ///< than the plan says
    int64_t zero90k = 0;     ///< file time zero: dts of the first keyframe
    int64_t first_pts90k = 0;
    int64_t clock_offset_us = 0;
    bool has_audio = false;
    uint32_t sound_rate = 0;     ///< timescale of its sound track
    uint32_t frame_samples = 0;  ///< usual ones of a frame, at that rate
    int64_t audio_zero = 0;      ///< sound ticks at file time zero
  };
  /// A segment whose pictures are complete and whose sound may still be on its way.
  struct Closing {
    Segment segment;
    int64_t audio_border;  ///< sound ticks where it ends
    int64_t end_ms;
    EndReason reason;
    int64_t deadline_us;
  };

  /// Below this (90 kHz) a new estimate of the distance of sound and picture is noise of the network.
  static constexpr int64_t kResync90k = 900;

  struct Capture {
    int64_t until_us;
  };

  bool idle() const { return plan_->events && !capture_ && !open_; }
  bool disk_ready(int64_t now_us) const;
  /// Takes the pictures that the ring holds behind the intake, as far as the writer's queue has room.
  void advance(int64_t now_us, bool to_the_end = false);
  void take(uint64_t index, int64_t now_us);
  void take_notes(uint64_t index);
  bool behind() const { return intake_ < ring_.video().end(); }
  void limit_lag();
  void rewind(int64_t from_us);
  bool capture_over(const Packet& packet) const;
  int64_t monotonic_us(int64_t ticks90k) const;
  std::optional<int64_t> audio_origin90k() const;
  void begin_or_drop(uint64_t index, int64_t now_us);
  void begin_segment(uint64_t index);
  void fix_start(Segment& segment);
  bool open_file(Segment& segment);
  // These two and hand_over return false when the segment cannot go on; the caller gives it up.
  bool go_on(uint64_t index, int64_t now_us);
  bool rotate(uint64_t index, EndReason reason, int64_t last_duration, int64_t now_us);
  bool end_before(uint64_t index, int64_t now_us);
  void leave(Segment&& old, int64_t border90k, int64_t end_ms, EndReason reason, int64_t now_us);
  /// Hands over the pictures up to `video_end` and the sound before `audio_until`.
  bool hand_over(Segment& segment, uint64_t video_end, int64_t last_duration, int64_t audio_until,
                 bool final_audio);
  /// Returns where the pictures end (90 kHz).
  int64_t add_video(const Segment& segment, uint64_t end, int64_t last_duration, Fragment* fragment);
  void add_audio(Segment& segment, int64_t until, bool final_audio, Fragment* fragment);
  void follow_sync(Segment& segment, int64_t passed_ticks);
  void give_up(EndReason reason);
  void finish_closing();
  void finish(EndReason reason);
  void close_file(const Segment& segment, int64_t end_ms, EndReason reason);
  bool sound_flows() const;
  /// The file is not made yet because it is not known whether it needs a sound track.
  bool awaits_sound() const;
  void flushed(int64_t at_us);
  std::optional<EndReason> reason_to_rotate(const Packet& packet) const;
  int64_t audio_ticks(const Segment& segment, int64_t pts90k) const;
  int64_t utc_ms(const Segment& segment, int64_t pts90k) const;
  int64_t usual_duration() const;

  const Identity identity_;
  PacketRing& ring_;
  Writer& writer_;
  const WallClock& clock_;

  std::optional<RecordPlan> plan_;
  RecordSession session_;
  VideoParameters video_parameters_;
  std::optional<AudioParameters> audio_parameters_;
  std::optional<int64_t> audio_origin90k_;  ///< video time of sound tick 0 that the files use
  bool parameters_changed_ = false, jumped_ = false, clock_stepped_ = false, first_of_session_ = true;

  TrackNotes notes_;     ///< of pictures behind the intake
  uint64_t intake_ = 0;  ///< the first picture that was not looked at
  std::optional<Capture> capture_;
  /// Between sessions: what is left of the old one.
  bool parked_ = false;
  WallAnchor parked_anchor_;
  std::optional<int64_t> parked_origin90k_;
  /// The first picture dated at or after this moment completes a fragment that is synced at once.
  int64_t flush_at_us_ = INT64_MAX;
  int64_t flush_asked_us_ = INT64_MIN / 2;  ///< the latest moment that was asked for
  int64_t flushed_at_us_ = INT64_MIN / 2;

  std::set<SegmentHandle> files_;  ///< opened and not yet reported as closed or failed
  std::optional<Segment> open_;
  std::optional<Closing> closing_;
  uint64_t next_video_ = 0, next_audio_ = 0;
  uint64_t pending_bytes_ = 0;
  FootageEnd last_end_;
  uint64_t ended_before_ = UINT64_MAX;  ///< the keyframe before which footage of an event ended
  int64_t handed_end_ms_ = 0;
  int64_t not_before_us_ = 0;  ///< after a failure of the disk
  /// The writer took no more of a segment, and has not said yet whether it gave it up.
  struct Refusal {
    SegmentHandle handle = 0;
    Loss loss;
    int64_t since_us = 0;  ///< 0 until the next tick
    bool confirmed = false;
  };
  std::optional<Refusal> refusal_;
  bool loss_seen_ = false;  ///< pictures are being dropped since the last segment
  std::string init_error_;
  bool init_refused_ = false;   ///< libavformat does not take the parameters in force
  bool sound_refused_ = false;  ///< nor, in a file that has pictures all the same, those of the sound
  RecorderCounters counters_;
};

}  // namespace thimble::media
