// With an index only the fragments around the moment are read: on a disk each costs a seek.
#include "media/keyframe_finder.h"

#include <errno.h>

#include <algorithm>
#include <optional>

#include "media/init_segment.h"

namespace thimble::media {
namespace {

/// Of moof boxes, for one picture: those of a day take half of it.
constexpr uint64_t kMaxTableBytes = 256u << 20;
constexpr uint64_t kLeastReadBytes = 2048;

class Search {
 public:
  Search(ExportSource& source, int64_t at90k) : source_(source), at_(at90k) {}

  /// Through the parts nearest to the moment, until no other can hold a nearer keyframe. As find_keyframe.
  int in_parts(const std::vector<IndexedPart>& parts);
  /// From the first fragment to the first keyframe behind the moment.
  int from_start();
  const std::optional<KeyframePlace>& best() const { return best_; }

 private:
  int read_part(const IndexedPart& part);
  int read_at(uint64_t offset, uint64_t* end);
  void look_at(const StoredFragment& fragment);
  uint64_t distance(int64_t pts) const {
    return pts < at_ ? static_cast<uint64_t>(at_) - static_cast<uint64_t>(pts)
                     : static_cast<uint64_t>(pts) - static_cast<uint64_t>(at_);
  }
  bool may_be_nearer(int64_t pts) const { return !best_ || distance(pts) < distance(best_->pts90k); }

  ExportSource& source_;
  const int64_t at_;
  uint64_t table_bytes_ = 0;
  bool passed_ = false;  ///< a keyframe at the moment or behind it was seen
  std::optional<KeyframePlace> best_;
};

void Search::look_at(const StoredFragment& fragment) {
  uint64_t offset = fragment.media_offset;
  for (const FragmentRun& run : fragment.runs) {
    int64_t dts = static_cast<int64_t>(run.base_time);
    for (const FragmentSample& sample : run.samples) {
      const int64_t pts = dts + sample.composition_offset;
      if (run.track_id == kVideoTrackId && sample.key) {
        const bool earlier = best_ && distance(pts) == distance(best_->pts90k) && pts < best_->pts90k;
        if (earlier || may_be_nearer(pts)) best_ = KeyframePlace{offset, sample.size, pts};
        passed_ = passed_ || pts >= at_;
      }
      offset += sample.size;
      dts += sample.duration;
    }
  }
}

/// 1, and where the fragment ends; 0 when no whole one stands there; -errno.
int Search::read_at(uint64_t offset, uint64_t* end) {
  StoredFragment fragment;
  const int got = source_.read(offset, &fragment);
  if (got <= 0) return got;
  table_bytes_ += std::max(fragment.media_offset - offset, kLeastReadBytes);
  if (table_bytes_ > kMaxTableBytes) return -EFBIG;
  look_at(fragment);
  *end = fragment.end;
  return 1;
}

int Search::read_part(const IndexedPart& part) {
  for (uint64_t offset = part.offset; offset < part.end;) {
    const int got = read_at(offset, &offset);
    if (got <= 0) return got;
  }
  return 1;
}

int Search::in_parts(const std::vector<IndexedPart>& parts) {
  const auto behind =
      std::upper_bound(parts.begin(), parts.end(), at_,
                       [](int64_t at, const IndexedPart& part) { return at < part.start90k; });
  const size_t middle = behind == parts.begin() ? 0 : static_cast<size_t>(behind - parts.begin()) - 1;
  int got = read_part(parts[middle]);
  for (size_t i = middle; got > 0 && i > 0 && may_be_nearer(parts[i].start90k); --i)
    got = read_part(parts[i - 1]);
  for (size_t i = middle + 1; got > 0 && i < parts.size() && may_be_nearer(parts[i].start90k); ++i)
    got = read_part(parts[i]);
  return got;
}

int Search::from_start() {
  for (uint64_t offset = source_.fragments_offset(); !passed_ && offset < source_.size_bytes();) {
    const int got = read_at(offset, &offset);
    if (got <= 0) return got < 0 ? got : -EBADMSG;
  }
  return 1;
}

}  // namespace

int find_keyframe(ExportSource& source, int64_t at90k, KeyframePlace* found) {
  std::optional<KeyframePlace> best;
  const std::vector<IndexedPart> parts = source.read_index();
  if (!parts.empty()) {
    Search search(source, at90k);
    const int got = search.in_parts(parts);
    if (got < 0) return got;
    if (got > 0) best = search.best();
  }
  if (!best) {
    Search search(source, at90k);
    const int got = search.from_start();
    if (got < 0) return got;
    best = search.best();
  }
  if (!best) return 0;
  *found = *best;
  return 1;
}

}  // namespace thimble::media
