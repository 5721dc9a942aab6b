#include "media/recorder.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "media/init_segment.h"

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
/// Below this a new estimate of the distance of sound and picture is noise of the network.
constexpr int64_t kResync90k = 900;
/// After the disk was too slow, recording begins again only when it has caught up that far.
constexpr uint64_t kResumeQueueBytes = 4u << 20;
constexpr int64_t kUsualFrame90k = 3600;

int64_t to_us(int64_t ticks90k) {
  return ticks90k * 100 / 9;
}
/// Rounds to nearest, also below zero.
int64_t rescale(int64_t value, int64_t to, int64_t from) {
  const int64_t product = value * to;
  return (product >= 0 ? product + from / 2 : product - from / 2) / from;
}
}  // namespace

Recorder::Recorder(const Identity& identity, PacketRing& ring, Writer& writer, const WallClock& clock)
    : identity_(identity), ring_(ring), writer_(writer), clock_(clock) {}

void Recorder::set_plan(const std::optional<RecordPlan>& plan, int64_t now_us) {
  const bool was = plan_.has_value();
  if (was && !plan) finish(EndReason::kMode);
  plan_ = plan;
  if (was || !plan || !session_.anchor) return;
  // Footage begins with what the ring already holds, as far as it was never recorded.
  const uint64_t from = ring_.newest_key();
  if (from < next_video_) return;
  for (uint64_t i = from; i < ring_.video().end(); ++i) on_video(i, false, now_us);
}

void Recorder::begin_session(const RecordSession& session) {
  session_ = session;
  next_video_ = ring_.video().end();
  next_audio_ = ring_.audio().end();
  audio_origin90k_.reset();
  first_of_session_ = true;
  parameters_changed_ = jumped_ = clock_stepped_ = false;
}

void Recorder::set_parameters(const VideoParameters& video, const AudioParameters* audio) {
  video_parameters_ = video;
  audio_parameters_.reset();
  if (audio) audio_parameters_ = *audio;
  parameters_changed_ = true;
}

bool Recorder::sound_flows() const {
  const PacketTrack& track = ring_.audio();
  if (!audio_parameters_ || !session_.sync || track.end() == track.begin()) return false;
  const PacketTrack& video = ring_.video();
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
  if (packet.pts >= open_->rotate_at90k) return EndReason::kLength;
  // Sound that begins late needs a track, and only a new file can have one.
  if (open_->handle != 0 && !open_->has_audio && sound_flows()) return EndReason::kParameters;
  return std::nullopt;
}

void Recorder::on_video(uint64_t index, bool jump, int64_t now_us) {
  if (jump) jumped_ = true;
  if (!plan_ || !session_.anchor) return;
  const Packet& packet = ring_.video().at(index);
  if (!open_) {
    const bool may_begin = packet.key && !packet.damaged && now_us >= not_before_us_ &&
                           (!loss_seen_ || writer_.counters().queued_bytes.load() < kResumeQueueBytes);
    if (may_begin) {
      begin_segment(index);
    } else if (not_before_us_ > 0 || loss_seen_) {
      counters_.dropped_bytes += packet.size;
    }
    return;
  }
  const bool pending = next_video_ < index;
  const int64_t since = pending ? packet.dts - ring_.video().at(next_video_).dts : 0;
  const int64_t last_duration =
      index > ring_.video().begin() ? packet.dts - ring_.video().at(index - 1).dts : 0;
  const std::optional<EndReason> reason = reason_to_rotate(packet);
  if (reason) {
    rotate(index, *reason, last_duration, now_us);
  } else if (pending && (since >= kMostFragment90k || pending_bytes_ >= kMostPendingBytes ||
                         (packet.key && since >= kLeastFragment90k && !awaits_sound()))) {
    hand_over(*open_, index, last_duration, audio_ticks(*open_, packet.pts), false);
    if (!open_) return;
  }
  pending_bytes_ += packet.size;
}

void Recorder::begin_segment(uint64_t index) {
  const Packet& packet = ring_.video().at(index);
  Segment segment;
  segment.parameters = video_parameters_;
  segment.begins_session = first_of_session_;
  segment.zero90k = packet.dts;
  segment.first_pts90k = packet.pts;
  const int64_t shorter = first_of_session_ ? std::min(plan_->stagger_ms, plan_->segment_ms / 2) : 0;
  segment.rotate_at90k = packet.pts + (plan_->segment_ms - shorter) * 90;
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
  if (last_end_generation_ == clock_.generation() && segment.identity.start_ms < last_end_ms_) {
    session_.anchor->pin(to_us(segment.first_pts90k), last_end_ms_ * 1000 - segment.clock_offset_us);
    segment.identity.start_ms = last_end_ms_;
  }
}

int64_t Recorder::utc_ms(const Segment& segment, int64_t pts90k) const {
  return (session_.anchor->monotonic_us(to_us(pts90k)) + segment.clock_offset_us) / 1000;
}

