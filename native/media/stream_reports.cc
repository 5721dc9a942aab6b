// What a stream tells of itself: its figures and its events.
#include <utility>

#include "media/stream.h"

namespace thimble::media {

StreamStats Stream::stats(int64_t now_us) const {
  StreamStats stats;
  stats.key = settings_.key;
  stats.state = state_;
  stats.last_packet_ms = last_packet_utc_ms_;
  stats.fps = rate_.pictures_per_second(now_us);
  stats.bitrate_bps = rate_.bytes_per_second(now_us) * 8;
  stats.gop_ms = gop_.gop_us() / 1000;
  stats.ring_ms = ring_.span90k() / 90;
  stats.ring_bytes = ring_.bytes();
  stats.reconnects = sessions_live_ > 0 ? sessions_live_ - 1 : 0;
  stats.received_bytes = received_before_;
  stats.lost_packets = lost_before_;
  stats.damaged_units = damaged_before_;
  if (session_) {
    stats.received_bytes += session_->received_bytes();
    if (const rtsp::RtpTrack* track = session_->video()) {
      stats.lost_packets += track->counters().lost_packets;
      stats.damaged_units += track->counters().damaged_units;
    }
  }
  stats.dropped_bytes = recorder_.counters().dropped_bytes + unrecorded_bytes_;
  stats.late_audio_units = recorder_.counters().late_audio_units;
  stats.open_segment = recorder_.open_handle();
  return stats;
}

void Stream::report(LinkState state, LinkProblem problem, const std::string& message) {
  state_ = state;
  LinkEvent event;
  event.key = settings_.key;
  event.state = state;
  event.problem = problem;
  event.message = message;
  event.last_packet_ms = last_packet_utc_ms_;
  if (state == LinkState::kWaiting) event.retry_at_ms = context_.clock.utc_ms(attempt_at_us_);
  context_.sink.on_event(std::move(event));
}

void Stream::report_losses(int64_t now_us) {
  if (const auto loss = recorder_.take_loss(now_us)) {
    context_.sink.on_event(
        StorageFailedEvent{settings_.key, "", "slow-disk", "queue", loss->start_ms, loss->bytes});
  }
  if (const std::string error = recorder_.take_init_error(); !error.empty()) {
    context_.sink.on_event(
        StorageFailedEvent{settings_.key, "", "EINVAL", error, context_.clock.utc_ms(now_us), 0});
  }
}

void Stream::report_problems(int64_t now_us) {
  problems_.set(StreamProblem::kBadClock, video_clock_.distrusted || sound_clock_.distrusted);
  problems_.set(StreamProblem::kNoAudio, !audio_left_out_.empty() || recorder_.sound_refused());
  if (problems_.take_change(now_us)) {
    context_.sink.on_event(ProblemsEvent{settings_.key, problems_.list()});
  }
}

void Stream::report_parameters() {
  const VideoParameters& parameters = sets_.in_force();
  ParametersEvent event;
  event.key = settings_.key;
  event.video_codec = parameters.codec == rtsp::Codec::kH265 ? "h265" : "h264";
  event.video_codec_string = parameters.codec_string();
  event.width = parameters.sequence.width;
  event.height = parameters.sequence.height;
  event.fps = parameters.sequence.fps;
  if (const AudioParameters* audio = audio_parameters()) {
    event.has_audio = true;
    event.audio_codec = audio->codec == rtsp::Codec::kOpus ? "opus" : "aac";
    event.audio_codec_string = audio->codec_string();
    if (sound_->transcodes()) event.audio_source = audio_codec_name_;
    event.sample_rate = audio->sample_rate;
    event.channels = audio->channels;
  }
  event.audio_left_out = audio_left_out_;
  context_.sink.on_event(std::move(event));
}

}  // namespace thimble::media
