// Walks a segment file from its first fragment, or from where its index says that the last ones begin,
// decides what of it is whole, and mends the rest.
#include "media/repair.h"

#include <errno.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <memory>

#include "media/fragment_reader.h"
#include "media/index_reader.h"
#include "media/init_segment.h"
#include "media/moov_reader.h"
#include "media/sample_check.h"
#include "media/segment_header.h"
#include "media/segment_index.h"

namespace thimble::media {
namespace {

constexpr size_t kHeaderReadBytes = 4096;       // moov of one or two tracks is 1-2 KiB
constexpr size_t kCheckedFragments = 4;         // at the end: more than a sync period
constexpr size_t kMaxFragments = 1u << 18;      // three days of seconds; bounds memory
constexpr size_t kMaxFoundTogether = 1u << 16;  // of files that are walked side by side: 3.5 MiB
constexpr size_t kHintBytes = 4096;             // of a moof, in pages of the disk's cache
// By so much decoding in another order can move a reference's first picture; more is a contradiction.
constexpr int64_t kMaxReorder90k = 5 * int64_t{kVideoTimescale};
// More than this can never have been unsynced: a file with so much that cannot be read is not thrown away as
// empty.
constexpr uint64_t kMaxUnsyncedBytes = 64u << 20;

struct Found {
  uint64_t offset;
  int64_t video_end90k;
  FragmentSummary summary;
};

class Examiner {
 public:
  Examiner(Disk& disk, const std::string& path, const uint8_t* store)
      : disk_(disk), path_(path), store_(store) {}
  ~Examiner() { close(); }
  void close() {
    if (fd_ >= 0) disk_.close(fd_);
    fd_ = -1;
  }
  // Looking: each false when that was all.
  bool begin(bool thorough);
  void will_read() { disk_.will_read(fd_, static_cast<off_t>(end_), kHintBytes); }
  bool find_fragment();
  /// The end is not as the index says: all is to be found again, from the first fragment on. Else a file with
  /// an index is judged.
  bool must_start_over();
  /// What was found makes a file that is to be mended.
  bool conclude(bool write);

  // Mending, each step 0 or -errno and behind it a file that can be examined and mended again. What a step
  // writes has to be on the disk before the next one.
  int cut_and_write_index();
  int name_index();
  int start_writeback() { return disk_.start_writeback(fd_); }
  int wait_writeback() { return disk_.wait_writeback(fd_); }
  int sync() { return disk_.sync_data(fd_); }

  bool fail(int error) {
    report_.state = SegmentReport::State::kError;
    report_.error = error;
    return false;
  }
  bool has_index() const { return !index_.empty(); }
  const SegmentReport& report() const { return report_; }

 private:
  bool judge();
  ssize_t read(uint64_t offset, size_t size, std::vector<uint8_t>* bytes);
  bool read_header();
  bool judge_bad_header(const std::vector<uint8_t>& bytes);
  bool read_fragment(uint64_t offset, Found* found, StoredFragment* fragment, bool* whole);
  bool trust_index();
  bool follows_index() const;
  bool check_end();
  void tell_media();
  bool index_agrees(const std::vector<uint8_t>& index, bool* agrees);
  int write_all(const uint8_t* data, size_t size, uint64_t offset);

