// NAL units and packets of H.264 (RFC 6184, packetization modes 0 and 1).
#include "rtsp/depacketizer_nal.h"

namespace thimble::rtsp {

namespace {

enum : uint8_t {
  kPartitionB = 3,
  kPartitionC = 4,
  kIdr = 5,
  kSei = 6,
  kSps = 7,
  kAud = 9,
  kEndOfSequence = 10
};
enum : uint8_t { kEndOfStream = 11, kFiller = 12, kAuxiliary = 19, kStapA = 24, kFuA = 28 };

NalInfo classify(ByteView nal) {
  NalInfo info;
  info.type = nal[0] & 0x1f;
  info.known = info.type >= 1 && info.type < kStapA;
  info.slice = info.type >= 1 && info.type <= kIdr;
  // first_mb_in_slice is ue(v): 0 is the single bit 1. Partitions B and C begin with another field.
  info.first_slice =
      info.slice && info.type != kPartitionB && info.type != kPartitionC && nal.size > 1 && (nal[1] & 0x80);
  info.begins_unit = info.type == kSps || info.type == kAud;
  info.key = info.type == kIdr;
  info.discardable = info.type == kSei || info.type == kFiller;
  info.may_be_empty = info.type == kEndOfSequence || info.type == kEndOfStream;
  info.trailing = info.may_be_empty || info.type == kFiller || info.type >= kAuxiliary;
  return info;
}

bool header_ok(ByteView) {
  return true;
}

void fragment_header(ByteView payload, uint8_t type, uint8_t* out) {
  out[0] = static_cast<uint8_t>((payload[0] & 0xe0) | type);
}

constexpr NalFormat kFormat = {1, kStapA, kFuA, classify, header_ok, fragment_header, 0x1f};

}  // namespace

std::unique_ptr<Depacketizer> make_h264_depacketizer(UnitOutput& output, RtpTrack::Limits limits) {
  return std::make_unique<NalDepacketizer>(output, limits, kFormat);
}

}  // namespace thimble::rtsp
