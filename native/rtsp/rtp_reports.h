// RTCP of one track: reads sender reports, keeps the statistics of RFC 3550 A.3 and A.8, writes receiver
// reports.
#pragma once

#include <cstdint>

#include "rtsp/rtp_packet.h"
#include "rtsp/rtp_track.h"

namespace thimble::rtsp {

/// What was received from the source in force.
class RtpReports {
 public:
  explicit RtpReports(uint32_t clock_rate) : clock_rate_(clock_rate ? clock_rate : 90000) {}

  /// `ssrc` becomes the source in force; statistics begin anew. A report of it that came before its first
  /// packet counts.
  void begin_source(uint32_t ssrc);
  /// A packet of the source in force, in order of arrival, duplicates included.
  void on_packet(const RtpPacket& packet);
  /// One compound packet; reading stops where a length does not fit.
  void on_rtcp(ByteView packet, int64_t now_us);
  const SenderReport* sender_report() const { return has_report_ ? &report_ : nullptr; }
  /// RR and SDES CNAME (RFC 3550 6.4.2, 6.5). 0 before the first packet, else the size, at most 64.
  size_t write(uint8_t* out, int64_t now_us);

 private:
  uint32_t fraction_and_lost(int64_t expected);

  uint32_t clock_rate_;
  uint32_t own_ssrc_ = 0;
  bool has_source_ = false, has_packet_ = false, has_report_ = false, has_other_ = false;
  uint32_t ssrc_ = 0, other_ssrc_ = 0;
  SenderReport report_, other_report_;
  uint16_t base_sequence_ = 0, max_sequence_ = 0;
  uint32_t cycles_ = 0;
  int64_t received_ = 0, expected_before_ = 0, received_before_ = 0;
  uint32_t last_transit_ = 0;
  uint64_t jitter_x16_ = 0;
};

}  // namespace thimble::rtsp
