// Opus in RTP (RFC 7587): the payload is one Opus packet, which lasts as long as its first byte says.
#include "rtsp/depacketizer.h"
#include "rtsp/opus_packet.h"

namespace thimble::rtsp {

namespace {

class OpusDepacketizer final : public Depacketizer {
 public:
  OpusDepacketizer(UnitOutput& output, RtpTrack::Limits limits)
      : max_unit_bytes_(limits.max_unit_bytes), output_(output) {}

  void on_packet(const RtpPacket& packet, bool loss) override {
    loss_ = loss_ || loss;
    AccessUnit unit;
    unit.duration = opus_packet_samples(packet.payload);
    if (unit.duration == 0 || packet.payload.size > max_unit_bytes_) {
      output_.counters().malformed_packets++;
      output_.drop();
      loss_ = true;
      return;
    }
    unit.rtp_time = packet.time;
    unit.arrival_us = packet.arrival_us;
    unit.key = true;
    unit.loss_before = loss_;
    unit.data = packet.payload;
    loss_ = false;
    output_.deliver(unit);
  }

  void flush() override {}  // nothing waits
  void end_source() override { loss_ = false; }

 private:
  const size_t max_unit_bytes_;
  UnitOutput& output_;
  bool loss_ = false;
};

}  // namespace

std::unique_ptr<Depacketizer> make_opus_depacketizer(UnitOutput& output, RtpTrack::Limits limits) {
  return std::make_unique<OpusDepacketizer>(output, limits);
}

}  // namespace thimble::rtsp
