// Reads the fragments of a segment file one by one, each with one small read, and trusts none of them.
#pragma once

#include <cstdint>
#include <vector>

#include "media/disk.h"
#include "media/fragment.h"

namespace thimble::media {

/// Up to `size` bytes from `offset`; fewer only at the end of the file. 0 or -errno.
int read_bytes(Disk& disk, int fd, uint64_t offset, size_t size, std::vector<uint8_t>* bytes);

struct StoredFragment {
  std::vector<FragmentRun> runs;
  uint64_t media_offset = 0;  ///< where the samples begin, in the order of the runs
  uint64_t end = 0;           ///< behind the mdat
};

/// Reads the moof at `offset` in a file of `size_bytes`. 1 = `fragment` is whole, 0 = no whole fragment
/// stands there, negative = -errno.
int read_fragment(Disk& disk, int fd, uint64_t offset, uint64_t size_bytes, StoredFragment* fragment);

}  // namespace thimble::media
