// Finds the places where go2rtc passes on another session with the camera than before, into the session with
// us that goes on.
#pragma once

#include <cstdint>

#include "rtsp/bytes.h"

namespace thimble::media {

/// Of one track. go2rtc (1.9.14, measured) hands on the camera's RTP packets as they come and re-dials the
/// camera behind our back: source, sequence and times then begin anew, without a word, and under the old SDP.
/// A camera that keeps its source is known by its sequence, which jumps.
class SpliceWatch {
 public:
  /// True when this RTP packet does not go on from those before.
  bool on_rtp(ByteView packet) {
    if (packet.size < 12) return false;
    const auto sequence = static_cast<uint16_t>(packet.data[2] << 8 | packet.data[3]);
    const uint32_t source = static_cast<uint32_t>(packet.data[8]) << 24 | packet.data[9] << 16 |
                            packet.data[10] << 8 | packet.data[11];
    const int step = static_cast<int16_t>(sequence - sequence_);
    const bool splice = started_ && (source != source_ || step > kMostAhead || step < -kMostAhead);
    started_ = true;
    source_ = source;
    sequence_ = sequence;
    return splice;
  }

 private:
  /// A slow reader loses whole GOPs, which is no new session; far more at once is.
  static constexpr int kMostAhead = 1000;

  bool started_ = false;
  uint16_t sequence_ = 0;
  uint32_t source_ = 0;
};

}  // namespace thimble::media
