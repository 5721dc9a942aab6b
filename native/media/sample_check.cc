// After a power cut a file can have its full length and zeros in it: sectors that were still on their way.
#include "media/sample_check.h"

#include <algorithm>

#include "media/init_segment.h"
#include "rtsp/bytes.h"

namespace thimble::media {
namespace {

constexpr uint64_t kSectorBytes = 512;  // smallest unit in which a disk loses writes
constexpr size_t kWindowBytes = 64 * 1024;
constexpr uint64_t kLengthBytes = 4;
// Zeros at the begin of a sector that mean loss, when they do not reach the end of the NAL or frame before.
constexpr uint64_t kVideoZeros = 3;
constexpr uint64_t kAudioZeros = 32;  // an AAC frame may be stuffed with zeros

class SampleReader {
 public:
  SampleReader(Disk& disk, int fd) : disk_(disk), fd_(fd), window_(kWindowBytes) {}

  bool readable() const { return readable_; }
  uint8_t at(uint64_t offset) {
    if (offset < begin_ || offset >= begin_ + size_) load(offset);
    return size_ > 0 ? window_[static_cast<size_t>(offset - begin_)] : 0;
  }
  uint32_t length_at(uint64_t offset) {
    uint32_t length = 0;
    for (uint64_t i = 0; i < kLengthBytes; ++i) length = length << 8 | at(offset + i);
    return length;
  }
  bool zeros(uint64_t offset, uint64_t count) {
    for (uint64_t i = 0; i < count; ++i) {
      if (at(offset + i) != 0) return false;
    }
    return true;
  }
  /// True when a sector that begins inside [begin, end) begins with `limit` zeros, or with zeros up to `end`.
  bool lost_sector(uint64_t begin, uint64_t end, uint64_t limit) {
    const uint64_t first = (begin + kSectorBytes - 1) / kSectorBytes * kSectorBytes;
    for (uint64_t sector = first; sector < end; sector += kSectorBytes) {
      if (zeros(sector, std::min(limit, end - sector))) return true;
    }
    return false;
  }

 private:
  void load(uint64_t offset) {
    begin_ = offset;
    const ssize_t got =
        readable_ ? disk_.read_at(fd_, window_.data(), window_.size(), static_cast<off_t>(offset)) : 0;
    size_ = got > 0 ? static_cast<size_t>(got) : 0;
    if (got <= 0) readable_ = false;
  }

  Disk& disk_;
  const int fd_;
  std::vector<uint8_t> window_;
  uint64_t begin_ = 0;
  size_t size_ = 0;
  bool readable_ = true;
};

bool video_sound(SampleReader& reader, uint64_t at, uint64_t end) {
  if (at == end) return false;
  while (at < end && reader.readable()) {
    if (end - at <= kLengthBytes) return false;
    const uint64_t length = reader.length_at(at);
    const uint64_t nal = at + kLengthBytes;
    if (length == 0 || length > end - nal) return false;
    // The first byte alone may be zero (H.265 TRAIL_N), the second then holds the temporal id, which is not.
    if ((reader.at(nal) & 0x80) != 0 || reader.zeros(nal, std::min<uint64_t>(length, 2))) return false;
    if (reader.lost_sector(nal, nal + length, kVideoZeros)) return false;
    at = nal + length;
  }
  return true;
}

bool audio_sound(SampleReader& reader, uint64_t at, uint64_t end) {
  if (reader.lost_sector(at, end, kAudioZeros)) return false;
  return at == end || !reader.zeros(at, end - at);
}

}  // namespace

SampleState check_samples(Disk& disk, int fd, uint64_t offset, const std::vector<FragmentRun>& runs) {
  SampleReader reader(disk, fd);
  for (const FragmentRun& run : runs) {
    for (const FragmentSample& sample : run.samples) {
      const uint64_t end = offset + sample.size;
      const bool sound =
          run.track_id == kVideoTrackId ? video_sound(reader, offset, end) : audio_sound(reader, offset, end);
      if (!reader.readable()) return SampleState::kUnreadable;
      if (!sound) return SampleState::kDamaged;
      offset = end;
    }
  }
  return SampleState::kSound;
}

}  // namespace thimble::media
