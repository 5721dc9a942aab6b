#include "media/export_source.h"

#include <errno.h>

#include <algorithm>
#include <cstring>

namespace thimble::media {
namespace {

constexpr size_t kHeaderReadBytes = 4096;  // moov of one or two tracks is 1-2 KiB

bool same_segment(const SegmentIdentity& a, const SegmentIdentity& b) {
  return std::memcmp(a.store, b.store, sizeof a.store) == 0 && a.camera == b.camera && a.stream == b.stream &&
         a.start_ms == b.start_ms && a.clock_generation == b.clock_generation;
}

}  // namespace

int ExportSource::open(const std::string& path, const SegmentIdentity& expected, uint64_t size_bytes) {
  close();
  const int error = open_header(path, expected);
  if (error < 0) close();
  size_ = std::min(size_, size_bytes);
  return error;
}

int ExportSource::open_header(const std::string& path, const SegmentIdentity& expected) {
  fd_ = disk_.open_existing(path);
  if (fd_ < 0) return fd_;
  const off_t size = disk_.file_size(fd_);
  if (size < 0) return static_cast<int>(size);
  size_ = static_cast<uint64_t>(size);
  for (const size_t most : {kHeaderReadBytes, kMaxHeaderBytes}) {
    const int error = read_bytes(disk_, fd_, 0, most, &bytes_);
    if (error < 0) return error;
    header_ = parse_segment_header({bytes_.data(), bytes_.size()});
    if (header_.state != SegmentHeader::State::kIncomplete) break;
  }
  if (header_.state != SegmentHeader::State::kValid) return -EBADMSG;
  return same_segment(header_.identity, expected) ? 0 : -EBADMSG;
}

void ExportSource::close() {
  if (fd_ >= 0) disk_.close(fd_);
  fd_ = -1;
}

int ExportSource::read(uint64_t offset, StoredFragment* fragment) {
  return read_fragment(disk_, fd_, offset, size_, fragment);
}

std::vector<IndexedPart> ExportSource::read_index() {
  std::vector<IndexedPart> parts;
  return read_segment_index(disk_, fd_, header_.layout, size_, &parts) < 0 ? std::vector<IndexedPart>()
                                                                           : parts;
}

int ExportSource::read_exactly(uint64_t offset, uint8_t* out, size_t size) {
  while (size > 0) {
    const ssize_t got = disk_.read_at(fd_, out, size, static_cast<off_t>(offset));
    if (got <= 0) return got < 0 ? static_cast<int>(got) : -EIO;
    out += got;
    offset += static_cast<uint64_t>(got);
    size -= static_cast<size_t>(got);
  }
  return 0;
}

}  // namespace thimble::media
