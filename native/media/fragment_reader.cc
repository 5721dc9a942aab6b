#include "media/fragment_reader.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "media/moof_reader.h"
#include "rtsp/bytes.h"

namespace thimble::media {
namespace {

constexpr size_t kMoofReadBytes = 2048;  // one second of 25 pictures and 47 sound frames fits

}  // namespace

int read_bytes(Disk& disk, int fd, uint64_t offset, size_t size, std::vector<uint8_t>* bytes) {
  bytes->resize(size);
  size_t done = 0;
  while (done < size) {
    const ssize_t got =
        disk.read_at(fd, bytes->data() + done, size - done, static_cast<off_t>(offset + done));
    if (got < 0) return static_cast<int>(got);
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  bytes->resize(done);
  return 0;
}

int read_fragment(Disk& disk, int fd, uint64_t offset, uint64_t size_bytes, StoredFragment* fragment) {
  if (offset >= size_bytes) return 0;
  const uint64_t left = size_bytes - offset;
  std::vector<uint8_t> bytes;
  int error =
      read_bytes(disk, fd, offset, static_cast<size_t>(std::min<uint64_t>(kMoofReadBytes, left)), &bytes);
  if (error < 0) return error;
  if (bytes.size() < 16 || std::memcmp(bytes.data() + 4, "moof", 4) != 0) return 0;
  const uint32_t moof_bytes = read_be32(bytes.data());
  if (moof_bytes < 16 || moof_bytes > kMaxMoofBytes || uint64_t{moof_bytes} + 8 > left) return 0;
  if (bytes.size() < moof_bytes + 8) {
    if ((error = read_bytes(disk, fd, offset, moof_bytes + 8, &bytes)) < 0) return error;
    if (bytes.size() < moof_bytes + 8) return 0;
  }
  const uint8_t* mdat = bytes.data() + moof_bytes;
  const uint64_t mdat_bytes = read_be32(mdat);
  if (std::memcmp(mdat + 4, "mdat", 4) != 0 || mdat_bytes < 8 || mdat_bytes > left - moof_bytes) return 0;
  std::optional<std::vector<FragmentRun>> runs = parse_moof({bytes.data(), moof_bytes}, mdat_bytes - 8);
  if (!runs) return 0;
  fragment->runs = std::move(*runs);
  fragment->media_offset = offset + moof_bytes + 8;
  fragment->end = offset + moof_bytes + mdat_bytes;
  return 1;
}

}  // namespace thimble::media
