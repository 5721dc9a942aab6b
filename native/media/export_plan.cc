// Which part of which segment is wanted, and where the bytes of the planned file come from.
#include "media/export_plan.h"

extern "C" {
#include <libavutil/mem.h>
#include <libavutil/sha.h>
}

#include <errno.h>

#include <algorithm>
#include <cstring>

#include "media/init_segment.h"

namespace thimble::media {
namespace {

constexpr uint32_t kFormatVersion = 2;  // changes with every change of the bytes that the same range gives

SegmentIdentity identity_of(const ExportRange& range, const ExportSegment& segment) {
  SegmentIdentity identity;
  std::memcpy(identity.store, range.store, sizeof identity.store);
  identity.camera = range.camera;
  identity.stream = range.stream;
  identity.start_ms = segment.start_ms;
  identity.clock_generation = segment.clock_generation;
  return identity;
}

class Digest {
 public:
  Digest() : sha_(av_sha_alloc()) {
    if (sha_) av_sha_init(sha_, 256);
  }
  ~Digest() { av_free(sha_); }
  void add(uint64_t value) {
    uint8_t bytes[8];
    write_be64(bytes, value);
    if (sha_) av_sha_update(sha_, bytes, sizeof bytes);
  }
  /// Empty when there is no memory.
  std::string hex() {
    std::string text;
    uint8_t bytes[32];
    if (!sha_) return text;
    av_sha_final(sha_, bytes);
    for (size_t i = 0; i < 16; ++i) {
      text += "0123456789abcdef"[bytes[i] >> 4];
      text += "0123456789abcdef"[bytes[i] & 15];
    }
    return text;
  }

