// Writes and reads the head of a segment file.
#include "media/segment_header.h"

extern "C" {
#include <libavutil/crc.h>
}

#include <cstring>

namespace thimble::media {
namespace {

// Random, fixed for ever: the extended type of our `uuid` box.
constexpr uint8_t kBoxType[16] = {0x00, 0xad, 0x4c, 0x42, 0x1c, 0x90, 0xf7, 0x32,
                                  0x3c, 0x2b, 0x5e, 0xd6, 0x4d, 0xd7, 0xf6, 0xe0};
constexpr uint8_t kVersion = 1;
// Offsets in the box.
constexpr size_t kVersionAt = 24, kStoreAt = 28, kCameraAt = 44, kStreamAt = 48, kStartAt = 52, kClockAt = 60,
                 kPtsOffsetAt = 64, kReservedAt = 72, kChecksumAt = 76, kBoxBytes = 80;
constexpr uint32_t kMaxPlannedSeconds = 86400;
constexpr int64_t kMaxTime90k = int64_t{1} << 52;

uint32_t checksum(const uint8_t* data, size_t size) {
  return av_crc(av_crc_get_table(AV_CRC_32_IEEE_LE), 0xffffffff, data, size) ^ 0xffffffff;
}

}  // namespace

uint32_t reserved_box_bytes(uint32_t planned_seconds) {
  return 8192 + 24 * (planned_seconds < kMaxPlannedSeconds ? planned_seconds : kMaxPlannedSeconds);
}

std::vector<uint8_t> encode_free_header(uint32_t size) {
  std::vector<uint8_t> header(8);
  write_be32(header.data(), size);
  std::memcpy(header.data() + 4, "free", 4);
  return header;
}

std::vector<uint8_t> encode_segment_header(const std::vector<uint8_t>& init, const SegmentIdentity& identity,
                                           uint32_t planned_seconds, SegmentLayout* layout) {
  const size_t box_bytes = kBoxBytes + (8 - init.size() % 8) % 8;
  layout->reserved_offset = static_cast<uint32_t>(init.size() + box_bytes);
  layout->reserved_bytes = reserved_box_bytes(planned_seconds);
  std::vector<uint8_t> bytes = init;
  bytes.resize(layout->reserved_offset);
  uint8_t* box = bytes.data() + init.size();
  write_be32(box, static_cast<uint32_t>(box_bytes));
  std::memcpy(box + 4, "uuid", 4);
  std::memcpy(box + 8, kBoxType, sizeof kBoxType);
  box[kVersionAt] = kVersion;
  std::memcpy(box + kStoreAt, identity.store, sizeof identity.store);
  write_be32(box + kCameraAt, identity.camera);
  box[kStreamAt] = static_cast<uint8_t>(identity.stream);
  write_be64(box + kStartAt, static_cast<uint64_t>(identity.start_ms));
  write_be32(box + kClockAt, identity.clock_generation);
  write_be64(box + kPtsOffsetAt, static_cast<uint64_t>(identity.pts_offset90k));
  write_be32(box + kReservedAt, layout->reserved_bytes);
  write_be32(box + kChecksumAt, checksum(bytes.data(), init.size() + kChecksumAt));
  const std::vector<uint8_t> free_header = encode_free_header(layout->reserved_bytes);
  bytes.insert(bytes.end(), free_header.begin(), free_header.end());
  return bytes;
}

SegmentHeader parse_segment_header(ByteView bytes) {
  SegmentHeader header;
  size_t at = 0;
  const auto incomplete = [&](size_t needed) {
    header.needed = needed;
    header.state =
        needed > kMaxHeaderBytes ? SegmentHeader::State::kUnknown : SegmentHeader::State::kIncomplete;
    return header;
  };
  for (const char* type : {"ftyp", "moov", "uuid"}) {
    header.needed = at + 8;
    if (bytes.size < at + 8) return incomplete(at + 8);
    const uint32_t size = read_be32(bytes.data + at);
    if (std::memcmp(bytes.data + at + 4, type, 4) != 0 || size < 8) return header;
    if (size > kMaxHeaderBytes || bytes.size - at < size) return incomplete(at + size);
    if (type[0] == 'm') header.moov = bytes.sub(at + 8, size - 8);
    if (type[0] != 'u') at += size;
  }
  const uint8_t* box = bytes.data + at;
  const uint32_t size = read_be32(box);
  header.needed = at + size;
  if (size < kBoxBytes || std::memcmp(box + 8, kBoxType, sizeof kBoxType) != 0) return header;
  if (box[kVersionAt] != kVersion) return header;
  header.state = SegmentHeader::State::kDamaged;
  if (read_be32(box + kChecksumAt) != checksum(bytes.data, at + kChecksumAt)) return header;
  SegmentIdentity& identity = header.identity;
  std::memcpy(identity.store, box + kStoreAt, sizeof identity.store);
  identity.camera = read_be32(box + kCameraAt);
  identity.stream = static_cast<StreamKind>(box[kStreamAt]);
  identity.start_ms = static_cast<int64_t>(read_be64(box + kStartAt));
  identity.clock_generation = read_be32(box + kClockAt);
  identity.pts_offset90k = static_cast<int64_t>(read_be64(box + kPtsOffsetAt));
  header.layout.reserved_offset = static_cast<uint32_t>(at + size);
  header.layout.reserved_bytes = read_be32(box + kReservedAt);
  // The checksum keeps accidents out, these keep out a file that somebody made on purpose.
  const bool sane = box[kStreamAt] <= 1 && identity.start_ms >= 0 && identity.start_ms <= kLatestStartMs &&
                    identity.pts_offset90k > -kMaxTime90k && identity.pts_offset90k < kMaxTime90k &&
                    header.layout.reserved_offset % 8 == 0 && header.layout.reserved_bytes >= 8192 &&
                    header.layout.reserved_bytes <= reserved_box_bytes(kMaxPlannedSeconds);
  if (sane) header.state = SegmentHeader::State::kValid;
  return header;
}

}  // namespace thimble::media
