// One stream of one camera: keeps a session alive, fills the ring, feeds the recorder, says how it goes.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "media/av_sync.h"
#include "media/codec_parameters.h"
#include "media/decode_times.h"
#include "media/events.h"
#include "media/gop_meter.h"
#include "media/key_picture.h"
#include "media/live_feed.h"
#include "media/packet_ring.h"
#include "media/parameter_sets.h"
#include "media/rate_meter.h"
#include "media/recorder.h"
#include "media/retry.h"
#include "media/ring_follower.h"
#include "media/session.h"
#include "media/sound_track.h"
#include "media/stream_problems.h"
#include "media/track_clock.h"
#include "media/wall_clock.h"
#include "media/writer.h"
#include "rtsp/connector.h"

namespace thimble::media {

struct StreamSettings {
  StreamKey key;
  std::vector<std::string>
      urls;  ///< tried in turn; none = there is no way at present, and it is waited for one
  std::string username, password;
  bool audio = true;
  bool allow_loopback = false;
  bool hub = false;  ///< the URLs lead to go2rtc, and it to the camera
  bool record = false;
  bool events = false;      ///< records only what `capture` asks for
  int64_t pre_roll_ms = 0;  ///< how far back a capture may reach when it is asked for at once
  int64_t segment_ms = 300000;
  int64_t stagger_ms = 0;
  size_t ring_max_bytes = 8u << 20;
  FootageEnd footage_end;  ///< of earlier runs: new footage does not overlap it
};

struct StreamStats {
  StreamKey key;
  LinkState state = LinkState::kConnecting;
  int64_t last_packet_ms = 0;
  double fps = 0;
  double bitrate_bps = 0;
  int64_t gop_ms = 0;
  int64_t ring_ms = 0;  ///< how far back it reaches, from a keyframe on
  uint64_t ring_bytes = 0, reconnects = 0, received_bytes = 0;
  uint64_t lost_packets = 0, damaged_units = 0, dropped_bytes = 0, late_audio_units = 0;
  SegmentHandle open_segment = 0;
};

/// What streams share. All borrowed, on the ingest thread.
struct StreamContext {
  Poller& poller;
  rtsp::Resolver& resolver;
  Writer& writer;
  WallClock& clock;
  EventSink& sink;
  ByteView read_buffer;
  const uint8_t* store;
  const std::string& user_agent;
  LiveBytes::Account live_on_the_way = std::make_shared<std::atomic<size_t>>(0);
  int64_t live_zero_ms = 0;  ///< UTC from which the media time of live feeds is counted; 0 = each its own
};

/// Lives on the ingest thread; not movable.
class Stream final : private SessionOwner {
 public:
  /// `earlier`: where footage of this stream ended before, so that new footage does not overlap it.
  Stream(const StreamContext& context, StreamSettings settings, const FootageEnd& earlier, int64_t now_us);
  ~Stream() override;

  /// Takes new settings; the session starts anew only when the way to the camera changed.
  void set(StreamSettings settings, int64_t now_us);
  void tick(int64_t now_us);
  /// As Recorder::capture; times are UTC by the engine's clock.
  void capture(int64_t from_ms, int64_t until_ms, int64_t now_us);
  /// Ends session and segment. The stream is `idle` once the camera was told (at most 200 ms).
  void stop(EndReason reason, int64_t now_us);
  bool idle() const { return stopped_ && !session_; }
  bool files_pending() const { return recorder_.files_pending(); }
  void on_segment_closed(SegmentHandle handle) { recorder_.on_segment_closed(handle); }
  FootageEnd footage_end() const { return recorder_.footage_end(); }
  void on_clock_step();
  void on_segment_failed(SegmentHandle handle, uint64_t lost_bytes, int64_t now_us);

  /// Begins the feed for viewers with or without sound when there is none yet; `viewer` (0 = none) gets its
  /// begin at once when there is one, see LiveFeed::begin. Sound of cameras that send none that browsers know
  /// is made AAC of as long as somebody hears it.
  void watch_live(bool sound, uint64_t viewer);
  void end_live(bool sound);
  /// `follower` (null = none) is told of all that comes from now on, and at once of what is known, until the
  /// stream stops or another one follows. G.711 and L16 are kept as they come for it.
  void follow(RingFollower* follower);
  PacketRing& ring() { return ring_; }
  /// Gives `viewer` a header and the newest keyframe alone; nothing follows.
  void show_key(uint64_t viewer);
  /// The newest keyframe, as make_picture takes it. False without one.
  bool key_picture(KeyPicture* picture) const;

  const StreamKey& key() const { return settings_.key; }
  StreamStats stats(int64_t now_us) const;

