// The sidx of a segment (ISO 14496-12 8.16.3): collects one reference per fragment and fits them into the
// reserved box.
#pragma once

#include <cstdint>
#include <vector>

#include "media/fragment.h"

namespace thimble::media {

// As written: version 1 with box header, ids, two 64-bit times and the count; then the references.
inline constexpr uint32_t kIndexHeadBytes = 40;
inline constexpr uint32_t kIndexReferenceBytes = 12;
inline constexpr uint32_t kStartsWithSap1 = 0x90000000;  ///< starts_with_SAP, SAP_type 1

/// What the index and the end of a segment need to know of a fragment. Times on the file's time line.
struct FragmentSummary {
  uint64_t size_bytes = 0;  ///< moof and mdat
  bool has_video = false;
  bool begins_with_key = false;
  uint64_t earliest_pts90k = 0;
  uint64_t duration90k = 0;
};

class SegmentIndex {
 public:
  /// In file order. A fragment without video is counted to the reference before it. Memory is bounded: from
  /// 65,535 references on neighbours are merged.
  void add(const FragmentSummary& fragment);

  /// The sidx box and behind it the header of the `free` box that fills the reserved box up. Neighbouring
  /// references are merged until both fit. Empty when not even one fits.
  std::vector<uint8_t> encode(uint32_t reserved_bytes) const;
  /// The sidx box alone, with all references. Empty without any.
  std::vector<uint8_t> encode() const {
    return encode(kIndexHeadBytes + kIndexReferenceBytes * static_cast<uint32_t>(references_.size()));
  }

 private:
  struct Reference {
    uint32_t size_bytes;
    uint32_t duration90k;
    bool has_video;
    bool begins_with_key;
  };
  static bool join(Reference& first, const Reference& second);
  static void reduce(std::vector<Reference>& references, size_t most);

  std::vector<Reference> references_;
  uint64_t earliest_pts90k_ = 0;
  bool has_earliest_ = false;
};

}  // namespace thimble::media
