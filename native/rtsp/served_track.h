// A track that the RTSP server offers, and the description of a session that is written of it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rtsp/sdp.h"

namespace thimble::rtsp {

/// What has to be known of a track before its first packet.
struct ServedTrack {
  Codec codec = Codec::kUnknown;                    ///< kH264, kH265, kAac, kOpus, kPcmu, kPcma or kL16
  uint32_t clock_rate = 90000;                      ///< of its RTP times
  int channels = 0;                                 ///< of sound
  std::vector<std::vector<uint8_t>> vps, sps, pps;  ///< with NAL headers, without start codes
  std::vector<uint8_t> config;                      ///< of AAC: the AudioSpecificConfig
  double fps = 0;                                   ///< 0 = not known

  bool is_video() const { return codec == Codec::kH264 || codec == Codec::kH265; }
  int payload_type() const;
  /// A receiver that was told of one can go on with packets of the other: parameter sets come in the stream,
  /// everything else does not.
  bool goes_on_as(const ServedTrack& other) const;
};

/// The description (RFC 8866), with formats as of RFC 6184, 7798, 3640, 7587 and 3551. Track `i` has the
/// control URL "trackID=<i>", relative to the session's.
std::string write_sdp(const std::vector<ServedTrack>& tracks);

}  // namespace thimble::rtsp