bool Recorder::open_file(Segment& segment) {
  session_.anchor->settle();
  if (!segment.start_fixed) fix_start(segment);
  const std::optional<int64_t> origin = session_.sync ? session_.sync->audio_origin90k() : std::nullopt;
  segment.has_audio = origin && sound_flows();
  if (segment.has_audio) {
    if (!audio_origin90k_ || std::llabs(*origin - *audio_origin90k_) > kResync90k) audio_origin90k_ = origin;
    segment.audio_zero = rescale(segment.zero90k - *audio_origin90k_, session_.audio_rate, 90000);
  }
  SegmentSpec spec;
  std::string error;
  auto init =
      make_init_segment(segment.parameters, segment.has_audio ? &*audio_parameters_ : nullptr, &error);
  if (!init) {
    init_error_ = error;
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

void Recorder::rotate(uint64_t index, EndReason reason, int64_t last_duration, int64_t now_us) {
  const int64_t border90k = ring_.video().at(index).pts;
  if (!hand_over(*open_, index, last_duration, audio_ticks(*open_, border90k), false) || !open_) {
    if (!open_) on_video(index, false, now_us);
    return;
  }
  finish_closing();
  Segment old = std::move(*open_);
  open_.reset();
  begin_segment(index);
  const bool contiguous =
      open_->start_fixed && open_->identity.clock_generation == old.identity.clock_generation;
  const int64_t end_ms = contiguous ? open_->identity.start_ms : utc_ms(old, border90k);
  if (old.has_audio) {
    const int64_t border = audio_ticks(old, border90k);
    closing_ = Closing{std::move(old), border, end_ms, reason, now_us + kSoundWaitUs};
    on_audio(now_us);
  } else {
    close_file(old, end_ms, reason);
  }
}

bool Recorder::hand_over(Segment& segment, uint64_t video_end, int64_t last_duration, int64_t audio_until,
                         bool final_audio) {
  const bool is_open = open_ && &segment == &*open_;
  if (is_open) finish_closing();
  if (segment.handle == 0) {
    if (next_video_ == video_end) return true;
    if (!open_file(segment)) {
      give_up_slow(segment, 0, 0);
      return false;
    }
    // The border in sound ticks could not be known before the file was.
    if (segment.has_audio && !final_audio) {
      const PacketTrack& video = ring_.video();
      audio_until = audio_ticks(segment, video.at(std::min(video_end, video.end() - 1)).pts);
    }
  }
  Fragment fragment;
  int64_t end90k = 0;
  if (is_open && next_video_ < video_end) {
    add_video(segment, video_end, last_duration, &fragment);
    end90k = ring_.video().at(video_end - 1).pts + last_duration;
  }
  if (segment.has_audio) add_audio(segment, audio_until, final_audio, &fragment);
  if (fragment.runs.empty()) return true;
  const uint64_t bytes = fragment.data_bytes;
  const int64_t from_ms = utc_ms(segment, segment.zero90k + static_cast<int64_t>(fragment.earliest_pts90k));
  const bool has_video = fragment.has_video;
  if (is_open) next_video_ = std::max(next_video_, video_end), pending_bytes_ = 0;
  if (!writer_.append(segment.handle, std::move(fragment))) {
    give_up_slow(segment, bytes, from_ms);
    return false;
  }
  if (has_video) handed_end_ms_ = utc_ms(segment, end90k);
  return true;
}

void Recorder::add_video(const Segment& segment, uint64_t end, int64_t last_duration, Fragment* fragment) {
  const PacketTrack& track = ring_.video();
  FragmentRun run;
  run.track_id = kVideoTrackId;
  run.base_time = static_cast<uint64_t>(std::max<int64_t>(track.at(next_video_).dts - segment.zero90k, 0));
  run.samples.reserve(static_cast<size_t>(end - next_video_));
  int64_t earliest = INT64_MAX;
  for (uint64_t i = next_video_; i < end; ++i) {
    const Packet& packet = track.at(i);
    FragmentSample sample;
    sample.size = packet.size;
    sample.duration = static_cast<uint32_t>(
        std::clamp<int64_t>(i + 1 < end ? track.at(i + 1).dts - packet.dts : last_duration, 1, INT32_MAX));
    sample.composition_offset = static_cast<int32_t>(packet.pts - packet.dts);
    sample.key = packet.key && !packet.damaged;
    run.samples.push_back(sample);
    fragment->data_bytes += packet.size;
    fragment->duration90k += sample.duration;
    earliest = std::min(earliest, packet.pts);
    track.slice(i, &fragment->data);
  }
  fragment->has_video = true;
  fragment->begins_with_key = run.samples.front().key;
  fragment->earliest_pts90k = static_cast<uint64_t>(std::max<int64_t>(earliest - segment.zero90k, 0));
  fragment->runs.push_back(std::move(run));
}

void Recorder::add_audio(const Segment& segment, int64_t until, bool final_audio, Fragment* fragment) {
  const PacketTrack& track = ring_.audio();
  const int64_t from = audio_ticks(segment, segment.first_pts90k);
  const int64_t file_rate = audio_parameters_ ? audio_parameters_->sample_rate : session_.audio_rate;
  const int64_t nominal = std::max<int64_t>(
      1,
      rescale(audio_parameters_ ? audio_parameters_->frame_samples : 1024, session_.audio_rate, file_rate));
  const auto file_time = [&](int64_t ticks) {
    return rescale(ticks - segment.audio_zero, file_rate, session_.audio_rate);
  };
  FragmentRun run;
  run.track_id = kAudioTrackId;
  for (next_audio_ = std::max(next_audio_, track.begin()); next_audio_ < track.end(); ++next_audio_) {
    const Packet& packet = track.at(next_audio_);
    if (packet.pts < from || packet.pts < segment.audio_zero) {
      if (!segment.begins_session) ++counters_.late_audio_units;
      continue;
    }
    if (packet.pts >= until) break;
    const bool last = next_audio_ + 1 == track.end();
    // The duration of a frame is known when the next one is there.
    if (last && !final_audio) break;
    const int64_t next =
        last ? packet.pts + nominal : std::max(track.at(next_audio_ + 1).pts, packet.pts + 1);
    if (run.samples.empty()) run.base_time = static_cast<uint64_t>(file_time(packet.pts));
    FragmentSample sample;
    sample.size = packet.size;
    sample.duration = static_cast<uint32_t>(std::max<int64_t>(1, file_time(next) - file_time(packet.pts)));
    sample.key = true;
    run.samples.push_back(sample);
    fragment->data_bytes += packet.size;
    track.slice(next_audio_, &fragment->data);
  }
  if (!run.samples.empty()) fragment->runs.push_back(std::move(run));
}

void Recorder::give_up_slow(Segment& segment, uint64_t bytes, int64_t from_ms) {
  counters_.dropped_bytes += bytes;
  if (!loss_seen_ && from_ms > 0) loss_ = Loss{from_ms, bytes};
  loss_seen_ = true;
  const bool is_open = open_ && &segment == &*open_;
  if (!is_open) return;  // the sound of a closing segment: the segment ends all the same
  if (segment.handle != 0) close_file(segment, handed_end_ms_, EndReason::kTimestampJump);
  next_video_ = ring_.video().end();
  open_.reset();
}

void Recorder::close_file(const Segment& segment, int64_t end_ms, EndReason reason) {
  if (segment.handle == 0) return;
  writer_.close(segment.handle, end_ms, reason);
  last_end_ms_ = end_ms;
  last_end_generation_ = segment.identity.clock_generation;
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
  if (!open_ || next_video_ >= ring_.video().end()) return;
  if (now_us - ring_.video().at(next_video_).arrival_us < kMostWaitUs) return;
  const PacketTrack& track = ring_.video();
  const int64_t duration = usual_duration();
  hand_over(*open_, track.end(), duration, audio_ticks(*open_, track.at(track.end() - 1).pts), false);
}

int64_t Recorder::usual_duration() const {
  const PacketTrack& track = ring_.video();
  if (track.end() - track.begin() < 2) return kUsualFrame90k;
  return std::clamp<int64_t>(track.at(track.end() - 1).dts - track.at(track.end() - 2).dts, 1, 10 * 90000);
}

void Recorder::finish(EndReason reason) {
  finish_closing();
  if (!open_) return;
  const PacketTrack& track = ring_.video();
  int64_t end90k = open_->first_pts90k;
  for (uint64_t i = std::max(next_video_, track.begin()); i < track.end(); ++i)
    end90k = std::max(end90k, track.at(i).pts);
  const int64_t duration = usual_duration();
  const bool pending = next_video_ < track.end();
  if (!hand_over(*open_, track.end(), duration, INT64_MAX, true) || !open_) return;
  const int64_t end_ms =
      pending ? std::max(handed_end_ms_, utc_ms(*open_, end90k + duration)) : handed_end_ms_;
  close_file(*open_, end_ms, reason);
  open_.reset();
}

void Recorder::end_session(EndReason reason) {
  if (session_.anchor) finish(reason);
  session_ = RecordSession{};
}

void Recorder::on_segment_failed(SegmentHandle handle, int64_t retry_us) {
  files_.erase(handle);
  if (closing_ && closing_->segment.handle == handle) closing_.reset();
  if (!open_ || open_->handle != handle) return;
  open_.reset();
  not_before_us_ = retry_us;
}

std::string Recorder::take_init_error() {
  std::string error;
  error.swap(init_error_);
  return error;
}

std::optional<Recorder::Loss> Recorder::take_loss() {
  std::optional<Loss> loss;
  loss.swap(loss_);
  return loss;
}

}  // namespace thimble::media
