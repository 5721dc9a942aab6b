// Plain samples in RTP (RFC 3551: PCMU, PCMA, L16): each packet is one access unit.
#include "rtsp/depacketizer.h"

namespace thimble::rtsp {

namespace {

class PcmDepacketizer final : public Depacketizer {
 public:
  PcmDepacketizer(size_t frame_bytes, UnitOutput& output, RtpTrack::Limits limits)
      : frame_bytes_(frame_bytes), max_unit_bytes_(limits.max_unit_bytes), output_(output) {}

  void on_packet(const RtpPacket& packet, bool loss) override {
    loss_ = loss_ || loss;
    // A part of a sample at the end is cut off: what stands before it is right.
    const size_t size = packet.payload.size - packet.payload.size % frame_bytes_;
    if (size != packet.payload.size) output_.counters().malformed_packets++;
    if (size == 0 || size > max_unit_bytes_) {
      output_.drop();
      loss_ = true;
      return;
    }
    AccessUnit unit;
    unit.rtp_time = packet.time;
    unit.arrival_us = packet.arrival_us;
    unit.key = true;
    unit.loss_before = loss_;
    unit.duration = static_cast<uint32_t>(size / frame_bytes_);
    unit.data = packet.payload.sub(0, size);
    loss_ = false;
    output_.deliver(unit);
  }

  void flush() override {}  // nothing waits
  void end_source() override { loss_ = false; }

 private:
  const size_t frame_bytes_;  // of one sample of all channels
  const size_t max_unit_bytes_;
  UnitOutput& output_;
  bool loss_ = false;
};

}  // namespace

std::unique_ptr<Depacketizer> make_pcm_depacketizer(const Track& track, UnitOutput& output,
                                                    RtpTrack::Limits limits) {
  const int channels = track.channels == 0 ? 1 : track.channels;
  if (channels < 0) return nullptr;
  const size_t sample_bytes = track.codec == Codec::kL16 ? 2 : 1;
  return std::make_unique<PcmDepacketizer>(sample_bytes * static_cast<size_t>(channels), output, limits);
}

}  // namespace thimble::rtsp
