// What a depacketiser makes of RTP packets: whole access units with what is known of their integrity.
#pragma once

#include <cstdint>
#include <vector>

#include "rtsp/bytes.h"

namespace thimble::rtsp {

/// One NAL unit inside an access unit.
struct Nal {
  uint8_t type;     ///< nal_unit_type of the codec
  uint32_t offset;  ///< of its first header byte (behind the 4-byte length) in AccessUnit::data
  uint32_t size;    ///< bytes without the length
};

/// One compressed picture or audio frame. Everything is borrowed and valid only during the call that hands it
/// out.
struct AccessUnit {
  uint32_t rtp_time = 0;   ///< 32 bit, as sent
  int64_t arrival_us = 0;  ///< CLOCK_MONOTONIC of the packet that completed it
  bool key = false;        ///< H.264 IDR, H.265 IRAP; always true for audio
  bool damaged = false;    ///< a part of it never arrived; `data` holds what did
  bool loss_before =
      false;  ///< packets, or a whole access unit, are missing between the previous one and this one
  bool discontinuity =
      false;  ///< first of a new source (SSRC): rtp_time has nothing to do with what was before
  ByteView
      data;  ///< video: NALs each behind a 4-byte big-endian length; audio: the raw frame (AAC without ADTS)
  const Nal* nals = nullptr;  ///< video only
  size_t nal_count = 0;
  uint32_t duration = 0;  ///< Opus and plain samples: ticks of the RTP clock that it lasts, else 0
  ByteView config;  ///< AAC whose parameters come in the stream: the AudioSpecificConfig in force, else empty
};

/// Takes access units in the order in which they were sent (decode order).
class AccessUnitSink {
 public:
  virtual ~AccessUnitSink() = default;
  virtual void on_access_unit(const AccessUnit& unit) = 0;
};

}  // namespace thimble::rtsp
