// Which track an interleaved packet belongs to.
#pragma once

#include <cstdint>

#include "rtsp/bytes.h"
#include "rtsp/sdp.h"

namespace thimble::rtsp {

/// At most one video and one audio track. Tracks are told apart by channel, never by payload type (UniFi uses
/// one type twice); only where a server gave both tracks the same channels the payload type decides, and for
/// RTCP the SSRC.
class ChannelMap {
 public:
  struct Entry {
    bool used = false;
    uint8_t rtp_channel = 0, rtcp_channel = 0;
    int payload_type = -1;
    bool ssrc_known = false;
    uint32_t ssrc = 0;  // of the newest RTP packet; kept for shared channels only
  };
  struct Found {
    TrackUse track = TrackUse::kNo;
    bool is_rtcp = false;
  };

  /// False when the track cannot be told from the other one (same channel, same payload type).
  bool assign(TrackUse track, uint8_t rtp_channel, uint8_t rtcp_channel, int payload_type);
  /// kNo for a packet that belongs to none.
  Found find(uint8_t channel, ByteView packet);
  const Entry& entry(TrackUse track) const { return track == TrackUse::kAudio ? audio_ : video_; }

 private:
  Found find_shared(ByteView packet);

  Entry video_, audio_;
  bool shared_ = false;
};

}  // namespace thimble::rtsp
