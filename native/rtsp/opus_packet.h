// Reads the table of contents of an Opus packet (RFC 6716 3): how long it lasts and whether it can be one.
#pragma once

#include <cstdint>

#include "rtsp/bytes.h"

namespace thimble::rtsp {

/// Duration of a packet in samples of 48 kHz, 120 to 5760. 0 when the bytes break a rule of RFC 6716 3.4, so
/// that no decoder would take them.
uint32_t opus_packet_samples(ByteView packet);

}  // namespace thimble::rtsp
