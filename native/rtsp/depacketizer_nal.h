// The packets of the NAL based payload formats: single NALs, aggregates and fragments. H.264 and H.265 differ
// in numbers.
#pragma once

#include "rtsp/depacketizer_video.h"

namespace thimble::rtsp {

/// How one codec writes its NAL headers and packets.
struct NalFormat {
  size_t header_size;
  uint8_t aggregate_type, fragment_type;
  /// Facts of a NAL of at least header_size bytes.
  NalInfo (*classify)(ByteView nal);
  /// True when the header itself is legal.
  bool (*header_ok)(ByteView nal);
  /// NAL header of a fragmented unit, from the payload header and the type in the fragment header.
  void (*fragment_header)(ByteView payload, uint8_t type, uint8_t* out);
  uint8_t fragment_type_mask;
};

class NalDepacketizer final : public Depacketizer {
 public:
  NalDepacketizer(UnitOutput& output, RtpTrack::Limits limits, const NalFormat& format)
      : counters_(output.counters()),
        format_(format),
        assembler_(output, limits, format.header_size, format.classify) {}

  void on_packet(const RtpPacket& packet, bool loss) override;
  void flush() override { assembler_.flush(); }
  void end_source() override { assembler_.end_source(); }

 private:
  bool whole_nal(ByteView nal) const;
  bool on_single(const RtpPacket& packet);
  bool on_aggregate(const RtpPacket& packet);
  bool on_fragment(const RtpPacket& packet);

  RtpCounters& counters_;
  const NalFormat& format_;
  VideoAssembler assembler_;
};

}  // namespace thimble::rtsp
