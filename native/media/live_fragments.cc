// What stands in the fragments of a live feed, and their way to the shell.
#include <algorithm>
#include <utility>

#include "media/init_segment.h"
#include "media/live_feed.h"
#include "media/ticks.h"

namespace thimble::media {

namespace {
/// As in files: a distance of sound and picture is made up for in about 2 s, at 5 % at most; below the first
/// it is noise of the network.
constexpr int64_t kResync90k = 900, kStretch90k = 2 * 90000, kMostStretchPart = 20;
}  // namespace

/// Media time in the sound track's timescale.
int64_t LiveFeed::sound_time(int64_t ticks) const {
  return rescale(ticks - audio_zero_, audio_->sample_rate, session_->audio_rate);
}

/// The first sound packet that is heard from a picture's time on.
uint64_t LiveFeed::sound_at(int64_t pts90k) const {
  const PacketTrack& track = ring_.audio();
  const int64_t from = rescale(pts90k - audio_origin90k_, session_->audio_rate, 90000);
  uint64_t index = track.end();
  while (index > track.begin() && track.at(index - 1).pts >= from) --index;
  return index;
}

void LiveFeed::follow_sync(int64_t passed_ticks) {
  const std::optional<int64_t> origin = session_->sync->audio_origin90k();
  if (!origin || std::llabs(*origin - audio_origin90k_) <= kResync90k) return;
  const int64_t passed90k = std::min<int64_t>(rescale(passed_ticks, 90000, session_->audio_rate), 90000);
  const int64_t most = passed90k / kMostStretchPart;
  audio_origin90k_ += std::clamp((*origin - audio_origin90k_) * passed90k / kStretch90k, -most, most);
  audio_zero_ = rescale(zero90k_ - audio_origin90k_, session_->audio_rate, 90000);
}

void LiveFeed::add_video(uint64_t from, uint64_t to, Fragment* fragment) const {
  const PacketTrack& track = ring_.video();
  FragmentRun run;
  run.track_id = kVideoTrackId;
  run.base_time = static_cast<uint64_t>(std::max<int64_t>(track.at(from).dts - zero90k_, 0));
  run.samples.reserve(static_cast<size_t>(to - from));
  for (uint64_t i = from; i < to; ++i) {
    const Packet& packet = track.at(i);
    FragmentSample sample;
    sample.size = packet.size;
    // Nobody waits for the next picture: how long this one is shown is guessed, and the next one's tfdt says
    // when it is its turn.
    const int64_t duration = i + 1 < to ? track.at(i + 1).dts - packet.dts : frame90k_;
    sample.duration = static_cast<uint32_t>(std::clamp<int64_t>(duration, 1, INT32_MAX));
    sample.composition_offset = static_cast<int32_t>(packet.pts - packet.dts);
    sample.key = packet.key && !packet.damaged;
    run.samples.push_back(sample);
    fragment->data_bytes += packet.size;
    track.slice(i, &fragment->data);
  }
  fragment->begins_with_key = run.samples.front().key;
  fragment->runs.push_back(std::move(run));
}

void LiveFeed::add_audio(uint64_t* cursor, uint64_t end, bool follow, Fragment* fragment) {
  const PacketTrack& track = ring_.audio();
  FragmentRun run;
  run.track_id = kAudioTrackId;
  // The duration of a frame is known when the next one is there.
  for (*cursor = std::max(*cursor, track.begin()); *cursor < end && *cursor + 1 < track.end(); ++*cursor) {
    const Packet& packet = track.at(*cursor);
    const int64_t next = std::max(track.at(*cursor + 1).pts, packet.pts + 1);
    const int64_t start = sound_time(packet.pts);
    if (start < 0) continue;
    if (run.samples.empty()) run.base_time = static_cast<uint64_t>(start);
    if (follow) follow_sync(next - packet.pts);
    FragmentSample sample;
    sample.size = packet.size;
    sample.duration = static_cast<uint32_t>(std::clamp<int64_t>(sound_time(next) - start, 1, INT32_MAX));
    sample.key = true;
    run.samples.push_back(sample);
    fragment->data_bytes += packet.size;
    track.slice(*cursor, &fragment->data);
  }
  if (!run.samples.empty()) fragment->runs.push_back(std::move(run));
}

void LiveFeed::send_header(uint64_t viewer, int64_t first_pts90k) {
  LiveHeaderEvent event{};
  event.key = key_;
  event.sound = sound_;
  event.viewer = viewer;
  event.generation = header_.generation;
  event.codecs = header_.codecs;
  event.width = header_.width;
  event.height = header_.height;
  event.fps = header_.fps;
  event.start_ms = utc_ms(first_pts90k);
  event.zero_ms = header_.zero_ms;
  event.init = header_.init;
  sink_.on_event(std::move(event));
}

/// False when too much is on its way.
bool LiveFeed::send(uint64_t viewer, const Fragment& fragment, bool goes_on) {
  if (on_the_way_->load(std::memory_order_relaxed) > kMostOnTheWay) return false;
  std::vector<uint8_t> bytes = encode_moof(fragment, ++sequence_);
  bytes.reserve(bytes.size() + static_cast<size_t>(fragment.data_bytes));
  for (const Slice& slice : fragment.data) {
    bytes.insert(bytes.end(), slice.data(), slice.data() + slice.size());
  }
  sink_.on_event(LiveFragmentEvent{key_, sound_, viewer, fragment.begins_with_key, goes_on,
                                   std::make_shared<LiveBytes>(std::move(bytes), on_the_way_)});
  return true;
}

}  // namespace thimble::media
