// AAC in RTP (RFC 3640, modes AAC-hbr and AAC-lbr): several frames in a packet, one frame in several packets,
// and the ADTS headers that some cameras leave in.
#include "rtsp/aac_config.h"
#include "rtsp/bit_reader.h"
#include "rtsp/depacketizer.h"
#include "rtsp/depacketizer_buffer.h"

namespace thimble::rtsp {

namespace {

/// Size of the ADTS header when `bytes` begin with a frame of one raw block (ISO 14496-3 1.A.2); its whole
/// length goes to `frame_size`. 0 = no ADTS. No raw frame begins with these 12 bits: they would say "end"
/// first.
size_t adts_header(ByteView bytes, size_t* frame_size) {
  if (bytes.size < 7 || bytes[0] != 0xff || (bytes[1] & 0xf6) != 0xf0 || (bytes[6] & 3) != 0) return 0;
  const size_t header = bytes[1] & 1 ? 7 : 9;
  *frame_size = static_cast<size_t>(bytes[3] & 3) << 11 | static_cast<size_t>(bytes[4]) << 3 | bytes[5] >> 5;
  return *frame_size > header && *frame_size <= bytes.size ? header : 0;
}

/// True when the payload is nothing but whole ADTS frames.
bool is_bare_adts(ByteView payload) {
  size_t frame = 0;
  while (!payload.empty()) {
    if (adts_header(payload, &frame) == 0) return false;
    payload = payload.sub(frame);
  }
  return true;
}

class AacDepacketizer final : public Depacketizer {
 public:
  AacDepacketizer(const Track& track, const Track::Aac& aac, UnitOutput& output, RtpTrack::Limits limits)
      : output_(output),
        aac_(aac),
        clock_rate_(track.clock_rate),
        max_unit_bytes_(limits.max_unit_bytes),
        buffer_(limits.max_unit_bytes) {
    const auto config = read_aac_config({aac.config.data(), aac.config.size()});
    core_rate_ = config ? config->core_rate : clock_rate_;
    core_samples_ = config ? config->core_samples : 1024;
    aac_.config.clear();
  }

  void on_packet(const RtpPacket& packet, bool loss) override {
    if (loss) {
      loss_ = true;
      drop_fragment();
    }
    if (fragment_size_ > 0 && packet.time != time_) drop_fragment();
    time_ = packet.time;
    arrival_us_ = packet.arrival_us;
    index_ = 0;
    if (!read(packet)) output_.counters().malformed_packets++;
  }

  void flush() override {}  // a frame waits for nothing but its own rest
  void end_source() override {
    if (fragment_size_ > 0) drop_fragment();
    loss_ = false;
  }

 private:
  bool read(const RtpPacket& packet) {
    if (is_bare_adts(packet.payload)) return read_adts(packet.payload);
    if (aac_.size_length + aac_.index_length == 0) return deliver(packet.payload);
    if (packet.payload.size < 2) return false;
    const size_t header_bits = read_be16(packet.payload.data);
    const ByteView headers = packet.payload.sub(2, (header_bits + 7) / 8);
    if (headers.size < (header_bits + 7) / 8) return false;
    ByteView data = packet.payload.sub(2 + headers.size);
    // No headers although the mode has them, or headers without a size: then it is one frame.
    if (header_bits == 0 || aac_.size_length == 0) return !data.empty() && deliver(data);

    BitReader bits(headers);
    size_t left = header_bits;
    for (bool first = true;; first = false) {
      const int index_length = first ? aac_.index_length : aac_.index_delta_length;
      const size_t need = static_cast<size_t>(aac_.size_length + index_length);
      // A rest shorter than a header is padding; so is a header behind the data.
      if (left < need || need == 0) return !first;
      left -= need;
      const size_t size = bits.bits(aac_.size_length);
      bits.bits(index_length);
      if (first && (fragment_size_ > 0 || (size > data.size && !packet.marker))) {
        return add_fragment(size, data, packet.marker);
      }
      if (size == 0 || size > data.size) {
        miss();
        return false;
      }
      deliver(data.sub(0, size));
      data = data.sub(size);
    }
  }

  bool read_adts(ByteView payload) {
    size_t frame = 0;
    while (adts_header(payload, &frame) > 0) {
      deliver(payload.sub(0, frame));
      payload = payload.sub(frame);
    }
    return true;
  }

  /// Each fragment repeats the size of the whole frame; the last one has the marker (RFC 3640 3.2.3).
  bool add_fragment(size_t size, ByteView part, bool marker) {
    const bool fits = (fragment_size_ == 0 || fragment_size_ == size) && part.size <= size - buffer_.size();
    if (!fits || !buffer_.append(part)) {
      drop_fragment();
      return false;
    }
    fragment_size_ = size;
    if (buffer_.size() < size) {
      if (!marker) return true;
      drop_fragment();
      return false;
    }
    const bool good = deliver({buffer_.data(), buffer_.size()});
    end_fragment();
    return good;
  }

  void end_fragment() {
    buffer_.note_unit();
    buffer_.truncate(0);
    fragment_size_ = 0;
  }

  void drop_fragment() {
    if (fragment_size_ > 0 || buffer_.size() > 0) miss();
    end_fragment();
  }

  /// A frame is known and did not arrive whole.
  void miss() {
    output_.drop();
    loss_ = true;
    index_++;
  }

  bool deliver(ByteView frame) {
    size_t adts_size = 0;
    const size_t header = adts_header(frame, &adts_size);
    if (header > 0 && adts_size == frame.size) frame = frame.sub(header);
    if (frame.size > max_unit_bytes_) {
      miss();
      return false;
    }
    AccessUnit unit;
    const uint64_t ticks =
        core_rate_ > 0 ? static_cast<uint64_t>(core_samples_) * clock_rate_ * index_ / core_rate_ : 0;
    unit.rtp_time = time_ + static_cast<uint32_t>(ticks);
    unit.arrival_us = arrival_us_;
    unit.key = true;
    unit.loss_before = loss_;
    unit.data = frame;
    loss_ = false;
    index_++;
    output_.deliver(unit);
    return true;
  }

  UnitOutput& output_;
  Track::Aac aac_;
  uint32_t clock_rate_, core_rate_ = 0, core_samples_ = 1024;
  uint32_t max_unit_bytes_;
  UnitBuffer buffer_;         // a frame in several packets
  size_t fragment_size_ = 0;  // of the whole frame, 0 = none in progress
  uint32_t time_ = 0;
  int64_t arrival_us_ = 0;
  uint32_t index_ = 0;  // of the frame within the packet
  bool loss_ = false;
};

}  // namespace

std::unique_ptr<Depacketizer> make_aac_depacketizer(const Track& track, UnitOutput& output,
                                                    RtpTrack::Limits limits) {
  const Track::Aac aac = track.aac ? *track.aac : Track::Aac();
  for (const int length : {aac.size_length, aac.index_length, aac.index_delta_length}) {
    if (length < 0 || length > 32) return nullptr;
  }
  return std::make_unique<AacDepacketizer>(track, aac, output, limits);
}

}  // namespace thimble::rtsp
