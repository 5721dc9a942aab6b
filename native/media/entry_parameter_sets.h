// The parameter sets that stand in a sample entry (avcC, hvcC), in the form in which samples hold them.
#pragma once

#include <cstdint>
#include <vector>

#include "rtsp/bytes.h"

namespace thimble::media {

/// The NAL units of `sample_entry` (a whole avc1 or hvc1 box), each behind 32 bits of length. Empty when they
/// cannot be read, or when the samples have other lengths. Never more bytes than `sample_entry` and two for
/// each unit.
std::vector<uint8_t> entry_parameter_sets(ByteView sample_entry);

}  // namespace thimble::media
