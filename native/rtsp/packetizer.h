// Cuts access units into interleaved RTP packets: H.264 (RFC 6184), H.265 (RFC 7798), AAC (RFC 3640), Opus
// (RFC 7587), plain samples (RFC 3551); and writes sender reports.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rtsp/bytes.h"
#include "rtsp/served_track.h"

namespace thimble::rtsp {

/// The bytes of the unit that is being cut; whoever calls has them.
class UnitBytes {
 public:
  virtual ~UnitBytes() = default;
  /// Copies [offset, offset + size) of the unit, which lies within it.
  virtual void read(size_t offset, size_t size, uint8_t* out) const = 0;
};

/// Of one track of one session. A unit may be cut bit by bit: nothing of it is kept but where to go on, so
/// that a receiver that takes little costs no memory.
class Packetizer {
 public:
  /// As over UDP: receivers send what comes on as it is.
  static constexpr size_t kMostPayloadBytes = 1400;

  /// `channel`: of RTP, the next one is that of RTCP. `seed` makes SSRC and the first sequence number.
  Packetizer(const ServedTrack& track, uint8_t channel, uint64_t seed);

  uint32_t ssrc() const { return ssrc_; }
  uint16_t next_sequence() const { return sequence_; }
  uint8_t channel() const { return channel_; }

  /// Begins a unit of `size` bytes: NALs each behind a 4-byte length, or one sound frame. `sets` (of video
  /// only) go before it. What is left of the unit before is given up, see `skip`.
  void begin(size_t size, uint32_t rtp_time, const std::vector<ByteView>& sets = {});
  /// Adds the next packet of the unit to `out`. False, and nothing added, when the unit is over.
  bool next(const UnitBytes& unit, std::string* out);
  bool in_unit() const { return in_unit_; }
  /// All of the unit was given out.
  bool at_end() const { return !in_unit_ || (nal_left_ == 0 && at_ + (is_nal() ? 4 : 0) >= size_); }
  /// The unit is over.
  void finish() { in_unit_ = false; }
  /// Something is left out here: the sequence numbers show it.
  void skip();

  /// Adds a sender report (RFC 3550 6.4.1, with a CNAME, which is that of all tracks of a session) to `out`.
  /// `ntp`: 32.32 bits since 1900.
  void report(uint64_t ntp, uint32_t rtp_time, std::string_view cname, std::string* out) const;

 private:
  bool is_nal() const { return codec_ == Codec::kH264 || codec_ == Codec::kH265; }
  bool next_nal(const UnitBytes& unit, std::string* out);
  bool begin_nal(const UnitBytes& unit);
  bool next_aac(const UnitBytes& unit, std::string* out);
  bool next_plain(const UnitBytes& unit, std::string* out);
  void read(const UnitBytes& unit, size_t offset, size_t size, uint8_t* out) const;
  uint8_t* add_packet(size_t payload_bytes, bool marker, std::string* out);

  const Codec codec_;
  const uint8_t payload_type_, channel_;
  const size_t sample_bytes_;  // of plain sound: all channels; else 1
  uint32_t ssrc_;
  uint16_t sequence_;
  uint32_t packets_ = 0, octets_ = 0;

  bool in_unit_ = false;
  uint32_t rtp_time_ = 0;
  std::vector<uint8_t> before_;  // parameter sets as NALs behind their lengths
  size_t size_ = 0;              // of these and the unit
  size_t at_ = 0;                // next byte
  size_t nal_left_ = 0;          // of a NAL that goes on
  uint8_t nal_header_[2] = {};   // of that
  bool fragment_begins_ = false;
};

}  // namespace thimble::rtsp
