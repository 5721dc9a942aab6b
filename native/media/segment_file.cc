// The steps of writing one segment file, in the order that makes a kill or a power cut harmless after each.
#include "media/segment_file.h"

#include <errno.h>
#include <limits.h>

#include <algorithm>

namespace thimble::media {
namespace {

constexpr uint64_t kMiB = 1u << 20;
constexpr int64_t kShortestRatedMs = 4000;
constexpr int kMaxParts = IOV_MAX < 1024 ? IOV_MAX : 1024;

/// Thirds of what is expected: ext4 keeps four pieces of a file in its inode, and for more it writes another
/// block with every sync. A nearly full volume is not held by one camera.
uint64_t preallocation_step(uint64_t expected_bytes) {
  if (expected_bytes == 0) return 4 * kMiB;
  const uint64_t third = (expected_bytes / 3 + kMiB - 1) / kMiB * kMiB;
  return std::clamp(third, kMiB, 32 * kMiB);
}

}  // namespace

int SegmentFolders::ensure(const SegmentPath& path) {
  const auto known = known_days_.find(path.camera_folder);
  if (known != known_days_.end() && known->second == path.day_folder) return 0;
  int error = 0;
  if (known == known_days_.end()) {
    if ((error = disk_.make_directory(full(path.camera_folder))) < 0) return error;
    if ((error = disk_.sync_directory(root_)) < 0) return error;
  }
  if ((error = disk_.make_directory(full(path.day_folder))) < 0) return error;
  if ((error = disk_.sync_directory(full(path.camera_folder))) < 0) return error;
  known_days_[path.camera_folder] = path.day_folder;
  return 0;
}

void SegmentFolders::note_rate(const SegmentIdentity& identity, uint64_t size_bytes, int64_t end_ms) {
  const int64_t duration_ms = end_ms - identity.start_ms;
  if (duration_ms < kShortestRatedMs) return;
  bytes_per_s_[{identity.camera, identity.stream}] = size_bytes * 1000 / static_cast<uint64_t>(duration_ms);
}

uint64_t SegmentFolders::expected_bytes(const SegmentIdentity& identity, uint32_t seconds) const {
  const auto known = bytes_per_s_.find({identity.camera, identity.stream});
  if (known == bytes_per_s_.end()) return 0;
  const uint64_t bytes = known->second * seconds;
  return bytes + bytes / 8;
}

SegmentFile::~SegmentFile() {
  close();
}

int SegmentFile::create_file(const SegmentSpec& spec, SegmentFolders& folders, SegmentPath* path) {
  for (const bool with_generation : {false, true}) {
    *path = segment_path(spec.identity, with_generation);
    int error = folders.ensure(*path);
    int fd = error < 0 ? error : disk_.create_exclusive(folders.full(path->file));
    if (fd == -ENOENT) {
      folders.forget(*path);
      error = folders.ensure(*path);
      fd = error < 0 ? error : disk_.create_exclusive(folders.full(path->file));
    }
    if (fd != -EEXIST || with_generation) return fd;
  }
  return -EEXIST;
}

int SegmentFile::create(const SegmentSpec& spec, SegmentFolders& folders) {
  identity_ = spec.identity;
  codecs_ = spec.codecs;
  if (spec.init.empty()) return -EINVAL;
  std::vector<uint8_t> header =
      encode_segment_header(spec.init, spec.identity, spec.planned_seconds, &layout_);
  if (header.size() > kMaxHeaderBytes) return -EINVAL;
  // The reserved box as well: left out, it would split the file into pieces of two kinds (see
  // preallocation_step).
  header.resize(layout_.fragments_offset());
  SegmentPath path;
  const int fd = create_file(spec, folders, &path);
  if (fd < 0) return fd;
  fd_ = fd;
  path_ = path.file;
  full_path_ = folders.full(path.file);
  int error = disk_.sync_directory(folders.full(path.day_folder));
  if (error == 0) {
    const uint64_t expected_bytes = folders.expected_bytes(identity_, spec.planned_seconds);
    step_bytes_ = preallocation_step(expected_bytes);
    grow_steps_ = expected_bytes == 0;
    preallocate_to(layout_.fragments_offset() + 1);
    error = write_bytes(header.data(), header.size(), 0);
  }
  if (error < 0) {
    discard();
    return error;
  }
  end_ = layout_.fragments_offset();
  return 0;
}

void SegmentFile::preallocate_to(uint64_t end) {
  while (step_bytes_ > 0 && preallocated_ < end) {
    // Any failure only means to do without: a full or broken volume tells at the next write.
    const int error =
        disk_.preallocate(fd_, static_cast<off_t>(preallocated_), static_cast<off_t>(step_bytes_));
    if (error < 0) {
      step_bytes_ = 0;
    } else {
      preallocated_ += step_bytes_;
      if (grow_steps_) step_bytes_ = std::min(step_bytes_ * 2, 32 * kMiB);
    }
  }
}

int SegmentFile::write_all(std::vector<iovec>& parts, uint64_t offset) {
  dirty_ = true;
  size_t first = 0;
  while (first < parts.size()) {
    const int count = static_cast<int>(std::min<size_t>(parts.size() - first, kMaxParts));
    ssize_t written = disk_.write_at(fd_, &parts[first], count, static_cast<off_t>(offset));
    if (written < 0) return static_cast<int>(written);
    if (written == 0) return -EIO;
    counters_.written_bytes.fetch_add(static_cast<uint64_t>(written), std::memory_order_relaxed);
    offset += static_cast<uint64_t>(written);
    while (written > 0 && first < parts.size()) {
      const size_t taken = std::min<size_t>(static_cast<size_t>(written), parts[first].iov_len);
      parts[first].iov_base = static_cast<uint8_t*>(parts[first].iov_base) + taken;
      parts[first].iov_len -= taken;
      written -= static_cast<ssize_t>(taken);
      if (parts[first].iov_len == 0) ++first;
    }
  }
  return 0;
}

int SegmentFile::write_bytes(const uint8_t* data, size_t size, uint64_t offset) {
  std::vector<iovec> parts{{const_cast<uint8_t*>(data), size}};
  return write_all(parts, offset);
}

int SegmentFile::append(const Fragment& fragment) {
  std::vector<uint8_t> moof = encode_moof(fragment, fragments_ + 1);
  std::vector<iovec> parts;
  parts.reserve(fragment.data.size() + 1);
  parts.push_back({moof.data(), moof.size()});
  uint64_t data_bytes = 0, sample_bytes = 0;
  for (const Slice& slice : fragment.data) {
    if (slice.size() == 0) continue;
    parts.push_back({const_cast<uint8_t*>(slice.data()), slice.size()});
    data_bytes += slice.size();
  }
  for (const FragmentRun& run : fragment.runs) {
    for (const FragmentSample& sample : run.samples) sample_bytes += sample.size;
  }
  // A fragment that contradicts itself would make all that follow unreadable.
  if (data_bytes != fragment.data_bytes || data_bytes != sample_bytes || data_bytes == 0) return -EINVAL;
  const uint64_t size = moof.size() + data_bytes;
  preallocate_to(end_ + size);
  const int error = write_all(parts, end_);
  if (error < 0) {
    whole_ = false;
    return error;
  }
  end_ += size;
  ++fragments_;
  counters_.media_bytes.fetch_add(data_bytes, std::memory_order_relaxed);
  newest_ = {size, fragment.has_video, fragment.begins_with_key, fragment.earliest_pts90k,
             fragment.duration90k};
  index_.add(newest_);
  for (const FragmentRun& run : fragment.runs) {
    if (run.track_id == 1 && !run.samples.empty()) video_end90k_ = std::max(video_end90k_, run_span(run).end);
  }
  return 0;
}

int SegmentFile::cut() {
  if (whole_) return 0;
  const int error = disk_.truncate(fd_, static_cast<off_t>(end_));
  if (error == 0) whole_ = true;
  return error;
}

int SegmentFile::sync() {
  const int error = disk_.sync_data(fd_);
  if (error == 0) dirty_ = false;
  return error;
}

std::vector<SegmentFile::Outcome> SegmentFile::close_all(Disk& disk, const std::vector<SegmentFile*>& files) {
  std::vector<Outcome> outcomes(files.size());
  std::vector<std::vector<uint8_t>> indexes(files.size());
  const auto each = [&](auto step) {
    for (size_t i = 0; i < files.size(); ++i) {
      if (outcomes[i].sync_error == 0) step(*files[i], outcomes[i], indexes[i]);
    }
  };
  using Index = std::vector<uint8_t>;
  each([](SegmentFile& file, Outcome& outcome, Index& index) {
    if (file.whole_) index = file.index_.encode(file.layout_.reserved_bytes);
    if (index.empty()) return;
    outcome.index_error =
        file.write_bytes(index.data() + 8, index.size() - 8, file.layout_.reserved_offset + 8);
  });
  each([](SegmentFile& file, Outcome& outcome, Index&) {
    if (file.dirty_) outcome.sync_error = file.start_writeback();
  });
  each([](SegmentFile& file, Outcome& outcome, Index&) {
    if (file.dirty_) outcome.sync_error = file.wait_writeback();
  });
  each([](SegmentFile& file, Outcome& outcome, Index&) {
    if (file.dirty_) outcome.sync_error = file.sync();
  });
  // Only now that the whole index is on the disk may the box say that it is one.
  each([](SegmentFile& file, Outcome& outcome, Index& index) {
    if (index.empty() || outcome.index_error < 0) return;
    outcome.index_error = file.write_bytes(index.data(), 8, file.layout_.reserved_offset);
  });
  each([](SegmentFile& file, Outcome& outcome, Index&) {
    if (file.dirty_) outcome.sync_error = file.sync();
  });
  each([&](SegmentFile& file, Outcome&, Index&) {
    // Trims the preallocation. Not worth a failure: the blocks come back when the file goes.
    if (file.whole_) disk.truncate(file.fd_, static_cast<off_t>(file.end_));
    file.close();
  });
  return outcomes;
}

bool SegmentFile::abandon() {
  uint8_t first[8];
  const bool readable = disk_.read_at(fd_, first, sizeof first, 0) == sizeof first;
  disk_.truncate(fd_, static_cast<off_t>(end_));
  close();
  return readable;
}

void SegmentFile::discard() {
  close();
  if (disk_.remove(full_path_) == 0) path_.clear();
}

int64_t SegmentFile::end_ms() const {
  if (video_end90k_ == INT64_MIN) return identity_.start_ms;
  const int64_t since = video_end90k_ - identity_.pts_offset90k;
  return identity_.start_ms + (since > 0 ? since / 90 : 0);
}

void SegmentFile::close() {
  if (fd_ < 0) return;
  disk_.close(fd_);
  fd_ = -1;
}

}  // namespace thimble::media
