// Turns the RTP packets of one track into access units: header checks, sequence numbers, sources (SSRC),
// depacketising.
#pragma once

#include <cstdint>
#include <memory>

#include "rtsp/access_unit.h"
#include "rtsp/bytes.h"
#include "rtsp/sdp.h"

namespace thimble::rtsp {

/// What happened on a track since it was made. Plain counters, never reset.
struct RtpCounters {
  uint64_t packets = 0, bytes = 0;
  uint64_t lost_packets = 0, duplicates = 0, malformed_packets = 0, empty_packets = 0;
  uint64_t foreign_payload_type = 0, foreign_packets = 0, ssrc_changes = 0, damaged_units = 0;
};

/// A sender report (RFC 3550 6.4.1) of the source in force.
struct SenderReport {
  uint64_t ntp = 0;  ///< 32.32 fixed point
  uint32_t rtp_time = 0;
  int64_t arrival_us = 0;
};

/// Not thread-safe; lives on the ingest thread. The sink must not call back into it. Memory: the access unit
/// under construction (<= 4 MiB, else dropped), and only while they wait at most 64 KiB of packets behind a
/// gap and 64 KiB of a source that is not trusted yet.
class RtpTrack {
 public:
  struct Limits {
    uint32_t max_unit_bytes = 4u << 20;
    uint32_t max_nals = 512;
    uint32_t max_held_bytes = 64u << 10;
  };

  /// A reader for `track`, or null when its codec or format parameters are none that we read.
  static std::unique_ptr<RtpTrack> create(const Track& track, AccessUnitSink& sink, Limits limits);
  static std::unique_ptr<RtpTrack> create(const Track& track, AccessUnitSink& sink) {
    return create(track, sink, Limits());
  }

  virtual ~RtpTrack() = default;
  /// One RTP packet without the interleaved header. `now_us` = CLOCK_MONOTONIC of its arrival.
  virtual void on_rtp(ByteView packet, int64_t now_us) = 0;
  /// One compound RTCP packet.
  virtual void on_rtcp(ByteView packet, int64_t now_us) = 0;
  /// Hands out what waits for a next packet that will not come (end of the connection, or no packet for a
  /// while). A picture without its marker stays where pictures have markers, and so does an open fragment:
  /// the rest may come.
  virtual void flush(int64_t now_us) = 0;
  /// Decides on held packets of a new source when the old one has been silent for 1 s. Call about once a
  /// second.
  virtual void tick(int64_t now_us) = 0;
  virtual const RtpCounters& counters() const = 0;
  /// The newest sender report, or null when there was none from the source in force.
  virtual const SenderReport* sender_report() const = 0;
  /// Writes an RTCP receiver report with SDES (RFC 3550 6.4.2) for the source in force. Returns its size; 0 =
  /// no source yet. `out` has room for 128 bytes.
  virtual size_t write_receiver_report(uint8_t* out, int64_t now_us) = 0;
};

}  // namespace thimble::rtsp
