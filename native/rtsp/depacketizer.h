// What turns the payloads of one codec into access units; a new codec is one more file with one more make
// function.
#pragma once

#include <memory>

#include "rtsp/access_unit.h"
#include "rtsp/rtp_packet.h"
#include "rtsp/rtp_track.h"

namespace thimble::rtsp {

/// Where access units leave: adds what the track knows and counts the damaged ones.
class UnitOutput {
 public:
  UnitOutput(AccessUnitSink& sink, RtpCounters& counters) : sink_(sink), counters_(counters) {}
  RtpCounters& counters() { return counters_; }
  void deliver(AccessUnit& unit) {
    unit.discontinuity = discontinuity_;
    discontinuity_ = false;
    if (unit.damaged) counters_.damaged_units++;
    sink_.on_access_unit(unit);
  }
  /// An access unit of which nothing useful arrived.
  void drop() { counters_.damaged_units++; }
  void begin_discontinuity() { discontinuity_ = true; }

 private:
  AccessUnitSink& sink_;
  RtpCounters& counters_;
  bool discontinuity_ = false;
};

class Depacketizer {
 public:
  virtual ~Depacketizer() = default;
  /// Packets in order. `loss`: some are missing directly before this one. The payload is not empty.
  virtual void on_packet(const RtpPacket& packet, bool loss) = 0;
  /// Hands out what waits for a next packet that does not come.
  virtual void flush() = 0;
  /// The source ends: hands out what there is and forgets the rest. The next packet is of another source.
  virtual void end_source() = 0;
};

std::unique_ptr<Depacketizer> make_h264_depacketizer(UnitOutput& output, RtpTrack::Limits limits);
std::unique_ptr<Depacketizer> make_h265_depacketizer(UnitOutput& output, RtpTrack::Limits limits);
/// Null when the track's field lengths make no sense.
std::unique_ptr<Depacketizer> make_aac_depacketizer(const Track& track, UnitOutput& output,
                                                    RtpTrack::Limits limits);
/// Null when the track has no config that can be read and none comes in the stream.
std::unique_ptr<Depacketizer> make_latm_depacketizer(const Track& track, UnitOutput& output,
                                                     RtpTrack::Limits limits);
std::unique_ptr<Depacketizer> make_opus_depacketizer(UnitOutput& output, RtpTrack::Limits limits);
/// PCMU, PCMA and L16.
std::unique_ptr<Depacketizer> make_pcm_depacketizer(const Track& track, UnitOutput& output,
                                                    RtpTrack::Limits limits);

}  // namespace thimble::rtsp
