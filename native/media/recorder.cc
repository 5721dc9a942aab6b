// Where fragments and segments are cut, and what becomes of them when the disk does not keep up.
#include "media/recorder.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "media/init_segment.h"
#include "media/ticks.h"

namespace thimble::media {

namespace {
constexpr int64_t kLeastFragment90k = 45000;
constexpr int64_t kMostFragment90k = 90000;
constexpr int64_t kMostPendingBytes = 2 << 20;
/// A picture that nobody follows goes to the file after this time, so that a stalled camera leaves nothing in
/// memory.
constexpr int64_t kMostWaitUs = 1'200'000;
constexpr int64_t kSoundWaitUs = 500'000;
constexpr int64_t kSoundFlowsUs = 10'000'000;
/// The writer answers within this time whether it gave a segment up, unless the disk hangs.
constexpr int64_t kRefusalUs = 1'000'000;
/// After the disk was too slow, recording begins again only when it has caught up that far.
constexpr uint64_t kResumeQueueBytes = 4u << 20;
constexpr int64_t kUsualFrame90k = 3600;

}  // namespace

Recorder::Recorder(const Identity& identity, PacketRing& ring, Writer& writer, const WallClock& clock)
    : identity_(identity), ring_(ring), writer_(writer), clock_(clock) {}

void Recorder::set_plan(const std::optional<RecordPlan>& plan, int64_t now_us) {
  if (plan_ && !plan) finish(EndReason::kMode);
  const bool continuous_before = plan_ && !plan_->events;
  plan_ = plan;
  if (!plan || !plan->events) capture_.reset();
  if (parked_ && !(plan && plan->events)) drop_session();
  if (!plan || plan->events || continuous_before || open_ || !session_.anchor) return;
  // Footage begins with what the ring already holds, as far as it was never recorded.
  const uint64_t from = ring_.newest_key();
  if (from < next_video_) return;
  intake_ = from;
  advance(now_us);
}

void Recorder::begin_session(const RecordSession& session) {
  session_ = session;
  parked_ = false;
  notes_.clear();
  intake_ = next_video_ = ring_.video().end();
  next_audio_ = ring_.audio().end();
  ended_before_ = UINT64_MAX;
  audio_origin90k_.reset();
  first_of_session_ = true;
  parameters_changed_ = jumped_ = clock_stepped_ = init_refused_ = false;
}

void Recorder::set_parameters(const VideoParameters& video, const AudioParameters* audio) {
  TrackNotes::Parameters parameters{video, std::nullopt};
  if (audio) parameters.audio = *audio;
  notes_.add_parameters(ring_.video().end(), std::move(parameters));
}

std::optional<int64_t> Recorder::audio_origin90k() const {
  return session_.sync ? session_.sync->audio_origin90k() : parked_origin90k_;
}

bool Recorder::sound_flows() const {
  const PacketTrack& track = ring_.audio();
  const PacketTrack& video = ring_.video();
  if (!audio_parameters_ || !audio_origin90k()) return false;
  if (track.end() == track.begin() || video.end() == video.begin()) return false;
  return video.at(video.end() - 1).arrival_us - track.at(track.end() - 1).arrival_us < kSoundFlowsUs;
}

bool Recorder::awaits_sound() const {
  return open_->handle == 0 && audio_parameters_ && session_.sync && !sound_flows();
}

std::optional<EndReason> Recorder::reason_to_rotate(const Packet& packet) const {
  if (!packet.key || packet.damaged) return std::nullopt;
  if (parameters_changed_) return EndReason::kParameters;
  if (clock_stepped_) return EndReason::kClockStep;
  if (jumped_) return EndReason::kTimestampJump;
  const int64_t length90k = (plan_->segment_ms - open_->shorter_ms) * 90;
  if (packet.pts - open_->first_pts90k >= length90k) return EndReason::kLength;
  // Sound that begins late needs a track, and only a new file can have one.
  if (open_->handle != 0 && !open_->has_audio && sound_flows()) return EndReason::kParameters;
  return std::nullopt;
}

void Recorder::on_video(uint64_t index, bool jump, int64_t now_us) {
  if (jump) notes_.add_jump(index);
  advance(now_us);
}

bool Recorder::disk_ready(int64_t now_us) const {
  return now_us >= not_before_us_ && !refusal_ &&
         (!loss_seen_ || writer_.counters().queued_bytes.load() < kResumeQueueBytes);
}

void Recorder::begin_or_drop(uint64_t index, int64_t now_us) {
  const Packet& packet = ring_.video().at(index);
  if (packet.key && !packet.damaged && disk_ready(now_us) && !init_refused_) {
    begin_segment(index);
    pending_bytes_ = packet.size;
  } else if (not_before_us_ > 0 || loss_seen_ || init_refused_) {
    counters_.dropped_bytes += packet.size;
  }
}

bool Recorder::go_on(uint64_t index, int64_t now_us) {
  const PacketTrack& track = ring_.video();
  const Packet& packet = track.at(index);
  const int64_t last_duration = index > track.begin() ? packet.dts - track.at(index - 1).dts : 0;
  const std::optional<EndReason> reason = reason_to_rotate(packet);
  if (reason) return rotate(index, *reason, last_duration, now_us);
  if (next_video_ >= index) return true;
  const int64_t since = packet.dts - track.at(next_video_).dts;
  const int64_t at_us = monotonic_us(packet.dts);
  const bool flush = at_us >= flush_at_us_ && !awaits_sound();
  const bool full = since >= kMostFragment90k || pending_bytes_ >= kMostPendingBytes ||
                    (packet.key && since >= kLeastFragment90k && !awaits_sound());
  if (!full && !flush) return true;
  if (!hand_over(*open_, index, last_duration, audio_ticks(*open_, packet.pts), false)) return false;
  if (flush) flushed(at_us);
  return true;
}

void Recorder::begin_segment(uint64_t index) {
  const Packet& packet = ring_.video().at(index);
  Segment segment;
  segment.parameters = video_parameters_;
  segment.zero90k = packet.dts;
  segment.first_pts90k = packet.pts;
  segment.continues = index == ended_before_;
  if (first_of_session_) segment.shorter_ms = std::min(plan_->stagger_ms, plan_->segment_ms / 2);
  std::memcpy(segment.identity.store, identity_.store, sizeof segment.identity.store);
  segment.identity.camera = identity_.camera;
  segment.identity.stream = identity_.stream;
  segment.identity.pts_offset90k = packet.pts - packet.dts;
  next_video_ = index;
  pending_bytes_ = 0;
  parameters_changed_ = jumped_ = clock_stepped_ = first_of_session_ = false;
  loss_seen_ = false;
  not_before_us_ = 0;
  // Before the anchor has settled, the first packets may have been held up: then the time is taken when the
  // file is made.
  if (session_.anchor->settled()) fix_start(segment);
  open_ = std::move(segment);
}

void Recorder::fix_start(Segment& segment) {
  segment.start_fixed = true;
  segment.clock_offset_us = clock_.offset_us();
  segment.identity.clock_generation = clock_.generation();
  segment.identity.start_ms = utc_ms(segment, segment.first_pts90k);
  if (last_end_.clock_generation == clock_.generation() &&
      (segment.identity.start_ms < last_end_.utc_ms || segment.continues)) {
    session_.anchor->pin(ticks_to_us(segment.first_pts90k, 90000),
                         last_end_.utc_ms * 1000 - segment.clock_offset_us);
    segment.identity.start_ms = last_end_.utc_ms;
  }
  handed_end_ms_ = segment.identity.start_ms;
}

int64_t Recorder::utc_ms(const Segment& segment, int64_t pts90k) const {
  return (session_.anchor->monotonic_us(ticks_to_us(pts90k, 90000)) + segment.clock_offset_us) / 1000;
}

bool Recorder::open_file(Segment& segment) {
  session_.anchor->settle();
  if (!segment.start_fixed) fix_start(segment);
  const std::optional<int64_t> origin = audio_origin90k();
  segment.has_audio = origin && sound_flows();
  if (segment.has_audio) {
    if (!audio_origin90k_ || std::llabs(*origin - *audio_origin90k_) > kResync90k) audio_origin90k_ = origin;
    segment.audio_zero = rescale(segment.zero90k - *audio_origin90k_, session_.audio_rate, 90000);
    segment.sound_rate = audio_parameters_->sample_rate;
    segment.frame_samples = audio_parameters_->frame_samples;
  }
  SegmentSpec spec;
  std::string error;
  auto init =
      make_init_segment(segment.parameters, segment.has_audio ? &*audio_parameters_ : nullptr, &error);
  if (!init && segment.has_audio) {
    // Trouble with sound never stops the pictures.
    init_error_ = error;
    audio_parameters_.reset();
    sound_refused_ = true;
    segment.has_audio = false;
    init = make_init_segment(segment.parameters, nullptr, &error);
  }
  if (!init) {
    init_error_ = error;
    init_refused_ = true;
    return false;
  }
  spec.identity = segment.identity;
  spec.init = std::move(*init);
  spec.codecs = segment.parameters.codec_string();
  if (segment.has_audio) spec.codecs += "," + audio_parameters_->codec_string();
  spec.planned_seconds = static_cast<uint32_t>(plan_->segment_ms / 1000 + 10);
  segment.handle = writer_.open(std::move(spec));
  files_.insert(segment.handle);
  return true;
}

int64_t Recorder::audio_ticks(const Segment& segment, int64_t pts90k) const {
  return segment.has_audio
             ? segment.audio_zero + rescale(pts90k - segment.zero90k, session_.audio_rate, 90000)
             : 0;
}

bool Recorder::rotate(uint64_t index, EndReason reason, int64_t last_duration, int64_t now_us) {
  const int64_t border90k = ring_.video().at(index).pts;
  if (!hand_over(*open_, index, last_duration, audio_ticks(*open_, border90k), false)) return false;
  finish_closing();
  Segment old = std::move(*open_);
  begin_segment(index);
  open_->follows_sound = old.has_audio;
  const bool contiguous =
      open_->start_fixed && open_->identity.clock_generation == old.identity.clock_generation;
  const int64_t end_ms = contiguous ? open_->identity.start_ms : utc_ms(old, border90k);
  leave(std::move(old), border90k, end_ms, reason, now_us);
  return true;
}

/// All pictures of a segment are handed over; its last sound may still be on its way.
void Recorder::leave(Segment&& old, int64_t border90k, int64_t end_ms, EndReason reason, int64_t now_us) {
  if (old.has_audio) {
    const int64_t border = audio_ticks(old, border90k);
    closing_ = Closing{std::move(old), border, end_ms, reason, now_us + kSoundWaitUs};
    on_audio(now_us);
  } else {
    close_file(old, end_ms, reason);
  }
}

void Recorder::give_up(EndReason reason) {
  loss_seen_ = true;
  close_file(*open_, handed_end_ms_, reason);
  next_video_ = intake_;
  pending_bytes_ = 0;
  open_.reset();
}

void Recorder::close_file(const Segment& segment, int64_t end_ms, EndReason reason) {
  if (segment.handle == 0) return;
  writer_.close(segment.handle, end_ms, reason);
  last_end_.utc_ms = end_ms;
  last_end_.clock_generation = segment.identity.clock_generation;
}

void Recorder::finish_closing() {
  if (!closing_) return;
  Closing closing = std::move(*closing_);
  closing_.reset();
  hand_over(closing.segment, next_video_, 0, closing.audio_border, true);
  close_file(closing.segment, closing.end_ms, closing.reason);
}

void Recorder::on_audio(int64_t now_us) {
  if (!closing_) return;
  const PacketTrack& track = ring_.audio();
  const bool complete =
      track.end() > track.begin() && track.at(track.end() - 1).pts >= closing_->audio_border;
  if (complete || now_us >= closing_->deadline_us) finish_closing();
}

void Recorder::tick(int64_t now_us) {
  if (closing_ && now_us >= closing_->deadline_us) finish_closing();
  const PacketTrack& track = ring_.video();
  if (plan_ && session_.anchor && behind()) advance(now_us);
  if (parked_ && open_ && !behind()) finish(EndReason::kReconnect);
  if (capture_ && !open_ && !behind() && now_us > capture_->until_us) capture_.reset();
  if (!open_ || behind() || next_video_ >= track.end()) return;
  if (now_us - track.at(next_video_).arrival_us < kMostWaitUs) return;
  const int64_t until = audio_ticks(*open_, track.at(track.end() - 1).pts);
  if (!hand_over(*open_, track.end(), usual_duration(), until, false)) give_up(EndReason::kTimestampJump);
}

int64_t Recorder::usual_duration() const {
  const PacketTrack& track = ring_.video();
  if (track.end() - track.begin() < 2) return kUsualFrame90k;
  return std::clamp<int64_t>(track.at(track.end() - 1).dts - track.at(track.end() - 2).dts, 1, 10 * 90000);
}

void Recorder::finish(EndReason reason) {
  finish_closing();
  if (!open_) return;
  advance(0, true);
  finish_closing();
  if (!open_) return;
  if (!hand_over(*open_, ring_.video().end(), usual_duration(), INT64_MAX, true)) {
    give_up(reason);
    return;
  }
  close_file(*open_, handed_end_ms_, reason);
  open_.reset();
}

void Recorder::end_session(EndReason reason) {
  if (!session_.anchor) return;
  finish(reason);
  if (parked_) return;
  if (!plan_ || !plan_->events) {
    session_ = RecordSession{};
    return;
  }
  parked_ = true;
  parked_anchor_ = *session_.anchor;
  parked_origin90k_ = audio_origin90k();
  session_.anchor = &parked_anchor_;
  session_.sync = nullptr;
}

void Recorder::drop_session() {
  if (session_.anchor) finish(EndReason::kReconnect);
  session_ = RecordSession{};
  parked_ = false;
  parked_origin90k_.reset();
}

void Recorder::on_segment_failed(SegmentHandle handle, int64_t retry_us) {
  files_.erase(handle);
  if (closing_ && closing_->segment.handle == handle) closing_.reset();
  const bool refused = refusal_ && refusal_->handle == handle;
  if (refused) refusal_.reset();
  const bool was_open = open_ && open_->handle == handle;
  if (!was_open && !refused) return;
  not_before_us_ = retry_us;
  if (!was_open) return;
  counters_.dropped_bytes += pending_bytes_;
  pending_bytes_ = 0;
  next_video_ = intake_;
  open_.reset();
}

void Recorder::on_segment_closed(SegmentHandle handle) {
  files_.erase(handle);
  if (refusal_ && refusal_->handle == handle) refusal_->confirmed = true;
}

std::string Recorder::take_init_error() {
  std::string error;
  error.swap(init_error_);
  return error;
}

std::optional<Recorder::Loss> Recorder::take_loss(int64_t now_us) {
  if (!refusal_) return std::nullopt;
  if (refusal_->since_us == 0) refusal_->since_us = now_us;
  if (!refusal_->confirmed && now_us - refusal_->since_us < kRefusalUs) return std::nullopt;
  const Loss loss = refusal_->loss;
  refusal_.reset();
  return loss;
}

}  // namespace thimble::media
