// Builds sidx boxes.
#include "media/segment_index.h"

#include <cstring>

#include "media/init_segment.h"
#include "rtsp/bytes.h"

namespace thimble::media {
namespace {

constexpr size_t kMaxReferences = 65535;  // reference_count has 16 bits
constexpr uint64_t kMaxReferencedSize = 0x7fffffff;

}  // namespace

bool SegmentIndex::join(Reference& first, const Reference& second) {
  const uint64_t size = uint64_t{first.size_bytes} + second.size_bytes;
  const uint64_t duration = uint64_t{first.duration90k} + second.duration90k;
  if (size > kMaxReferencedSize || duration > UINT32_MAX) return false;
  // Sound in front of the first picture: the reference begins where the video of the second does.
  if (!first.has_video) first.begins_with_key = second.begins_with_key;
  first.has_video = first.has_video || second.has_video;
  first.size_bytes = static_cast<uint32_t>(size);
  first.duration90k = static_cast<uint32_t>(duration);
  return true;
}

void SegmentIndex::reduce(std::vector<Reference>& references, size_t most) {
  // References that begin with a keyframe are where a player can jump to: they go last.
  for (const bool keep_keys : {true, false, false}) {
    size_t excess = references.size() > most ? references.size() - most : 0;
    std::vector<Reference> kept;
    bool mergeable = false;
    for (const Reference& reference : references) {
      const bool wanted = excess > 0 && mergeable && !(keep_keys && reference.begins_with_key);
      if (wanted && join(kept.back(), reference)) {
        --excess;
        // Pairs only when keys go too: the loss is spread over the file.
        mergeable = keep_keys;
      } else {
        kept.push_back(reference);
        mergeable = true;
      }
    }
    references.swap(kept);
  }
  while (references.size() > most) {
    if (references.size() < 2 || !join(references[references.size() - 2], references.back())) return;
    references.pop_back();
  }
}

void SegmentIndex::add(const FragmentSummary& fragment) {
  Reference reference{
      static_cast<uint32_t>(fragment.size_bytes < kMaxReferencedSize ? fragment.size_bytes
                                                                     : kMaxReferencedSize),
      static_cast<uint32_t>(fragment.duration90k < UINT32_MAX ? fragment.duration90k : UINT32_MAX),
      fragment.has_video, fragment.has_video && fragment.begins_with_key};
  if (!reference.has_video) reference.duration90k = 0;
  if (reference.has_video && !has_earliest_) {
    earliest_pts90k_ = fragment.earliest_pts90k;
    has_earliest_ = true;
  }
  const bool to_the_last = !references_.empty() && (!reference.has_video || !references_.back().has_video);
  if (to_the_last && join(references_.back(), reference)) return;
  if (references_.size() >= kMaxReferences) reduce(references_, kMaxReferences / 2);
  references_.push_back(reference);
}

std::vector<uint8_t> SegmentIndex::encode(uint32_t reserved_bytes) const {
  if (references_.empty() || reserved_bytes < kIndexHeadBytes + kIndexReferenceBytes) return {};
  size_t most = (reserved_bytes - kIndexHeadBytes) / kIndexReferenceBytes;
  const size_t left = reserved_bytes - kIndexHeadBytes - most * kIndexReferenceBytes;
  if (left > 0 && left < 8) --most;  // no box is smaller than its header
  if (most > kMaxReferences) most = kMaxReferences;
  if (most == 0) return {};
  std::vector<Reference> references = references_;
  if (references.size() > most) reduce(references, most);
  if (references.size() > most) return {};

  const size_t size = kIndexHeadBytes + references.size() * kIndexReferenceBytes;
  const uint32_t rest = static_cast<uint32_t>(reserved_bytes - size);
  std::vector<uint8_t> bytes(size + (rest > 0 ? 8 : 0));
  uint8_t* out = bytes.data();
  write_be32(out, static_cast<uint32_t>(size));
  std::memcpy(out + 4, "sidx", 4);
  out[8] = 1;
  write_be32(out + 12, kVideoTrackId);
  write_be32(out + 16, kVideoTimescale);
  write_be64(out + 20, earliest_pts90k_);
  write_be64(out + 28, rest);
  write_be16(out + 38, static_cast<uint16_t>(references.size()));
  out += kIndexHeadBytes;
  for (const Reference& reference : references) {
    write_be32(out, reference.size_bytes);
    write_be32(out + 4, reference.duration90k);
    write_be32(out + 8, reference.begins_with_key ? kStartsWithSap1 : 0);
    out += kIndexReferenceBytes;
  }
  if (rest > 0) {
    write_be32(out, rest);
    std::memcpy(out + 4, "free", 4);
  }
  return bytes;
}

}  // namespace thimble::media
