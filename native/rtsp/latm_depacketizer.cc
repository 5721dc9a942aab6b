// AAC in LATM in RTP (RFC 6416 6): elements of one or more frames, in one packet or several, with or without
// their config in them.
#include <algorithm>
#include <array>

#include "rtsp/depacketizer.h"
#include "rtsp/depacketizer_buffer.h"
#include "rtsp/latm_config.h"

namespace thimble::rtsp {

namespace {

/// 64 frames of stereo at the highest rate take less.
constexpr size_t kMostElementBytes = 128 << 10;
constexpr size_t kMostFrames = 64;

class LatmDepacketizer final : public Depacketizer {
 public:
  LatmDepacketizer(LatmFormat format, uint32_t clock_rate, UnitOutput& output, RtpTrack::Limits limits)
      : in_band_(format.in_band),
        config_(std::move(format.config)),
        clock_rate_(clock_rate),
        max_unit_bytes_(limits.max_unit_bytes),
        buffer_(std::min<size_t>(limits.max_unit_bytes, kMostElementBytes)),
        output_(output) {}

  void on_packet(const RtpPacket& packet, bool loss) override {
    const bool same_time = started_ && packet.time == time_;
    if (loss) {
      drop_element();
      loss_ = true;
      // The rest of an element of which a part is missing.
      broken_ = same_time;
    }
    if (!same_time) {
      // Some never set the marker: then the next time ends an element.
      end_element();
      broken_ = false;
    }
    started_ = true;
    time_ = packet.time;
    arrival_us_ = packet.arrival_us;
    if (broken_) {
      if (!loss) output_.counters().malformed_packets++;
      return;
    }
    if (packet.marker && buffer_.size() == 0) {
      take(packet.payload);
    } else if (!buffer_.append(packet.payload)) {
      drop_element();
      broken_ = true;
    } else if (packet.marker) {
      end_element();
    }
  }

  void flush() override {}  // an element waits for nothing but its own rest
  void end_source() override {
    drop_element();
    loss_ = started_ = broken_ = false;
  }

 private:
  struct Frame {
    BitReader at{ByteView()};
    size_t size = 0;
  };

  void end_element() {
    if (buffer_.size() == 0) return;
    take({buffer_.data(), buffer_.size()});
    buffer_.note_unit();
    buffer_.truncate(0);
  }

  void drop_element() {
    if (buffer_.size() > 0) miss();
    buffer_.truncate(0);
  }

  void miss() {
    output_.drop();
    loss_ = true;
  }

  void take(ByteView element) {
    BitReader bits(element);
    if (!read_config(bits) || !find_frames(bits)) {
      output_.counters().malformed_packets++;
      miss();
      return;
    }
    for (size_t i = 0; i < count_; i++) {
      if (frames_[i].size > 0) deliver(element, frames_[i], i);
    }
  }

  /// The start of an element (1.7.3, AudioMuxElement). False when there is no config to read the rest by.
  bool read_config(BitReader& bits) {
    if (in_band_ && !bits.bit()) {
      std::optional<LatmConfig> config = read_stream_mux_config(bits);
      if (!config) return false;
      config_ = std::move(config);
    }
    return config_.has_value();
  }

  /// Finds all frames before one is handed out: an element whose lengths do not add up gives none.
  bool find_frames(BitReader& bits) {
    count_ = 0;
    for (uint32_t i = 0; i < config_->sub_frames; i++) {
      if (!find_frame(bits)) return false;
    }
    bits.skip(config_->other_bits);
    // Out of band everything is whole bytes, and senders put more elements behind the first.
    while (!in_band_ && bits.left() >= 8) {
      if (!find_frame(bits)) return false;
    }
    return bits.ok();
  }

  /// PayloadLengthInfo and PayloadMux of one frame.
  bool find_frame(BitReader& bits) {
    size_t size = config_->fixed_bytes;
    if (size == 0) {
      uint32_t piece = 255;
      while (piece == 255) {
        piece = bits.bits(8);
        size += piece;
      }
    }
    if (!bits.ok() || count_ == kMostFrames || size > max_unit_bytes_) return false;
    if (bits.left() < uint64_t{size} * 8) return false;
    frames_[count_++] = {bits, size};
    bits.skip(uint64_t{size} * 8);
    return true;
  }

  void deliver(ByteView element, Frame frame, size_t index) {
    AccessUnit unit;
    const uint64_t at = uint64_t{element.size} * 8 - frame.at.left();
    if (at % 8 == 0) {
      unit.data = element.sub(static_cast<size_t>(at / 8), frame.size);
    } else {
      scratch_.clear();
      for (size_t i = 0; i < frame.size; i++) scratch_.push_back(static_cast<uint8_t>(frame.at.bits(8)));
      unit.data = {scratch_.data(), scratch_.size()};
    }
    const AacConfig& aac = config_->aac;
    unit.rtp_time =
        time_ + static_cast<uint32_t>(uint64_t{aac.core_samples} * clock_rate_ * index / aac.core_rate);
    unit.arrival_us = arrival_us_;
    unit.key = true;
    unit.loss_before = loss_;
    if (in_band_) unit.config = {config_->audio.data(), config_->audio.size()};
    loss_ = false;
    output_.deliver(unit);
  }

  const bool in_band_;
  std::optional<LatmConfig> config_;
  const uint32_t clock_rate_;
  const size_t max_unit_bytes_;
  UnitBuffer buffer_;             // an element in several packets
  std::vector<uint8_t> scratch_;  // a frame that does not begin at a byte
  std::array<Frame, kMostFrames> frames_{};
  size_t count_ = 0;
  UnitOutput& output_;
  uint32_t time_ = 0;
  int64_t arrival_us_ = 0;
  bool started_ = false, loss_ = false;
  bool broken_ = false;  // a part of the element of this time is missing
};

}  // namespace

std::unique_ptr<Depacketizer> make_latm_depacketizer(const Track& track, UnitOutput& output,
                                                     RtpTrack::Limits limits) {
  LatmFormat format = latm_format(track.fmtp);
  if (!format.in_band && !format.config) return nullptr;
  return std::make_unique<LatmDepacketizer>(std::move(format), track.clock_rate, output, limits);
}

}  // namespace thimble::rtsp