 private:
  /// A picture whose time is not decided yet.
  struct Undated {
    Packet packet;
    std::unique_ptr<VideoParameters> parameters;  ///< in force from this keyframe on
  };

  // SessionOwner
  void on_described(const rtsp::SessionDescription& description) override;
  void on_playing(int64_t now_us) override;
  void on_video_unit(const rtsp::AccessUnit& unit) override;
  void on_audio_unit(const rtsp::AccessUnit& unit) override;
  void on_video_packet(int64_t now_us) override;
  void on_sender_report(bool video, const rtsp::SenderReport& report) override;
  bool on_splice(int64_t now_us) override;

  std::optional<RecordPlan> plan() const;
  void hold_pre_roll();
  void begin_attempt(int64_t now_us);
  void on_resolved(const rtsp::ResolveResult& result, int64_t now_us);
  void end_attempt(int64_t now_us);
  void flush_lines(int64_t now_us);
  void end_session(int64_t now_us);
  Session::End end_behind_hub(Session::End end) const;
  bool left_hub(int64_t now_us);
  int64_t stall_limit_us() const;
  void fail(LinkProblem problem, const std::string& message, int retry_after_s, int64_t now_us);
  void watch(int64_t now_us);
  void report(LinkState state, LinkProblem problem = LinkProblem::kNone, const std::string& message = "");
  void report_losses(int64_t now_us);
  void report_parameters();
  void report_problems(int64_t now_us);

  bool left_out(uint8_t nal_type) const;
  bool store_picture(const rtsp::AccessUnit& unit, Packet* packet);
  void date_pictures(int64_t now_us);
  void push_picture(Undated& undated, const TimelineStamp& stamp, int64_t now_us);
  void date_sound(int64_t now_us);
  int64_t sound_worth_keeping();
  void apply_parameters(const VideoParameters& parameters);
  void judge_clocks();
  void begin_sound(const rtsp::SessionDescription& description);
  void follow_sound();
  bool sound_wanted() const;
  RecordSession session_times();
  /// Live feeds and the follower.
  template <typename Action>
  void each_follower(Action action) {
    for (const auto& feed : feeds_) action(static_cast<RingFollower&>(*feed));
    if (follower_) action(*follower_);
  }
  void lend_to_feeds();
  void tell_feeds_parameters();
  const AudioParameters* audio_parameters() const { return sound_ ? sound_->parameters() : nullptr; }

  const StreamContext context_;
  StreamSettings settings_;
  PacketRing ring_;
  Recorder recorder_;
  RetrySchedule retry_;

  std::unique_ptr<Session> session_;
  uint64_t resolve_request_ = 0;
  size_t url_index_ = 0, attempts_ = 0;
  std::string redirect_url_;
  int redirects_ = 0;
  bool stopped_ = false, restart_ = false, leaving_ = false;
  int64_t attempt_at_us_ = 0;       ///< of the next attempt while there is no session
  bool at_once_ = false;            ///< this session ends, or is to end, and another follows without a wait
  std::deque<int64_t> splices_us_;  ///< the newest ones
  int64_t last_tick_us_ = 0;

  LinkState state_ = LinkState::kConnecting;
  // Packets are pictures here: a trickle that never becomes one does not keep a stream alive.
  int64_t last_packet_us_ = 0, playing_since_us_ = 0, last_packet_utc_ms_ = 0;
  int64_t live_since_us_ = 0;  ///< of the session, once keyframe_seen_
  bool had_picture_ = false, keyframe_seen_ = false;
  uint64_t sessions_live_ = 0;

  // Of the session:
  ParameterSets sets_;
  bool unfit_ = false;  ///< pictures from the last keyframe on are of a format that no file takes yet
  std::unique_ptr<SoundTrack> sound_;
  std::string audio_codec_name_, audio_left_out_;  ///< in the camera's words
  std::unique_ptr<TrackClock> video_line_;
  std::unique_ptr<AvSync> sync_;
  WallAnchor anchor_;
  DecodeTimes decode_times_;
  std::deque<Undated> undated_;
  GopMeter gop_;
  std::unique_ptr<VideoParameters> ring_parameters_;  ///< of the newest keyframe in the ring

  /// At most one with sound and one without; none while nobody watches.
  std::vector<std::unique_ptr<LiveFeed>> feeds_;
  RingFollower* follower_ = nullptr;

  // Of all sessions with this camera:
  StreamProblems problems_;
  ClockVerdict video_clock_, sound_clock_;

  RateMeter rate_;
  uint64_t received_before_ = 0;  ///< by earlier sessions
  uint64_t lost_before_ = 0, damaged_before_ = 0;
  uint64_t unrecorded_bytes_ = 0;  ///< for which there was no memory, or no file yet
};

}  // namespace thimble::media
