// Reads avcC and hvcC (ISO 14496-15 5.3.3.1, 8.3.3.1).
#include "media/entry_parameter_sets.h"

#include <cstring>

namespace thimble::media {
namespace {

constexpr size_t kVideoEntryBytes = 86;  // a visual sample entry without the boxes in it

/// Appends `count` units, each behind 16 bits of length, and takes them off `bytes`. False when they are cut.
bool append_units(size_t count, ByteView* bytes, std::vector<uint8_t>* out) {
  for (; count > 0; --count) {
    if (bytes->size < 2) return false;
    const size_t size = read_be16(bytes->data);
    const ByteView unit = bytes->sub(2, size);
    if (unit.size < size) return false;
    const uint8_t length[4] = {0, 0, bytes->data[0], bytes->data[1]};
    out->insert(out->end(), length, length + sizeof length);
    out->insert(out->end(), unit.data, unit.data + unit.size);
    *bytes = bytes->sub(2 + size);
  }
  return true;
}

bool read_avcc(ByteView avcc, std::vector<uint8_t>* out) {
  if (avcc.size < 7 || (avcc[4] & 3) != 3) return false;
  ByteView rest = avcc.sub(6);
  if (!append_units(avcc[5] & 0x1f, &rest, out) || rest.empty()) return false;
  const size_t pictures = rest[0];
  rest = rest.sub(1);
  return append_units(pictures, &rest, out);
}

bool read_hvcc(ByteView hvcc, std::vector<uint8_t>* out) {
  if (hvcc.size < 23 || (hvcc[21] & 3) != 3) return false;
  ByteView rest = hvcc.sub(23);
  for (size_t arrays = hvcc[22]; arrays > 0; --arrays) {
    if (rest.size < 3) return false;
    const size_t units = read_be16(rest.data + 1);
    rest = rest.sub(3);
    if (!append_units(units, &rest, out)) return false;
  }
  return true;
}

}  // namespace

std::vector<uint8_t> entry_parameter_sets(ByteView sample_entry) {
  std::vector<uint8_t> sets;
  ByteView boxes = sample_entry.sub(kVideoEntryBytes);
  while (boxes.size >= 8) {
    const uint32_t size = read_be32(boxes.data);
    if (size < 8 || size > boxes.size) break;
    const ByteView content = boxes.sub(8, size - 8);
    const bool avc = std::memcmp(boxes.data + 4, "avcC", 4) == 0;
    if (avc || std::memcmp(boxes.data + 4, "hvcC", 4) == 0) {
      const bool whole = avc ? read_avcc(content, &sets) : read_hvcc(content, &sets);
      if (!whole) sets.clear();
      break;
    }
    boxes = boxes.sub(size);
  }
  return sets;
}

}  // namespace thimble::media
