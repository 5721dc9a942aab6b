// Finds out whether the bytes of a fragment's samples reached the disk, by what lost disk sectors look like.
#pragma once

#include <cstdint>
#include <vector>

#include "media/disk.h"
#include "media/fragment.h"

namespace thimble::media {

enum class SampleState { kSound, kDamaged, kUnreadable };

/// Reads the samples of `runs`, which begin at `offset`. Video: the NAL lengths must lead exactly through
/// each sample, no NAL may begin with two zeros or have the forbidden bit. All: no disk sector may begin with
/// zeros where no codec writes any (H.264 and H.265 never have three in a row inside a NAL). Reads in pieces
/// of 64 KiB whatever the sizes say.
SampleState check_samples(Disk& disk, int fd, uint64_t offset, const std::vector<FragmentRun>& runs);

}  // namespace thimble::media