  Disk& disk_;
  const std::string path_;
  const uint8_t* store_;
  int fd_ = -1;
  uint64_t size_ = 0;
  SegmentHeader header_;
  std::vector<IndexedPart> trusted_;  ///< last references of an index; empty when all fragments are read
  std::vector<Found> found_;          ///< from the first of them on
  uint64_t end_ = 0;                  ///< behind the last whole fragment
  bool ended_ = false;                ///< all of them are found
  std::vector<uint8_t> index_;
  bool box_is_free_ = false;
  SegmentReport report_;
};

/// Up to `size` bytes; fewer at the end of the file. Negative: -errno.
ssize_t Examiner::read(uint64_t offset, size_t size, std::vector<uint8_t>* bytes) {
  size = offset < size_ ? static_cast<size_t>(std::min<uint64_t>(size, size_ - offset)) : 0;
  const int error = read_bytes(disk_, fd_, offset, size, bytes);
  return error < 0 ? error : static_cast<ssize_t>(bytes->size());
}

bool Examiner::read_header() {
  std::vector<uint8_t> bytes;
  ssize_t got = read(0, kHeaderReadBytes, &bytes);
  if (got < 0) return fail(static_cast<int>(-got));
  header_ = parse_segment_header({bytes.data(), bytes.size()});
  if (header_.state == SegmentHeader::State::kIncomplete && size_ > kHeaderReadBytes) {
    if ((got = read(0, kMaxHeaderBytes, &bytes)) < 0) return fail(static_cast<int>(-got));
    header_ = parse_segment_header({bytes.data(), bytes.size()});
  }
  if (header_.state != SegmentHeader::State::kValid) return judge_bad_header(bytes);
  if (std::memcmp(header_.identity.store, store_, sizeof header_.identity.store) != 0) {
    report_.state = SegmentReport::State::kForeign;
    return false;
  }
  report_.identity = header_.identity;
  const MoovFacts facts = read_moov(header_.moov);
  report_.video_codec = facts.video_codec;
  report_.audio_codec = facts.audio_codec;
  report_.width = facts.width;
  report_.height = facts.height;
  return true;
}

/// No valid header. One that a power cut kept from the disk (the file ends in it, or a sector of it is zero)
/// makes an empty segment, provided that the name is ours; what else looks like ours is damage and not thrown
/// away.
bool Examiner::judge_bad_header(const std::vector<uint8_t>& bytes) {
  const size_t looked_at = std::min(bytes.size(), header_.needed);
  bool torn = bytes.size() < header_.needed;
  for (size_t sector = 0; sector < looked_at; sector += 512) {
    const auto begin = bytes.begin() + static_cast<ptrdiff_t>(sector);
    const auto end = bytes.begin() + static_cast<ptrdiff_t>(std::min(bytes.size(), sector + 512));
    torn = torn || std::all_of(begin, end, [](uint8_t byte) { return byte == 0; });
  }
  const std::optional<SegmentIdentity> named = identity_of_path(path_);
  if (torn && named && size_ <= kMaxUnsyncedBytes) {
    report_.state = SegmentReport::State::kEmpty;
    report_.identity = *named;
    std::memcpy(report_.identity.store, store_, sizeof report_.identity.store);
    report_.end_ms = named->start_ms;
    report_.size_bytes = size_;
    return false;
  }
  if (header_.state == SegmentHeader::State::kDamaged) return fail(EBADMSG);
  report_.state = SegmentReport::State::kForeign;
  return false;
}

/// False only when the disk fails; `whole` says what is there.
bool Examiner::read_fragment(uint64_t offset, Found* found, StoredFragment* fragment, bool* whole) {
  const int got = media::read_fragment(disk_, fd_, offset, size_, fragment);
  *whole = got > 0;
  if (got < 0) return fail(-got);
  if (got == 0) return true;
  *found = {offset, INT64_MIN, {}};
  found->summary.size_bytes = fragment->end - offset;
  for (const FragmentRun& run : fragment->runs) {
    if (run.track_id != kVideoTrackId || found->summary.has_video) continue;
    const RunSpan span = run_span(run);
    found->video_end90k = span.end;
    found->summary.has_video = true;
    found->summary.begins_with_key = run.samples.front().key;
    found->summary.earliest_pts90k = span.begin > 0 ? static_cast<uint64_t>(span.begin) : 0;
    found->summary.duration90k = span.duration;
  }
  return true;
}

/// The next one; false behind the last, or when the disk fails.
bool Examiner::find_fragment() {
  Found found;
  StoredFragment fragment;
  bool whole = false;
  ended_ = end_ >= size_ || !read_fragment(end_, &found, &fragment, &whole) || !whole;
  if (!ended_ && found_.size() == kMaxFragments) ended_ = !fail(EFBIG);
  if (ended_) return false;
  found_.push_back(found);
  end_ += found.summary.size_bytes;
  return true;
}

/// Cuts back until the last fragments are sound in a row.
bool Examiner::check_end() {
  size_t sound = 0;
  for (size_t i = found_.size(); i-- > 0 && sound < kCheckedFragments;) {
    Found again;
    StoredFragment fragment;
    bool whole = false;
    if (!read_fragment(found_[i].offset, &again, &fragment, &whole)) return false;
    SampleState state = SampleState::kDamaged;
    if (whole) state = check_samples(disk_, fd_, fragment.media_offset, fragment.runs);
    if (state == SampleState::kUnreadable) return fail(EIO);
    if (state == SampleState::kSound) {
      ++sound;
      continue;
    }
    sound = 0;
    end_ = found_[i].offset;
    found_.resize(i);
  }
  return true;
}

void Examiner::tell_media() {
  int64_t video_end90k = INT64_MIN;
  for (const Found& found : found_) video_end90k = std::max(video_end90k, found.video_end90k);
  const int64_t since = video_end90k == INT64_MIN ? 0 : video_end90k - header_.identity.pts_offset90k;
  report_.end_ms = header_.identity.start_ms + (since > 0 ? since / 90 : 0);
}

bool Examiner::index_agrees(const std::vector<uint8_t>& index, bool* agrees) {
  std::vector<uint8_t> bytes;
  const ssize_t got = read(header_.layout.reserved_offset, index.size(), &bytes);
  if (got < 0) return fail(static_cast<int>(-got));
  *agrees = bytes == index;
  return true;
}

int Examiner::write_all(const uint8_t* data, size_t size, uint64_t offset) {
  while (size > 0) {
    const iovec part{const_cast<uint8_t*>(data), size};
    const ssize_t written = disk_.write_at(fd_, &part, 1, static_cast<off_t>(offset));
    if (written <= 0) return written < 0 ? static_cast<int>(written) : -EIO;
    data += written;
    offset += static_cast<uint64_t>(written);
    size -= static_cast<size_t>(written);
  }
  return 0;
}

int Examiner::cut_and_write_index() {
  const uint64_t box = header_.layout.reserved_offset;
  int error = 0;
  if (!box_is_free_) {
    // A wrong index goes before the fragments change under it.
    const std::vector<uint8_t> header = encode_free_header(header_.layout.reserved_bytes);
    if ((error = write_all(header.data(), header.size(), box)) < 0) return error;
    if ((error = sync()) < 0) return error;
  }
  if ((error = disk_.truncate(fd_, static_cast<off_t>(end_))) < 0) return error;
  return has_index() ? write_all(index_.data() + 8, index_.size() - 8, box + 8) : 0;
}

int Examiner::name_index() {
  return write_all(index_.data(), 8, header_.layout.reserved_offset);
}

/// With an index, the walk begins near the end. False only when the disk fails.
bool Examiner::trust_index() {
  std::vector<IndexedPart> parts;
  const int error = read_segment_index(disk_, fd_, header_.layout, size_, &parts);
  if (error < 0) return fail(-error);
  if (parts.size() < kCheckedFragments || parts.back().end != size_) return true;
  trusted_.assign(parts.end() - kCheckedFragments, parts.end());
  end_ = trusted_.front().offset;
  return true;
}

/// The fragments found are what the references say, up to the end of the file.
bool Examiner::follows_index() const {
  auto found = found_.begin();
  for (const IndexedPart& part : trusted_) {
    uint64_t end = part.offset, duration90k = 0;
    const FragmentSummary* first = nullptr;
    for (; found != found_.end() && end < part.end; ++found) {
      end += found->summary.size_bytes;
      duration90k += found->summary.duration90k;
      if (!first && found->summary.has_video) first = &found->summary;
    }
    if (!first || end != part.end || duration90k != part.duration90k) return false;
    const int64_t apart = static_cast<int64_t>(first->earliest_pts90k) - part.start90k;
    if (first->begins_with_key != part.begins_with_key || std::abs(apart) > kMaxReorder90k) return false;
  }
  return end_ == size_;
}

bool Examiner::must_start_over() {
  if (trusted_.empty()) return false;
  while (!ended_) find_fragment();
  const bool agrees = report_.error == 0 && follows_index() && check_end() && end_ == size_;
  if (agrees) {
    tell_media();
    report_.state = SegmentReport::State::kWhole;
    report_.size_bytes = size_;
  }
  std::vector<Found>().swap(found_);
  if (agrees || report_.error != 0) return false;
  trusted_.clear();
  end_ = header_.layout.fragments_offset();
  ended_ = false;
  return true;
}

bool Examiner::begin(bool thorough) {
  fd_ = disk_.open_existing(path_);
  const off_t size = fd_ < 0 ? 0 : disk_.file_size(fd_);
  if (fd_ < 0 || size < 0) return fail(fd_ < 0 ? -fd_ : static_cast<int>(-size));
  size_ = static_cast<uint64_t>(size);
  if (!read_header()) return false;
  end_ = header_.layout.fragments_offset();
  return thorough || trust_index();
}

bool Examiner::conclude(bool write) {
  while (!ended_) find_fragment();
  const bool judged = report_.error == 0 && (!trusted_.empty() || (check_end() && judge()));
  std::vector<Found>().swap(found_);
  if (!judged) return false;
  if (!write || report_.state == SegmentReport::State::kEmpty) return false;
  if (report_.state != SegmentReport::State::kWhole) return true;
  // The close may have been cut off before it gave the preallocated blocks back.
  disk_.truncate(fd_, static_cast<off_t>(end_));
  return false;
}

/// What the fragments make of the file. False when the disk fails.
bool Examiner::judge() {
  using State = SegmentReport::State;
  tell_media();
  report_.removed_bytes = size_ > end_ ? size_ - end_ : 0;
  report_.size_bytes = end_;

  SegmentIndex references;
  bool has_video = false;
  for (const Found& found : found_) {
    references.add(found.summary);
    has_video = has_video || found.summary.has_video;
  }
  index_ = references.encode(header_.layout.reserved_bytes);
  bool agrees = false;
  if (!index_agrees(index_, &agrees)) return false;
  if (!index_agrees(encode_free_header(header_.layout.reserved_bytes), &box_is_free_)) return false;
  if (!has_video) {
    // A box that is an index proves that there was footage once: then this is damage.
    const bool may_go = report_.removed_bytes <= kMaxUnsyncedBytes && (box_is_free_ || size_ <= end_);
    report_.state = State::kEmpty;
    report_.size_bytes = size_;
    return may_go || fail(EBADMSG);
  }
  const bool whole = report_.removed_bytes == 0 && (has_index() ? agrees : box_is_free_);
  report_.state = whole ? State::kWhole : State::kRepaired;
  return true;
}

/// Finds the fragments of all files, a step of each in turn: where the next one begins only the one before it
/// says, and a disk that is asked for one block at a time takes 25 ms for five minutes of footage. What would
/// take too much memory at once is left to `conclude`.
void walk(std::vector<Examiner*> walking) {
  size_t found = 0;
  const auto ended = [&](Examiner* examiner) { return !examiner->find_fragment(); };
  while (!walking.empty() && found < kMaxFoundTogether) {
    for (Examiner* examiner : walking) examiner->will_read();
    found += walking.size();
    walking.erase(std::remove_if(walking.begin(), walking.end(), ended), walking.end());
  }
}

/// Mends files that were looked at, all of them one step at a time: a commit of the file system's journal
/// serves many.
void mend(const std::vector<Examiner*>& examiners) {
  std::vector<Examiner*> left = examiners;
  const auto each = [&](auto step) {
    const auto failed = [&](Examiner* examiner) {
      const int error = step(*examiner);
      if (error < 0) examiner->fail(-error);
      return error < 0;
    };
    left.erase(std::remove_if(left.begin(), left.end(), failed), left.end());
  };
  const auto sync_all = [&] {
    each([](Examiner& examiner) { return examiner.start_writeback(); });
    each([](Examiner& examiner) { return examiner.wait_writeback(); });
    each([](Examiner& examiner) { return examiner.sync(); });
  };
  each([](Examiner& examiner) { return examiner.cut_and_write_index(); });
  sync_all();
  left.erase(std::remove_if(left.begin(), left.end(), [](Examiner* one) { return !one->has_index(); }),
             left.end());
  each([](Examiner& examiner) { return examiner.name_index(); });
  sync_all();
}

}  // namespace

std::vector<SegmentReport> examine_segments(Disk& disk, const std::vector<std::string>& paths,
                                            const uint8_t* store, Examination how) {
  std::vector<std::unique_ptr<Examiner>> examiners;
  std::vector<Examiner*> known, doubted, broken;
  for (const std::string& path : paths) {
    examiners.push_back(std::make_unique<Examiner>(disk, path, store));
    if (examiners.back()->begin(how.thorough)) {
      known.push_back(examiners.back().get());
    } else {
      examiners.back()->close();
    }
  }
  walk(known);
  std::copy_if(known.begin(), known.end(), std::back_inserter(doubted),
               [](Examiner* examiner) { return examiner->must_start_over(); });
  walk(doubted);
  for (Examiner* examiner : known) {
    if (examiner->conclude(how.write)) {
      broken.push_back(examiner);
    } else {
      examiner->close();
    }
  }
  mend(broken);
  std::vector<SegmentReport> reports;
  for (const auto& examiner : examiners) reports.push_back(examiner->report());
  return reports;
}

SegmentReport examine_segment(Disk& disk, const std::string& path, const uint8_t* store, Examination how) {
  return std::move(examine_segments(disk, {path}, store, how).front());
}

}  // namespace thimble::media
