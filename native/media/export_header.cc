// Encodes the tables of the header where they are asked for.
#include <algorithm>
#include <cstring>

#include "media/export_header.h"
#include "rtsp/bytes.h"

namespace thimble::media {
namespace {

constexpr size_t kEntriesAtOnce = 256;
constexpr uint32_t kMostEntryBytes = 12;

}  // namespace

uint32_t ExportHeader::entry_bytes(Table table) {
  switch (table) {
    case Table::kFixed:
      return 1;
    case Table::kKeys:
    case Table::kSizes:
      return 4;
    case Table::kChunks:
      return kMostEntryBytes;
    default:
      return 8;
  }
}

void ExportHeader::encode(const Part& part, uint64_t first, size_t count, uint8_t* out) const {
  const ExportTrack& track = *part.track;
  ValueRun runs[kEntriesAtOnce];
  if (part.table == Table::kDurations) count = track.durations.read_runs(first, count, runs);
  if (part.table == Table::kOffsets) count = track.offsets.read_runs(first, count, runs);
  if (part.table == Table::kChunks) count = track.chunks.read_runs(first, count, runs);
  for (size_t i = 0; i < count; ++i, out += entry_bytes(part.table)) {
    switch (part.table) {
      case Table::kFixed:
        break;
      case Table::kDurations:
        write_be32(out, static_cast<uint32_t>(runs[i].count));
        write_be32(out + 4, static_cast<uint32_t>(runs[i].value));
        break;
      case Table::kOffsets:
        write_be32(out, static_cast<uint32_t>(runs[i].count));
        write_be32(out + 4,
                   static_cast<uint32_t>(static_cast<int64_t>(runs[i].value) - ExportTrack::kOffsetBias));
        break;
      case Table::kKeys:
        write_be32(out, static_cast<uint32_t>(track.keys.at(first + i)));
        break;
      case Table::kChunks:
        write_be32(out, static_cast<uint32_t>(runs[i].first + 1));
        write_be32(out + 4, static_cast<uint32_t>(runs[i].value));
        write_be32(out + 8, static_cast<uint32_t>(runs[i].value >> 32) + 1);
        break;
      case Table::kSizes:
        write_be32(out, static_cast<uint32_t>(track.sizes.at(first + i)));
        break;
      case Table::kChunkOffsets:
        write_be64(out, size_ + track.chunk_offsets.at(first + i));
        break;
    }
  }
}

void ExportHeader::read_table(const Part& part, uint64_t offset, uint8_t* out, size_t size) const {
  const uint32_t each = entry_bytes(part.table);
  const uint64_t entries = part.size / each;
  uint8_t encoded[kEntriesAtOnce * kMostEntryBytes];
  while (size > 0) {
    const uint64_t first = offset / each;
    const size_t skip = static_cast<size_t>(offset % each);
    const size_t count = static_cast<size_t>(std::min<uint64_t>(kEntriesAtOnce, entries - first));
    encode(part, first, count, encoded);
    const size_t taken = std::min(size, count * each - skip);
    std::memcpy(out, encoded + skip, taken);
    out += taken;
    offset += taken;
    size -= taken;
  }
}

void ExportHeader::read(uint64_t offset, uint8_t* out, size_t size) const {
  auto part = std::upper_bound(parts_.begin(), parts_.end(), offset,
                               [](uint64_t at, const Part& candidate) { return at < candidate.begin; });
  for (--part; size > 0; ++part) {
    const uint64_t within = offset - part->begin;
    const size_t taken = static_cast<size_t>(std::min<uint64_t>(size, part->size - within));
    if (part->table == Table::kFixed) {
      std::memcpy(out, fixed_.data() + part->fixed_at + within, taken);
    } else {
      read_table(*part, within, out, taken);
    }
    out += taken;
    offset += taken;
    size -= taken;
  }
}

}  // namespace thimble::media