 private:
  AVSHA* sha_;
};

}  // namespace

ExportPlan::ExportPlan(Disk& disk, const ExportRange& range)
    : disk_(disk),
      range_(range),
      pool_(range.most_table_bytes),
      video_(pool_, false),
      sound_(pool_, true),
      piece_sources_(pool_),
      piece_offsets_(pool_),
      source_(disk) {
  video_.timescale = kVideoTimescale;
}

int64_t ExportPlan::to_ms(int64_t utc) const {
  return range_.start_ms + (utc >= 0 ? utc : utc - 89) / 90;
}

ExportPlan::Added ExportPlan::add(const ExportSegment& segment, int* error) {
  *error = source_.open(segment.path, identity_of(range_, segment), segment.size_bytes);
  if (*error < 0) return Added::kUnreadable;
  const SegmentIdentity& identity = source_.identity();
  zero_ = utc90k(identity.start_ms) - identity.pts_offset90k;
  Pass pass;
  Bounds bounds;
  *error = find_tracks(&pass);
  if (*error == 0) *error = find_bounds(segment, &bounds);
  if (*error < 0) return Added::kUnreadable;
  if (!bounds.any) return Added::kYes;
  if (!pool_.charge(sizeof(Part) + segment.path.size())) return Added::kTooLarge;
  parts_.push_back({segment, piece_sources_.size()});
  piece_end_ = UINT64_MAX;
  const Added added = add_fragments(bounds, &pass, error);
  source_.close();
  if (pass.started) {
    end_ = segment.to_ms == INT64_MAX ? video_.end : std::min(video_.end, utc90k(segment.to_ms) + shift_);
  }
  return added;
}

int ExportPlan::find_tracks(Pass* pass) {
  for (const MoovTrack& track : source_.tracks()) {
    const size_t least = track.id == kVideoTrackId ? 86 : 36;  // sample entry without its inner boxes
    if (track.sample_entry.size < least) continue;
    if (track.id == kVideoTrackId && track.timescale == kVideoTimescale) pass->video = track;
    // Rates beyond any codec's would leave the numbers in which times are reckoned.
    if (track.id == kAudioTrackId && track.timescale >= 4000 && track.timescale <= 768000)
      pass->sound = track;
  }
  return pass->video.id == kVideoTrackId ? 0 : -EBADMSG;
}

/// Begins at the last keyframe up to `from` when nothing is shown before, else at the first one behind it: an
/// edit list can hide pictures only at the start.
int ExportPlan::find_bounds(const ExportSegment& segment, Bounds* bounds) {
  const bool first = video_.empty();
  const bool cut_from = segment.from_ms != INT64_MIN, cut_to = segment.to_ms != INT64_MAX;
  if (!cut_from && !cut_to) return 0;
  const int64_t from = cut_from ? utc90k(segment.from_ms) : INT64_MIN;
  const int64_t to = cut_to ? utc90k(segment.to_ms) : INT64_MAX;
  int64_t key_pts = 0;
  uint64_t number = 0, begin = UINT64_MAX, end = 0;
  bool visible = false;
  StoredFragment fragment;
  for (uint64_t offset = source_.fragments_offset();; offset = fragment.end) {
    const int got = source_.read(offset, &fragment);
    if (got < 0) return got;
    if (got == 0) break;
    bool behind = false;
    for (const FragmentRun& run : fragment.runs) {
      if (run.track_id != kVideoTrackId) continue;
      int64_t dts = zero_ + static_cast<int64_t>(run.base_time);
      behind = begin != UINT64_MAX && dts >= to;
      for (const FragmentSample& sample : run.samples) {
        const int64_t pts = dts + sample.composition_offset;
        const bool none = begin == UINT64_MAX;
        if (sample.key && (first ? none || pts <= from : none && pts >= from)) {
          begin = number;
          key_pts = pts;
          visible = false;
        }
        ++number;
        if (begin != UINT64_MAX && pts < to) {
          end = number;
          visible = visible || pts + sample.duration > from;
        }
        dts += sample.duration;
      }
    }
    if (behind) break;
  }
  *bounds = {begin, end, visible && end > begin, INT64_MIN, to};
  if (cut_from) bounds->sound_from = first ? from : key_pts;
  return 0;
}

bool ExportPlan::finish() {
  if (video_.empty() || end_ <= start_ || !video_.finish() || !sound_.finish()) return false;
  const int64_t wanted = utc90k(range_.start_ms), until = utc90k(range_.end_ms);
  constexpr int64_t kGap = 50 * 90;
  if (start_ - wanted > kGap) gaps_.insert(gaps_.begin(), {to_ms(wanted), to_ms(start_), 0});
  if (until - (end_ - shift_) > kGap)
    gaps_.push_back({to_ms(end_ - shift_), to_ms(until), (end_ - start_) / 90});
  make_digest();
  ExportFacts facts;
  facts.store = range_.store;
  facts.camera = range_.camera;
  facts.stream = range_.stream;
  facts.start_ms = start_ms();
  facts.end_ms = to_ms(end_ - shift_);
  facts.start = start_;
  facts.end = end_;
  facts.media_bytes = media_bytes_;
  header_.build(video_, sound_, facts, gaps_);
  return !digest_.empty();
}

/// What lies in a segment never changes, so its places say which bytes they are.
void ExportPlan::make_digest() {
  Digest digest;
  digest.add(kFormatVersion);
  for (size_t i = 0; i < sizeof range_.store; i += 8) digest.add(read_be64(range_.store + i));
  digest.add(uint64_t{range_.camera} << 8 | static_cast<uint8_t>(range_.stream));
  digest.add(static_cast<uint64_t>(range_.start_ms));
  digest.add(static_cast<uint64_t>(range_.end_ms));
  digest.add(range_.repeat_parameters);
  for (const Part& part : parts_) {
    digest.add(static_cast<uint64_t>(part.segment.start_ms));
    digest.add(part.segment.clock_generation);
    digest.add(static_cast<uint64_t>(part.segment.from_ms));
    digest.add(static_cast<uint64_t>(part.segment.to_ms));
    digest.add(part.first_piece);
  }
  for (uint64_t i = 0; i < piece_sources_.size(); ++i) {
    digest.add(piece_sources_.at(i));
    digest.add(piece_offsets_.at(i));
  }
  digest.add(media_bytes_);
  digest_ = digest.hex();
}

int64_t ExportPlan::read(uint64_t offset, uint8_t* out, size_t size) {
  const uint64_t total = size_bytes();
  size = offset < total ? static_cast<size_t>(std::min<uint64_t>(size, total - offset)) : 0;
  size_t done = 0;
  if (offset < header_.size_bytes()) {
    done = static_cast<size_t>(std::min<uint64_t>(size, header_.size_bytes() - offset));
    header_.read(offset, out, done);
  }
  while (done < size) {
    size_t got = 0;
    const int error = read_media(offset + done - header_.size_bytes(), out + done, size - done, &got);
    if (error < 0) return error;
    done += got;
  }
  return static_cast<int64_t>(done);
}

/// Reads from the piece at `offset` of the media, at most up to its end.
int ExportPlan::read_media(uint64_t offset, uint8_t* out, size_t size, size_t* done) {
  uint64_t piece = 0, behind = piece_offsets_.size();
  while (behind - piece > 1) {
    const uint64_t middle = piece + (behind - piece) / 2;
    (piece_offsets_.at(middle) <= offset ? piece : behind) = middle;
  }
  const uint64_t begin = piece_offsets_.at(piece);
  const uint64_t end = piece + 1 < piece_offsets_.size() ? piece_offsets_.at(piece + 1) : media_bytes_;
  *done = static_cast<size_t>(std::min<uint64_t>(size, end - offset));
  const uint64_t source = piece_sources_.at(piece);
  if (source < kFirstByte) {
    std::memcpy(out, sets_[source].data() + (offset - begin), *done);
    return 0;
  }
  const auto next =
      std::upper_bound(parts_.begin(), parts_.end(), piece,
                       [](uint64_t number, const Part& part) { return number < part.first_piece; });
  const size_t part = static_cast<size_t>(next - parts_.begin()) - 1;
  if (part != open_part_) {
    open_part_ = SIZE_MAX;
    const ExportSegment& segment = parts_[part].segment;
    const int error = source_.open(segment.path, identity_of(range_, segment), segment.size_bytes);
    if (error < 0) return error;
    open_part_ = part;
  }
  return source_.read_exactly(source - kFirstByte + (offset - begin), out, *done);
}

}  // namespace thimble::media
