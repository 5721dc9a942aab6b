// How samples of the segments follow each other on the time line of an export.
#include <errno.h>

#include <algorithm>
#include <cstring>

#include "media/entry_parameter_sets.h"
#include "media/export_plan.h"
#include "media/init_segment.h"
#include "media/ticks.h"

namespace thimble::media {
namespace {

// Starts and ends of segments are whole milliseconds, so what touches may seem to be up to one apart. Less
// than two pictures at 25 fps are no gap anywhere in Thimble.
constexpr int64_t kLongestJoin = 50 * 90;
constexpr int64_t kLongestOverlap = 10 * 90;
// Sound comes a little behind its pictures in the file.
constexpr int kSoundLag = 2;
// Seventeen days: with all fragments that a file can have, times stay in 64 bits.
constexpr uint64_t kLongestRun = uint64_t{1} << 37;

}  // namespace

ExportPlan::Added ExportPlan::add_fragments(const Bounds& bounds, Pass* pass, int* error) {
  StoredFragment fragment;
  int behind = 0;
  for (uint64_t offset = source_.fragments_offset(); behind <= kSoundLag; offset = fragment.end) {
    *error = source_.read(offset, &fragment);
    if (*error == 0 && offset < source_.size_bytes()) *error = -EBADMSG;
    if (*error <= 0) return *error < 0 ? Added::kUnreadable : Added::kYes;
    *error = 0;
    uint64_t at = fragment.media_offset;
    for (const FragmentRun& run : fragment.runs) {
      Added added = Added::kYes;
      uint64_t run_bytes = 0, ticks = 0;
      for (const FragmentSample& sample : run.samples) run_bytes += sample.size, ticks += sample.duration;
      if (ticks > kLongestRun) {
        *error = -EBADMSG;
        return Added::kUnreadable;
      }
      if (run.track_id == kVideoTrackId) added = add_pictures(run, at, bounds, pass);
      if (run.track_id == kAudioTrackId) added = add_sound(run, at, bounds, pass);
      if (added != Added::kYes) return added;
      at += run_bytes;
    }
    if (pass->sample >= bounds.end) ++behind;
  }
  return Added::kYes;
}

/// Copies the sample entry unless the track has one like it. kOtherCodec when it is of another codec.
ExportPlan::Added ExportPlan::find_entry(ExportTrack* track, const MoovTrack& from, uint32_t* entry) {
  const ByteView bytes = from.sample_entry;
  const auto same = [&](const std::vector<uint8_t>& known) {
    return known.size() == bytes.size && std::memcmp(known.data(), bytes.data, bytes.size) == 0;
  };
  const auto known = std::find_if(track->entries.begin(), track->entries.end(), same);
  *entry = static_cast<uint32_t>(known - track->entries.begin());
  if (known != track->entries.end()) return Added::kYes;
  if (!track->empty() && std::memcmp(track->entries.front().data() + 4, bytes.data + 4, 4) != 0) {
    return Added::kOtherCodec;
  }
  const bool video = track == &video_;
  if (!video && !track->empty()) return Added::kOtherSound;
  if (video && !video_.empty() && !range_.repeat_parameters) return Added::kNewParameters;
  if (track->entries.size() >= kFirstByte || !pool_.charge(2 * bytes.size)) return Added::kTooLarge;
  track->entries.emplace_back(bytes.data, bytes.data + bytes.size);
  if (video) sets_.push_back(range_.repeat_parameters ? entry_parameter_sets(bytes) : std::vector<uint8_t>());
  return Added::kYes;
}

/// A picture at `utc` comes `distance` behind the end of those before. Closes gaps and moves overlaps apart;
/// false when there is no memory.
bool ExportPlan::follow(int64_t utc, int64_t distance) {
  if (distance >= -kLongestOverlap && distance <= kLongestJoin) return true;
  if (!pool_.charge(sizeof(ExportGap))) return false;
  gaps_.push_back({to_ms(utc - distance), to_ms(utc), (video_.end - start_) / 90});
  int64_t overhang = 0;
  if (!sound_.empty()) {
    overhang = std::max<int64_t>(0, rescale(sound_.end, kVideoTimescale, sound_.timescale) - video_.end);
  }
  sound_border_ = utc - std::max<int64_t>(0, distance) / 2;
  shift_before_ = shift_;
  shift_ += overhang - distance;
  return true;
}

ExportPlan::Added ExportPlan::begin_pictures(const FragmentSample& key, int64_t dts, const Bounds& bounds,
                                             Pass* pass) {
  const int64_t pts = dts + key.composition_offset;
  const Added added = find_entry(&video_, pass->video, &pass->video_entry);
  if (added != Added::kYes) return added;
  pass->started = true;
  if (video_.empty()) {
    start_ = std::max(pts, bounds.sound_from);
    return Added::kYes;
  }
  if (!follow(pts, pts + shift_ - video_.end)) return Added::kTooLarge;
  sound_border_ = INT64_MIN;  // all sound of a file belongs to its pictures
  return Added::kYes;
}

ExportPlan::Added ExportPlan::add_pictures(const FragmentRun& run, uint64_t offset, const Bounds& bounds,
                                           Pass* pass) {
  int64_t dts = zero_ + static_cast<int64_t>(run.base_time);
  uint32_t taken = 0;
  uint64_t taken_from = offset, chunk = 0;
  for (const FragmentSample& sample : run.samples) {
    const uint64_t number = pass->sample++;
    if (number >= bounds.begin && number < bounds.end && (pass->started || sample.key)) {
      if (!pass->started) {
        const Added added = begin_pictures(sample, dts, bounds, pass);
        if (added != Added::kYes) return added;
      } else if (taken == 0 && !follow(dts, dts - pass->next_dts)) {
        return Added::kTooLarge;
      }
      if (taken++ == 0) taken_from = offset, chunk = media_bytes_;
      uint32_t size = sample.size;
      if (sample.key && !sets_[pass->video_entry].empty()) {
        if (!add_piece(taken_from, offset - taken_from) || !add_sets(pass->video_entry) ||
            __builtin_add_overflow(size, static_cast<uint32_t>(sets_[pass->video_entry].size()), &size))
          return Added::kTooLarge;
        taken_from = offset;
      }
      const int64_t at = dts + shift_;
      const auto added = video_.add(at, at + sample.composition_offset, sample.duration, size, sample.key);
      if (added != ExportTrack::Added::kYes) return Added::kTooLarge;
      pass->next_dts = dts + sample.duration;
    }
    dts += sample.duration;
    offset += number < bounds.end ? sample.size : 0;
  }
  if (taken == 0) return Added::kYes;
  const bool fits = video_.add_chunk(taken, pass->video_entry, chunk);
  return fits && add_piece(taken_from, offset - taken_from) ? Added::kYes : Added::kTooLarge;
}

ExportPlan::Added ExportPlan::add_sound(const FragmentRun& run, uint64_t offset, const Bounds& bounds,
                                        Pass* pass) {
  if (!pass->started || pass->sound.id == 0) return Added::kYes;
  const int64_t rate = pass->sound.timescale;
  int64_t time = static_cast<int64_t>(run.base_time);
  uint32_t taken = 0;
  uint64_t taken_from = offset;
  for (const FragmentSample& sample : run.samples) {
    const int64_t utc = zero_ + rescale(time, kVideoTimescale, rate);
    const int64_t utc_end = zero_ + rescale(time + sample.duration, kVideoTimescale, rate);
    if (utc >= bounds.sound_to) break;
    if (utc_end > bounds.sound_from) {
      if (!pass->has_sound) {
        const Added added = find_entry(&sound_, pass->sound, &pass->sound_entry);
        if (added != Added::kYes) return added;
        pass->has_sound = true;
        if (sound_.empty()) sound_.timescale = pass->sound.timescale;
      }
      if (taken++ == 0) taken_from = offset;
      const int64_t scale = sound_.timescale, shift = utc < sound_border_ ? shift_before_ : shift_;
      const int64_t at = rescale(zero_ + shift, scale, kVideoTimescale) + rescale(time, scale, rate);
      const auto duration =
          static_cast<uint32_t>(std::min<int64_t>(rescale(sample.duration, scale, rate), INT32_MAX));
      const auto added = sound_.add(at, at, duration, sample.size, true);
      if (added == ExportTrack::Added::kHole) return Added::kSoundHole;
      if (added == ExportTrack::Added::kNoMemory) return Added::kTooLarge;
    } else if (taken > 0) {
      break;
    }
    time += sample.duration;
    offset += sample.size;
  }
  if (taken == 0) return Added::kYes;
  const bool fits = sound_.add_chunk(taken, pass->sound_entry, media_bytes_);
  return fits && add_piece(taken_from, offset - taken_from) ? Added::kYes : Added::kTooLarge;
}

/// What lies behind the piece before in the same file makes that longer.
bool ExportPlan::add_piece(uint64_t offset, uint64_t size) {
  if (size == 0) return true;
  if (offset != piece_end_ && !start_piece(offset + kFirstByte)) return false;
  piece_end_ = offset + size;
  media_bytes_ += size;
  return true;
}

bool ExportPlan::add_sets(uint32_t entry) {
  if (!start_piece(entry)) return false;
  piece_end_ = UINT64_MAX;
  media_bytes_ += sets_[entry].size();
  return true;
}

bool ExportPlan::start_piece(uint64_t source) {
  return piece_sources_.push(source) && piece_offsets_.push(media_bytes_);
}

}  // namespace thimble::media
