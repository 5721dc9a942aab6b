// Puts NAL units together to access units: decides where a picture ends, what is whole, and what is too much.
#pragma once

#include <cstdint>
#include <vector>

#include "rtsp/depacketizer.h"
#include "rtsp/depacketizer_buffer.h"

namespace thimble::rtsp {

/// What the assembly must know of one NAL unit.
struct NalInfo {
  uint8_t type = 0;
  bool known = false;  ///< a type that can stand in a file, not one of the payload format's own
  bool slice = false;
  bool first_slice = false;   ///< a slice that begins a picture
  bool begins_unit = false;   ///< never behind a slice of the same picture: AUD, SPS, VPS
  bool key = false;           ///< slice of a picture at which decoding can start
  bool discardable = false;   ///< SEI and filler: the first to go when there is too much
  bool trailing = false;      ///< belongs to the picture before it
  bool may_be_empty = false;  ///< complete without a body: end of sequence, end of stream
};

/// Rules for the end of an access unit (all seen on cameras): a marker behind a slice (a marker on parameter
/// sets or inside a fragmented NAL means nothing); a new timestamp once there is a slice; a slice that begins
/// a picture, an AUD, SPS or VPS behind a slice. NALs without a slice wait for the next slice and take its
/// timestamp. Only whole NALs are delivered: of a NAL with a part missing nothing remains but the damaged
/// flag, because a cut slice makes some decoders give up. An access unit without one whole slice is dropped
/// and counted.
class VideoAssembler {
 public:
  /// `classify` gets at least `header_size` bytes.
  VideoAssembler(UnitOutput& output, RtpTrack::Limits limits, size_t header_size,
                 NalInfo (*classify)(ByteView nal))
      : output_(output),
        limits_(limits),
        header_size_(header_size),
        classify_(classify),
        buffer_(limits.max_unit_bytes) {}

  /// Packets are missing here.
  void note_loss();
  /// A packet with something usable in it; `add_` and `_fragment` calls follow, then end_packet.
  void begin_packet(const RtpPacket& packet);
  /// One NAL unit with its header. May hold several behind Annex B start codes.
  void add_nal(ByteView nal);
  void begin_fragment(ByteView header);
  void add_fragment(ByteView body);
  void end_fragment();
  bool fragment_open() const { return fragment_open_; }
  /// What is there of the fragmented NAL is worthless.
  void abort_fragment();
  /// A NAL of the current packet is known but did not arrive whole.
  void miss_nal(bool slice);
  /// `ends_unit`: the packet has the marker and does not end inside a fragmented NAL.
  void end_packet(bool ends_unit);

  /// Delivers a picture that waits for the next timestamp. In a stream with markers a picture without one is
  /// not complete, so nothing happens there.
  void flush();
  void end_source();

 private:
  enum class End { kMarker, kTime, kBoundary, kFlush, kSource };

  bool has_picture() const { return has_slice_ || broken_; }
  void touch_unit();
  void commit();
  void commit_pieces(size_t begin, size_t codes);
  void place(size_t size);
  bool make_room(bool discardable, size_t size);
  void purge_discardable();
  void refuse_pending();
  void overflow();
  void finish(End end);
  size_t carried_nals() const;
  void deliver(size_t nal_count, size_t end);
  void clear_unit();

  UnitOutput& output_;
  RtpTrack::Limits limits_;
  size_t header_size_;
  NalInfo (*classify_)(ByteView nal);

  // The buffer: [base_, committed_) NALs of the unit, each behind its length; then 4 bytes and the NAL in
  // progress.
  UnitBuffer buffer_;
  size_t base_ = 0, committed_ = 0;
  std::vector<Nal> nals_;

  uint32_t time_ = 0;
  int64_t now_us_ = 0, arrival_us_ = 0;
  bool active_ = false;  // something of the unit was seen
  bool has_slice_ = false;
  bool broken_ = false;  // a slice of it is known and missing
  bool damaged_ = false, key_ = false, loss_before_ = false;
  bool check_first_ = false;  // its first slice may be missing
  bool overflow_ = false, purged_ = false;
  bool fragment_open_ = false, fragment_slice_ = false;
  bool pending_loss_ = false;
  bool fresh_source_ = true;
  bool markers_ = false;  // the unit before ended with a marker
};

}  // namespace thimble::rtsp
