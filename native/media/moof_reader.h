// Reads the moof boxes of our own files, in exactly the shape in which they are written; everything else is
// damage.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "media/fragment.h"
#include "rtsp/bytes.h"

namespace thimble::media {

/// Limits beyond which a fragment is damage: the writer's queue never takes one that large.
inline constexpr uint32_t kMaxMoofBytes = 1u << 20;
inline constexpr uint32_t kMaxFragmentBytes = 64u << 20;

/// The runs of `moof` (the whole box). nullopt unless every field is consistent: sizes, data offsets, and the
/// samples of all runs together as large as `media_bytes`.
std::optional<std::vector<FragmentRun>> parse_moof(ByteView moof, uint64_t media_bytes);

}  // namespace thimble::media
