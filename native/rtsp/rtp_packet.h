// The fixed part of an RTP packet (RFC 3550 5.1), checked; what is behind the payload's borders is never seen
// again.
#pragma once

#include <cstdint>

#include "rtsp/bytes.h"

namespace thimble::rtsp {

struct RtpPacket {
  bool marker = false;
  uint8_t payload_type = 0;
  uint16_t sequence = 0;
  uint32_t time = 0;
  uint32_t ssrc = 0;
  ByteView payload;        ///< without CSRCs, extension and padding; borrowed
  int64_t arrival_us = 0;  ///< CLOCK_MONOTONIC
};

/// False when the packet is too short, of another version, or when its CSRCs, extension or padding do not fit
/// into it. Does not set arrival_us.
bool parse_rtp_packet(ByteView bytes, RtpPacket* packet);

}  // namespace thimble::rtsp
