// One track's way from packets to access units: which source counts, in which order, and to which
// depacketiser.
#include "rtsp/rtp_track.h"

#include "rtsp/depacketizer.h"
#include "rtsp/rtp_held_packets.h"
#include "rtsp/rtp_packet.h"
#include "rtsp/rtp_reports.h"
#include "rtsp/rtp_sequence.h"

namespace thimble::rtsp {

namespace {

class Receiver final : public RtpTrack, private OrderedPacketSink {
 public:
  Receiver(const Track& track, AccessUnitSink& sink, Limits limits)
      : payload_type_(track.payload_type),
        output_(sink, counters_),
        order_(*this, counters_, limits.max_held_bytes),
        reports_(track.clock_rate),
        held_(kAdoptPackets, limits.max_held_bytes) {
    depacketizer_ = make_depacketizer(track, limits);
  }

  bool usable() const { return depacketizer_ != nullptr; }

  void on_rtp(ByteView bytes, int64_t now_us) override {
    if (bytes.empty()) return;
    RtpPacket packet;
    if (!parse_rtp_packet(bytes, &packet)) {
      counters_.malformed_packets++;
      return;
    }
    packet.arrival_us = now_us;
    // Before any accounting: Geovision sends a second payload type with the same sequence numbers.
    if (payload_type_ >= 0 && packet.payload_type != payload_type_) {
      counters_.foreign_payload_type++;
      return;
    }
    if (!has_source_) begin_source(packet.ssrc);
    if (packet.ssrc == ssrc_) {
      drop_held();
      accept(packet, bytes);
    } else {
      hold(packet, bytes);
    }
  }

  void on_rtcp(ByteView packet, int64_t now_us) override { reports_.on_rtcp(packet, now_us); }

  void flush(int64_t now_us) override {
    tick(now_us);
    order_.release_all();
    depacketizer_->flush();
  }

  void tick(int64_t now_us) override {
    order_.tick(now_us);
    if (!held_.empty() && now_us - last_packet_us_ >= kSilenceUs) adopt();
  }

  const RtpCounters& counters() const override { return counters_; }
  const SenderReport* sender_report() const override { return reports_.sender_report(); }
  size_t write_receiver_report(uint8_t* out, int64_t now_us) override { return reports_.write(out, now_us); }

 private:
  static constexpr size_t kAdoptPackets = 8;
  static constexpr int64_t kSilenceUs = 1'000'000;

  std::unique_ptr<Depacketizer> make_depacketizer(const Track& track, const Limits& limits) {
    switch (track.codec) {
      case Codec::kH264:
        return make_h264_depacketizer(output_, limits);
      case Codec::kH265:
        return make_h265_depacketizer(output_, limits);
      case Codec::kAac:
        return make_aac_depacketizer(track, output_, limits);
      case Codec::kAacLatm:
        return make_latm_depacketizer(track, output_, limits);
      case Codec::kOpus:
        return make_opus_depacketizer(output_, limits);
      case Codec::kPcmu:
      case Codec::kPcma:
      case Codec::kL16:
        return make_pcm_depacketizer(track, output_, limits);
      case Codec::kUnknown:
        break;
    }
    return nullptr;
  }

  void begin_source(uint32_t ssrc) {
    has_source_ = true;
    ssrc_ = ssrc;
    reports_.begin_source(ssrc);
    order_.reset();
  }

  void accept(const RtpPacket& packet, ByteView bytes) {
    last_packet_us_ = packet.arrival_us;
    counters_.packets++;
    counters_.bytes += bytes.size;
    reports_.on_packet(packet);
    order_.push(packet, bytes);
  }

  /// A packet of a source that is not in force: kept until it is clear which of the two is alive.
  void hold(const RtpPacket& packet, ByteView bytes) {
    if (!held_.empty() && held_ssrc_ != packet.ssrc) drop_held();
    held_ssrc_ = packet.ssrc;
    if (!held_.push(bytes, packet.sequence, packet.arrival_us)) {
      // So much without one packet of the old source says the same as eight packets.
      adopt();
      accept(packet, bytes);
      return;
    }
    if (held_.full() || packet.arrival_us - last_packet_us_ >= kSilenceUs) adopt();
  }

  void drop_held() {
    counters_.foreign_packets += held_.count();
    if (!held_.empty()) held_.clear();
  }

  void adopt() {
    order_.release_all();
    depacketizer_->end_source();
    lost_before_ = false;
    output_.begin_discontinuity();
    counters_.ssrc_changes++;
    begin_source(held_ssrc_);
    for (size_t i = 0; i < held_.count(); i++) {
      RtpPacket packet;
      parse_rtp_packet(held_.bytes(i), &packet);
      packet.arrival_us = held_.entry(i).arrival_us;
      accept(packet, held_.bytes(i));
    }
    held_.clear();
  }

  void on_ordered_packet(const RtpPacket& packet, bool loss) override {
    if (packet.payload.empty()) counters_.empty_packets++;
    lost_before_ = lost_before_ || loss;
    if (packet.payload.empty()) return;
    depacketizer_->on_packet(packet, lost_before_);
    lost_before_ = false;
  }

  int payload_type_;
  RtpCounters counters_;
  UnitOutput output_;
  SequenceOrder order_;
  RtpReports reports_;
  HeldPackets held_;
  uint32_t held_ssrc_ = 0;
  std::unique_ptr<Depacketizer> depacketizer_;
  bool has_source_ = false, lost_before_ = false;
  uint32_t ssrc_ = 0;
  int64_t last_packet_us_ = 0;
};

}  // namespace

std::unique_ptr<RtpTrack> RtpTrack::create(const Track& track, AccessUnitSink& sink, Limits limits) {
  auto receiver = std::make_unique<Receiver>(track, sink, limits);
  if (!receiver->usable()) return nullptr;
  return receiver;
}

}  // namespace thimble::rtsp
