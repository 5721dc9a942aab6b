// What goes into a fragment: the pictures and the sound that are due, with their times in the file.
#include <algorithm>
#include <cstdlib>

#include "media/init_segment.h"
#include "media/recorder.h"
#include "media/ticks.h"

namespace thimble::media {

namespace {
/// A distance of sound and picture is made up for in about 2 s, at 5 % at most: as fast as pictures that are
/// timed by arrival return to the true time.
constexpr int64_t kStretch90k = 2 * 90000, kMostStretchPart = 20;
}  // namespace

bool Recorder::hand_over(Segment& segment, uint64_t video_end, int64_t last_duration, int64_t audio_until,
                         bool final_audio) {
  const bool is_open = open_ && &segment == &*open_;
  if (is_open) finish_closing();
  const bool has_video = is_open && next_video_ < video_end;
  if (segment.handle == 0) {
    if (!has_video) return true;
    if (!open_file(segment)) {
      counters_.dropped_bytes += pending_bytes_;
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
  if (has_video) end90k = add_video(segment, video_end, last_duration, &fragment);
  if (segment.has_audio) add_audio(segment, audio_until, final_audio, &fragment);
  if (fragment.runs.empty()) return true;
  if (has_video) next_video_ = video_end, pending_bytes_ = 0;
  const int64_t from90k = segment.zero90k + static_cast<int64_t>(fragment.earliest_pts90k);
  const Loss at_stake{has_video ? utc_ms(segment, from90k) : handed_end_ms_, fragment.data_bytes};
  if (!writer_.append(segment.handle, std::move(fragment))) {
    counters_.dropped_bytes += at_stake.bytes;
    // Of a closing segment it is only the last sound.
    if (is_open) refusal_ = Refusal{segment.handle, at_stake, 0, false};
    return false;
  }
  if (has_video) handed_end_ms_ = std::max(handed_end_ms_, utc_ms(segment, end90k));
  return true;
}

int64_t Recorder::add_video(const Segment& segment, uint64_t end, int64_t last_duration, Fragment* fragment) {
  const PacketTrack& track = ring_.video();
  FragmentRun run;
  run.track_id = kVideoTrackId;
  run.base_time = static_cast<uint64_t>(std::max<int64_t>(track.at(next_video_).dts - segment.zero90k, 0));
  run.samples.reserve(static_cast<size_t>(end - next_video_));
  int64_t earliest = INT64_MAX, latest = INT64_MIN;
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
    latest = std::max(latest, packet.pts);
    track.slice(i, &fragment->data);
  }
  fragment->has_video = true;
  fragment->begins_with_key = run.samples.front().key;
  fragment->earliest_pts90k = static_cast<uint64_t>(std::max<int64_t>(earliest - segment.zero90k, 0));
  fragment->runs.push_back(std::move(run));
  return latest + last_duration;
}

void Recorder::add_audio(Segment& segment, int64_t until, bool final_audio, Fragment* fragment) {
  const PacketTrack& track = ring_.audio();
  const int64_t from = audio_ticks(segment, segment.first_pts90k);
  // Those of the file: the parameters in force may already be others.
  const int64_t file_rate = segment.sound_rate;
  const int64_t nominal =
      std::max<int64_t>(1, rescale(segment.frame_samples, session_.audio_rate, file_rate));
  const auto file_time = [&](int64_t ticks) {
    return rescale(ticks - segment.audio_zero, file_rate, session_.audio_rate);
  };
  FragmentRun run;
  run.track_id = kAudioTrackId;
  for (next_audio_ = std::max(next_audio_, track.begin()); next_audio_ < track.end(); ++next_audio_) {
    const Packet& packet = track.at(next_audio_);
    if (packet.pts < from) {
      if (segment.follows_sound) ++counters_.late_audio_units;
      continue;
    }
    if (packet.pts >= until) break;
    const bool last = next_audio_ + 1 == track.end();
    // The duration of a frame is known when the next one is there.
    if (last && !final_audio) break;
    const int64_t next = last ? packet.pts + (packet.duration > 0 ? packet.duration : nominal)
                              : std::max(track.at(next_audio_ + 1).pts, packet.pts + 1);
    if (run.samples.empty()) run.base_time = static_cast<uint64_t>(file_time(packet.pts));
    const int64_t start = file_time(packet.pts);
    if (!final_audio) follow_sync(segment, next - packet.pts);
    FragmentSample sample;
    sample.size = packet.size;
    sample.duration = static_cast<uint32_t>(std::max<int64_t>(1, file_time(next) - start));
    sample.key = true;
    run.samples.push_back(sample);
    fragment->data_bytes += packet.size;
    track.slice(next_audio_, &fragment->data);
  }
  if (!run.samples.empty()) fragment->runs.push_back(std::move(run));
}

/// Sound and picture drift apart when their clocks do: the sound is stretched a little with each frame. Not
/// at the end of a file, where the next one begins by the same border.
void Recorder::follow_sync(Segment& segment, int64_t passed_ticks) {
  const std::optional<int64_t> origin = session_.sync ? session_.sync->audio_origin90k() : std::nullopt;
  if (!origin || std::llabs(*origin - *audio_origin90k_) <= kResync90k) return;
  const int64_t passed90k = std::min<int64_t>(rescale(passed_ticks, 90000, session_.audio_rate), 90000);
  const int64_t most = passed90k / kMostStretchPart;
  const int64_t step = (*origin - *audio_origin90k_) * passed90k / kStretch90k;
  *audio_origin90k_ += std::clamp(step, -most, most);
  segment.audio_zero = rescale(segment.zero90k - *audio_origin90k_, session_.audio_rate, 90000);
}

}  // namespace thimble::media
