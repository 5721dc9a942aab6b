// The media side of Stream: access units into the ring, with their times, and on to the recorder.
#include <algorithm>
#include <utility>

#include "media/stream.h"

namespace thimble::media {

namespace {
/// Sound that came before the first picture is kept that long, until it is known where it belongs.
constexpr int64_t kSoundWithoutPictureS = 5;

}  // namespace

void Stream::on_video_unit(const rtsp::AccessUnit& unit) {
  if (stopped_ || restart_) return;
  had_picture_ = true;
  last_packet_us_ = std::max(last_packet_us_, unit.arrival_us);
  last_packet_utc_ms_ = context_.clock.utc_ms(last_packet_us_);
  if (state_ == LinkState::kStalled) report(LinkState::kLive);
  rate_.add(unit.data.size, true, unit.arrival_us);
  sets_.collect(unit);
  Undated undated;
  if (unit.key && !unit.damaged) {
    const ParameterSets::Verdict verdict = sets_.on_keyframe(unit.arrival_us);
    if (verdict == ParameterSets::Verdict::kChanged)
      undated.parameters = std::make_unique<VideoParameters>(sets_.in_force());
    unfit_ = verdict == ParameterSets::Verdict::kUnfit;
    if (unfit_ || verdict == ParameterSets::Verdict::kInBand) {
      problems_.note(StreamProblem::kFlappingParameters, unit.arrival_us);
    }
  }
  if (!keyframe_seen_) {
    // Nothing can be decoded before the first whole keyframe, nor without its parameter sets.
    if (!unit.key || unit.damaged || !sets_.in_force().complete()) return;
    keyframe_seen_ = true;
    live_since_us_ = unit.arrival_us;
    ++sessions_live_;
    retry_.succeeded();
    report(LinkState::kLive);
  }
  if (unfit_) {
    unrecorded_bytes_ += unit.data.size;
    return;
  }
  if (!store_picture(unit, &undated.packet)) return;
  undated_.push_back(std::move(undated));
  video_line_->push(unit.rtp_time, unit.arrival_us, unit.discontinuity);
  date_pictures(unit.arrival_us);
}

/// What has no place in an avc1 or hvc1 sample: access unit delimiters, filler, and parameter sets unless the
/// file does not have them.
bool Stream::left_out(uint8_t nal_type) const {
  const rtsp::Codec codec = sets_.in_force().codec;
  if (is_parameter_set(codec, nal_type)) return !sets_.in_band();
  return codec == rtsp::Codec::kH264 ? nal_type == 9 || nal_type == 12 : nal_type == 35 || nal_type == 38;
}

bool Stream::store_picture(const rtsp::AccessUnit& unit, Packet* packet) {
  Arena& arena = ring_.video().arena();
  packet->position = arena.end();
  packet->key = unit.key;
  packet->damaged = unit.damaged;
  packet->arrival_us = unit.arrival_us;
  for (size_t i = 0; i < unit.nal_count;) {
    // Neighbouring NALs are copied as one piece, each with the 4-byte length before it.
    if (left_out(unit.nals[i].type)) {
      ++i;
      continue;
    }
    const size_t begin = unit.nals[i].offset - 4;
    size_t end = begin;
    while (i < unit.nal_count && !left_out(unit.nals[i].type) &&
           unit.nals[i].offset - 4 == (end == begin ? begin : end)) {
      end = unit.nals[i].offset + unit.nals[i].size;
      ++i;
    }
    if (!arena.append(unit.data.sub(begin, end - begin))) {
      arena.rewind(packet->position);
      unrecorded_bytes_ += unit.data.size;
      return false;
    }
  }
  packet->size = static_cast<uint32_t>(arena.end() - packet->position);
  return packet->size > 0;
}

void Stream::date_pictures(int64_t now_us) {
  TimelineStamp stamp;
  while (!undated_.empty() && video_line_->pop(&stamp)) {
    Undated undated = std::move(undated_.front());
    undated_.pop_front();
    push_picture(undated, stamp, now_us);
  }
}

void Stream::push_picture(Undated& undated, const TimelineStamp& stamp, int64_t now_us) {
  if (undated.parameters) {
    apply_parameters(*undated.parameters);
    ring_parameters_ = std::move(undated.parameters);
    tell_feeds_parameters();
  }
  Packet& packet = undated.packet;
  packet.pts = stamp.ticks * 90000 / video_line_->clock_rate();
  packet.dts = decode_times_.next(packet.pts);
  packet.pts = std::max(packet.pts, packet.dts);
  anchor_.observe(packet.pts * 100 / 9, packet.arrival_us);
  if (sync_) {
    if (stamp.jump || stamp.switched) sync_->on_jump(true);
    sync_->observe(true, stamp.ticks, packet.arrival_us);
  }
  if (stamp.jump && settings_.hub) on_splice(now_us);
  if (stamp.switched) judge_clocks();
  if (packet.key && sound_) sound_->on_keyframe();
  gop_.add(packet.key, packet.pts * 100 / 9, packet.arrival_us, stamp.jump || stamp.switched);
  const uint64_t index = ring_.video().end();
  ring_.video().push(packet);
  recorder_.on_video(index, stamp.jump || stamp.switched, now_us);
  const bool jump = stamp.jump || stamp.switched;
  each_follower([&](RingFollower& feed) { feed.on_video(index, jump); });
  ring_.evict(recorder_.keep_video(), recorder_.keep_audio(), sound_worth_keeping());
  if (gop_.too_long() || ring_.cut_gop()) problems_.note(StreamProblem::kLongGop, now_us);
}

/// Sound ticks of the oldest picture in the ring, less a second.
int64_t Stream::sound_worth_keeping() {
  if (!sound_ || ring_.audio().end() == ring_.audio().begin()) return INT64_MIN;
  const int64_t rate = sound_->line().clock_rate();
  const auto origin = sync_->audio_origin90k();
  PacketTrack& video = ring_.video();
  if (!origin || video.begin() == video.end()) {
    return ring_.audio().at(ring_.audio().end() - 1).pts - kSoundWithoutPictureS * rate;
  }
  return (video.at(video.begin()).pts - *origin - 90000) * rate / 90000;
}

void Stream::apply_parameters(const VideoParameters& parameters) {
  const double fps = parameters.sequence.fps > 0 ? parameters.sequence.fps : 25;
  decode_times_.reset(parameters.sequence.reorder_frames, static_cast<int64_t>(90000 / fps));
  recorder_.set_parameters(parameters, audio_parameters());
  report_parameters();
}

void Stream::on_audio_unit(const rtsp::AccessUnit& unit) {
  if (stopped_ || restart_ || !sound_ || unit.data.empty()) return;
  rate_.add(unit.data.size, false, unit.arrival_us);
  if (!sound_->push(unit)) unrecorded_bytes_ += unit.data.size;
  date_sound(unit.arrival_us);
}

void Stream::date_sound(int64_t now_us) {
  while (const auto dated = sound_->next()) {
    if (dated->jump || dated->switched) sync_->on_jump(false);
    if (dated->switched) {
      judge_clocks();
      recorder_.on_sound_switch();
    }
    sync_->observe(false, dated->ticks, dated->arrival_us);
    recorder_.on_audio(now_us);
    const bool jump = dated->jump || dated->switched;
    each_follower([&](RingFollower& feed) { feed.on_audio(jump); });
    ring_.evict_audio(recorder_.keep_audio(), sound_worth_keeping());
  }
  follow_sound();
}

/// Sound whose parameters become known, change, or that cannot be recorded any more: files follow at the next
/// keyframe.
void Stream::follow_sound() {
  if (!sound_->take_change()) return;
  if (sound_->failed()) audio_left_out_ = audio_codec_name_;
  if (!sets_.in_force().complete()) return;
  recorder_.set_parameters(sets_.in_force(), audio_parameters());
  tell_feeds_parameters();
  report_parameters();
}

}  // namespace thimble::media
