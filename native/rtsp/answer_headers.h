// The headers of SETUP and PLAY answers that say how the session runs: Session, Transport, RTP-Info.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rtsp/message.h"

namespace thimble::rtsp {

/// RFC 2326 12.37. `id` is what stands before the first ";", trimmed, as servers want it back.
struct SessionHeader {
  std::string id;
  std::optional<uint32_t> timeout_s;  ///< as written, believable or not
};
std::optional<SessionHeader> parse_session(const Message& answer);

/// What a SETUP answer says about the transport.
struct TransportHeader {
  bool interleaved = false;      ///< the answer names channels
  bool other_transport = false;  ///< ports instead of channels: the server means to send UDP
  uint8_t rtp_channel = 0, rtcp_channel = 0;
  std::optional<uint32_t> ssrc;  ///< a hint only
};
/// Of several transports (lines or list items) the one with channels counts.
TransportHeader parse_transport(const Message& answer);

/// One part of RTP-Info (RFC 2326 12.33). `url` as sent; numbers only where they are believable.
struct RtpInfo {
  std::string url;
  std::optional<uint16_t> sequence;
  std::optional<uint32_t> rtp_time;
};
/// Parts without URL are left out; at most 64.
std::vector<RtpInfo> parse_rtp_info(const Message& answer);

/// Seconds of a Retry-After header when it is a number of at most 300, else 0.
int parse_retry_after(const Message& answer);

}  // namespace thimble::rtsp
